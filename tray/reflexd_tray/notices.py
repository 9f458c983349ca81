"""Notifications: only for what needs a person, once for each cause until that cause has gone.

Pure: what was told is kept in the value that is handed on, and the time is an argument (Unix seconds).
"""

from dataclasses import dataclass, field, replace

from reflexd_io.control_client.shapes.exchanges import Audits, ExchangeRow
from reflexd_tray.model import Seen

OFFLINE_AFTER = 10.0
"""Seconds without a daemon before a person hears of it: a restart takes less."""
FALSE_HITS = 0.03
"""The share of wrong answers among compared hits by meaning that is shipped as the most to expect."""
_REFUSED = (401, 403)


@dataclass(frozen=True, slots=True)
class Notice:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """What has been told and not gone since."""

    causes: frozenset[str] = frozenset()
    offline_since: float | None = None
    was_online: bool = False
    waiting: tuple[Notice, ...] = field(default=())
    """To be shown now."""

    def on_state(self, seen: Seen, now: float) -> "Told":
        """After something was heard of the daemon, or nothing for a while."""
        if seen.offline is not None:
            since = self.offline_since if self.offline_since is not None else now
            told = replace(self, offline_since=since)
            if self.was_online and now - since >= OFFLINE_AFTER:
                why = f"{seen.offline} Agents that point here get no answer until it runs again."
                return told._tell("offline", Notice("Reflex has stopped", why))
            return told
        told = replace(self, offline_since=None, was_online=True)._forget("offline")
        state = seen.state
        if state is None or state.status == "ok":
            return told._forget("degraded")
        why = "; ".join(f"{part}: {problem}" for part, problem in state.problems.items())
        return told._tell("degraded", Notice("Reflex is in trouble", why or "Its log says why."))

    def on_exchange(self, row: ExchangeRow) -> "Told":
        """A provider that refuses a key is told once, until it takes one."""
        cause = f"refused {row.tenant} {row.dialect}"
        if row.status.startswith("hit") or row.joined:
            return self
        if row.http_status in _REFUSED:
            whose = f"{row.model or row.dialect}, tenant {row.tenant}"
            text = f"It answered {row.http_status} ({whose}). A new key is set with “Set key”."
            return self._tell(cause, Notice("A provider refused the key", text))
        return self._forget(cause) if row.http_status < 400 else self

    def on_audits(self, audits: Audits) -> "Told":
        """Only when the interval's lower end is above the budget: few comparisons say little."""
        share = audits.different_share
        cause = f"false hits {audits.tenant}"
        if share is None or share.low <= FALSE_HITS:
            return self._forget(cause)
        text = (
            f"{audits.different} of {audits.compared} compared answers differed (tenant {audits.tenant}). "
            "`reflexd tune` makes it stricter; the mode “Shadow” stops answers by meaning."
        )
        return self._tell(cause, Notice("More wrong answers than expected", text))

    def on_click(self, what: str, more: str) -> "Told":
        """What came of a click is told each time."""
        return replace(self, waiting=(*self.waiting, Notice(what, more)))

    def shown(self) -> "Told":
        """After the waiting notices were shown, or were not wanted."""
        return replace(self, waiting=())

    def _tell(self, cause: str, notice: Notice) -> "Told":
        if cause in self.causes:
            return self
        return replace(self, causes=self.causes | {cause}, waiting=(*self.waiting, notice))

    def _forget(self, cause: str) -> "Told":
        return replace(self, causes=self.causes - {cause}) if cause in self.causes else self
