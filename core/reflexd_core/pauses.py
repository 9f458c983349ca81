"""Pauses: for how long everything is passed through, whatever the clocks do.

A pause with a length ends by itself, by whichever of two clocks says so first: the wall clock, which goes on while
the machine sleeps, or the steady one, which nobody can set back. So a wall clock that jumps backwards prolongs
nothing, and one that jumps ahead ends the pause early, which costs no more than an answer from the cache.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    wall: float
    """Seconds since 1970; may jump either way."""
    steady: float
    """Seconds since some moment of this process; only ever goes forward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    began: Moment
    seconds: float | None
    """How long; None is until somebody resumes."""

    @property
    def until(self) -> float | None:
        """By the wall clock."""
        return None if self.seconds is None else self.began.wall + self.seconds

    def is_over(self, now: Moment) -> bool:
        if self.seconds is None:
            return False
        return now.wall >= self.began.wall + self.seconds or now.steady >= self.began.steady + self.seconds

    def left(self, now: Moment) -> float | None:
        """Seconds; None where it has no end."""
        if self.seconds is None:
            return None
        by_wall = self.began.wall + self.seconds - now.wall
        return max(0.0, min(by_wall, self.began.steady + self.seconds - now.steady))


def restored(until: float | None, seconds: float | None, now: Moment) -> Pause | None:
    """A pause from before the restart, with what is left of it; None where it is over.

    Never more than it was given: a wall clock that was set back meanwhile must not make it longer.
    """
    if until is None or seconds is None:
        return Pause(began=now, seconds=None)
    left = min(seconds, until - now.wall)
    return Pause(began=now, seconds=left) if left > 0 else None
