"""The machine over many exchanges: it joins identical requests in flight and routes what concerns others.

One flight per exact key: a leader that called upstream, followers that read its bytes as they come (same form,
same wish for usage), and waiters that want another form and get it converted at the end. Pure like `step`, but it
keeps the states, since an event of one exchange may move others.

Decision: a 5xx before the first byte counts as a failed leader (the next follower tries for itself, as it would
have without a cache), every other status is shared. Silence, or a second failure in a row, lets all followers go at
once: a chain of promotions would multiply the wait.
"""

from dataclasses import dataclass, field

from reflexd_core import events as ev
from reflexd_core import states as st
from reflexd_core.commands import Admit, Command
from reflexd_core.entry import EntryFacts
from reflexd_core.machine import IllegalTransition, step
from reflexd_core.policy import Ask, Policy

Routed = list[tuple[int, Command]]

_LATE = (ev.ClientLeft, ev.FollowersLeft, ev.DeadlinePassed)
"""Events that race with the end of an exchange by nature, and mean nothing after it."""


@dataclass(slots=True)
class _Flight:
    ask: Ask
    leader: int
    heard: float
    """When the leader's upstream was called or last gave a byte."""
    started: bool = False
    closed: bool = False
    """No more joining: the answer grew too large to be kept."""
    inherited: bool = False
    """Its leader was promoted after another had failed."""
    joined: list[int] = field(default_factory=list)
    """Followers and waiters, in order of arrival."""

    def serves(self, ask: Ask) -> bool:
        """Whether the bytes of this flight are what ``ask`` wants, as they come."""
        return ask.form is self.ask.form and ask.wants_usage is self.ask.wants_usage


class Exchanges:
    """The states of all exchanges under way."""

    def __init__(self) -> None:
        self._states: dict[int, st.State] = {}
        self._policies: dict[int, Policy] = {}
        self._flights: dict[bytes, _Flight] = {}
        self._leads: dict[int, _Flight] = {}
        self._follows: dict[int, _Flight] = {}
        self._outcomes: dict[int, str] = {}
        self._alone: set[int] = set()
        """Exchanges that were let down once and join no more."""

    def __len__(self) -> int:
        return len(self._states)

    def state(self, exchange: int) -> st.State | None:
        """What the exchange is doing; None once it is done."""
        return self._states.get(exchange)

    def outcome(self, exchange: int) -> str:
        """How an exchange that is over ended (`states.Done`); told once, and empty where it was abandoned."""
        return self._outcomes.pop(exchange, "")

    def open(self, exchange: int, policy: Policy) -> None:
        """Begin an exchange; ``exchange`` is an id never used before."""
        self._states[exchange] = st.Arriving()
        self._policies[exchange] = policy

    def handle(self, exchange: int, event: ev.Event) -> Routed:
        """What is to be done, and for whom, now that ``exchange`` heard ``event``.

        Raises `IllegalTransition`; then nothing has happened.
        """
        routed: Routed = []
        self._move(exchange, event, routed)
        return routed

    def abandon(self, exchange: int, at: float) -> Routed:
        """Forget an exchange whose driver failed; whoever joined it goes on without it."""
        routed: Routed = []
        self._states.pop(exchange, None)
        self._policies.pop(exchange, None)
        self._alone.discard(exchange)
        led, followed = self._leads.get(exchange), self._follows.get(exchange)
        if followed is not None:
            self._leave_flight(exchange)
            self._dismiss(followed, at, routed)
        elif led is not None and led.started:
            self._break(led, at, routed)
        elif led is not None:
            self._promote(led, at, routed)
        return routed

    def _move(self, exchange: int, event: ev.Event, routed: Routed) -> None:
        state = self._states.get(exchange)
        if state is None:
            if isinstance(event, _LATE):
                return
            raise IllegalTransition(f"{type(event).__name__} for an exchange that is over")
        policy = self._policies[exchange]
        if isinstance(event, ev.ClientLeft):
            flight = self._leads.get(exchange)
            event = ev.ClientLeft(event.at, followers=len(flight.joined) if flight is not None else 0)
        followed = self._follows.get(exchange)
        new, commands = step(state, event, policy)
        if isinstance(new, st.Forwarding) and not isinstance(state, st.Forwarding):
            new, commands = self._join_or_lead(exchange, new, commands, event.at, policy)
        elif followed is not None and not isinstance(new, st.Waiting):
            self._leave_flight(exchange)
        self._states[exchange] = new
        for command in commands:
            routed.append((exchange, command))
        if exchange in self._leads:
            self._tell_joined(self._leads[exchange], event, new, commands, routed)
        if followed is not None:
            self._dismiss(followed, event.at, routed)
        if isinstance(new, st.Done):
            self._outcomes[exchange] = new.outcome
            self._states.pop(exchange, None)
            self._policies.pop(exchange, None)
            self._alone.discard(exchange)

    def _join_or_lead(
        self, exchange: int, state: st.Forwarding, commands: tuple[Command, ...], at: float, policy: Policy
    ) -> tuple[st.State, tuple[Command, ...]]:
        """Called on entering Forwarding: join a twin in flight instead, or become one that others may join."""
        ask = state.ask
        self._leave_flight(exchange)
        if not ask.joins or ask.key is None or exchange in self._alone:
            return state, commands
        flight = self._flights.get(ask.key)
        if flight is not None and not flight.closed and at - flight.heard <= policy.join_silence:
            flight.joined.append(exchange)
            self._follows[exchange] = flight
            found = ev.TwinFound(at, flight.leader, flight.serves(ask), flight.started)
            return step(state, found, policy)
        self._leads[exchange] = self._flights[ask.key] = _Flight(ask, exchange, heard=at)
        return state, commands

    def _tell_joined(
        self, flight: _Flight, event: ev.Event, new: st.State, commands: tuple[Command, ...], routed: Routed
    ) -> None:
        """The leader heard something; pass on what its followers and waiters must know."""
        match event:
            case ev.ResponseStarted(at=at, status=status) if status < 500:
                flight.started, flight.heard = True, at
                for follower in self._same(flight):
                    self._move(follower, ev.TwinStarted(at), routed)
            case ev.ResponseStarted(at=at):
                if flight.inherited:
                    self._release(flight, at, routed)
                else:
                    self._promote(flight, at, routed)
            case ev.ChunkArrived(at=at):
                flight.heard = at
                flight.closed = isinstance(new, st.Relaying) and not new.recording
            case ev.AnswerCompleted(at=at) | ev.ResponseEnded(at=at):
                entry = next((command.entry for command in commands if isinstance(command, Admit)), None)
                self._land(flight, at, entry, routed)
            case ev.UpstreamFailed(at=at) | ev.DeadlinePassed(at=at) if isinstance(new, st.Done):
                silent = isinstance(event, ev.DeadlinePassed) or event.status == 504
                if flight.started:
                    self._break(flight, at, routed)
                elif silent or flight.inherited:
                    self._release(flight, at, routed)
                else:
                    self._promote(flight, at, routed)
            case _ if isinstance(new, st.Done):
                self._close(flight)  # given up because nobody was left
            case _:
                pass

    def _same(self, flight: _Flight) -> list[int]:
        """Followers that read the leader's bytes, in order of arrival."""
        return [joined for joined in flight.joined if self._wants_bytes(joined)]

    def _wants_bytes(self, joined: int) -> bool:
        state = self._states.get(joined)
        return isinstance(state, st.Waiting) and state.same_form

    def _land(self, flight: _Flight, at: float, entry: EntryFacts | None, routed: Routed) -> None:
        self._close(flight)
        for joined in flight.joined:
            self._move(joined, ev.TwinEnded(at, entry), routed)

    def _break(self, flight: _Flight, at: float, routed: Routed) -> None:
        self._close(flight)
        for joined in flight.joined:
            self._move(joined, ev.TwinFailed(at), routed)

    def _promote(self, flight: _Flight, at: float, routed: Routed) -> None:
        """The leader failed before its first byte: the first of its own form leads, the others join that one."""
        self._close(flight)
        same = self._same(flight)
        heirs = [*same, *(joined for joined in flight.joined if joined not in same)]
        for place, joined in enumerate(heirs):
            if place == 0:
                self._move(joined, ev.Promoted(at), routed)
                if joined in self._leads:
                    self._leads[joined].inherited = True
                continue
            # The first heir itself joined another flight where a second leader was called, this one being silent.
            successor = self._leads.get(heirs[0]) or self._follows[heirs[0]]
            state = self._states[joined]
            assert isinstance(state, st.Waiting)  # noqa: S101 - only Waiting exchanges are joined
            successor.joined.append(joined)
            self._follows[joined] = successor
            same_form = successor.serves(state.ask)
            self._move(joined, ev.TwinFound(at, successor.leader, same_form, successor.started), routed)
        flight.joined.clear()
        self._dismiss(flight, at, routed)

    def _release(self, flight: _Flight, at: float, routed: Routed) -> None:
        """Silence, or a second failure in a row: everybody calls for himself now, as he would have without a cache.

        Promoting one after the other would make the last of twenty wait twenty times over.
        """
        joined, flight.joined = flight.joined, []
        self._close(flight)
        for one in joined:
            self._follows.pop(one, None)
            self._alone.add(one)
            self._move(one, ev.TwinFailed(at), routed)
        self._dismiss(flight, at, routed)

    def _dismiss(self, flight: _Flight, at: float, routed: Routed) -> None:
        """After one who had joined went its own way: a leader without a client and without followers hears of it."""
        leader = self._states.get(flight.leader)
        alone = isinstance(leader, st.Forwarding | st.Relaying) and not leader.client_here
        if not flight.joined and alone:
            self._move(flight.leader, ev.FollowersLeft(at), routed)

    def _close(self, flight: _Flight) -> None:
        """Nobody joins any more, and nobody is a member any more."""
        if flight.ask.key is not None and self._flights.get(flight.ask.key) is flight:
            del self._flights[flight.ask.key]
        self._leads.pop(flight.leader, None)
        for joined in flight.joined:
            self._follows.pop(joined, None)

    def _leave_flight(self, exchange: int) -> None:
        flight = self._follows.pop(exchange, None)
        if flight is not None:
            flight.joined.remove(exchange)
