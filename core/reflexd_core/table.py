"""The transition table: which states an event may lead to. Everything about transitions stands here and in `machine`.

How to read it: `TABLE[state][event]` is the set of states that `machine.step` may answer with. A pair that is not
there is illegal: it raises, and nothing happens. A test walks over all pairs and holds `step` to the table; the
diagram in ``core/MACHINE.md`` is made from it (``python -m reflexd_core.table``).

Theory of operation. An exchange asks the cheapest source first and stops at the first that can prove its answer.
Whatever goes wrong before upstream was called leads to Forwarding, so the cache can never cost an answer.
Leaving and deadlines are legal everywhere but in Done, because clients do leave at any moment.
"""

from reflexd_core import events as ev
from reflexd_core import states as st

StateType = type[st.State]
EventType = type[ev.Event]

_CALLED = frozenset({st.Forwarding})
_OVER = frozenset({st.Done})
_GIVEN_UP = frozenset({st.Forwarding, st.Done})
"""Upstream is called, unless the client asked for stored answers only."""

TABLE: dict[StateType, dict[EventType, frozenset[StateType]]] = {
    st.Arriving: {
        ev.RequestArrived: frozenset({st.SeekingExact, st.Considering, st.Forwarding, st.Done}),
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: _OVER,
    },
    st.SeekingExact: {
        ev.ExactFound: frozenset({st.Replaying, st.Considering, st.Forwarding, st.Done}),
        ev.ExactMissed: frozenset({st.Considering, st.Forwarding, st.Done}),
        ev.ExactFailed: frozenset({st.Considering, st.Forwarding, st.Done}),
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: frozenset({st.Considering, st.Forwarding, st.Done}),
    },
    st.Considering: {
        ev.Considered: frozenset({st.SeekingForm, st.Forwarding, st.Done}),
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: _GIVEN_UP,
    },
    st.SeekingForm: {
        ev.ExactFound: frozenset({st.Replaying, st.Forwarding, st.Done}),
        ev.FormFound: frozenset({st.Replaying, st.Embedding, st.Forwarding, st.Done}),
        ev.FormMissed: frozenset({st.Embedding}),
        ev.FormFailed: _GIVEN_UP,
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: _GIVEN_UP,
    },
    st.Embedding: {
        ev.ExactFound: frozenset({st.Replaying, st.Forwarding, st.Done}),
        ev.Embedded: frozenset({st.SeekingNear}),
        ev.EmbedFailed: _GIVEN_UP,
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: _GIVEN_UP,
    },
    st.SeekingNear: {
        ev.ExactFound: frozenset({st.Replaying, st.Forwarding, st.Done}),
        ev.CandidatesFound: frozenset({st.Judging, st.Replaying, st.Forwarding, st.Done}),
        ev.SeekFailed: _GIVEN_UP,
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: _GIVEN_UP,
    },
    st.Judging: {
        ev.ExactFound: frozenset({st.Replaying, st.Forwarding, st.Done}),
        ev.Judged: frozenset({st.Replaying, st.Forwarding, st.Done}),
        ev.JudgeFailed: _GIVEN_UP,
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: _GIVEN_UP,
    },
    st.Waiting: {
        ev.TwinFound: frozenset({st.Waiting}),
        ev.TwinStarted: frozenset({st.Waiting}),
        ev.TwinEnded: frozenset({st.Replaying, st.Forwarding, st.Done}),
        ev.TwinFailed: frozenset({st.Forwarding, st.Done}),
        ev.Promoted: _CALLED,
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: frozenset({st.Waiting, st.Forwarding}),
    },
    st.Forwarding: {
        ev.TwinFound: frozenset({st.Waiting}),
        ev.ResponseStarted: frozenset({st.Relaying}),
        ev.UpstreamFailed: _OVER,
        ev.ClientLeft: frozenset({st.Forwarding, st.Done}),
        ev.FollowersLeft: frozenset({st.Forwarding, st.Done}),
        ev.DeadlinePassed: _OVER,
    },
    st.Relaying: {
        ev.ChunkArrived: frozenset({st.Relaying}),
        ev.AnswerCompleted: frozenset({st.Storing, st.Done}),
        ev.ResponseEnded: _OVER,
        ev.UpstreamFailed: _OVER,
        ev.ClientLeft: frozenset({st.Relaying, st.Done}),
        ev.FollowersLeft: frozenset({st.Relaying, st.Done}),
        ev.DeadlinePassed: _OVER,
    },
    st.Replaying: {
        ev.ReplayFinished: _OVER,
        ev.ReplayFailed: _GIVEN_UP,
        ev.ClientLeft: _OVER,
        ev.DeadlinePassed: frozenset({st.Replaying}),
    },
    st.Storing: {
        ev.Stored: _OVER,
        ev.StoreFailed: _OVER,
        ev.ClientLeft: frozenset({st.Storing}),
        ev.FollowersLeft: frozenset({st.Storing}),
        ev.DeadlinePassed: frozenset({st.Storing}),
    },
    st.Done: {},
}


def diagram() -> str:
    """The table as a Mermaid state diagram; leaving, deadlines and self-loops are told in words instead."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, row in TABLE.items():
        for event, targets in row.items():
            if event in (ev.ClientLeft, ev.FollowersLeft, ev.DeadlinePassed):
                continue
            for target in sorted(targets, key=lambda kind: kind.__name__):
                if target is not state:
                    arrows.setdefault((state.__name__, target.__name__), []).append(event.__name__)
    lines = [f"    {source} --> {target}: {', '.join(names)}" for (source, target), names in arrows.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> Arriving", *lines, "    Done --> [*]"])


def document() -> str:
    """``core/MACHINE.md``."""
    rows = [
        f"| {state.__name__} | {event.__name__} | {', '.join(sorted(kind.__name__ for kind in targets))} |"
        for state, row in TABLE.items()
        for event, targets in row.items()
    ]
    return "\n".join(
        [
            "# The machine of one exchange",
            "",
            "Made from the transition table: `python -m reflexd_core.table > core/MACHINE.md`. A test keeps it true.",
            "",
            "ClientLeft and DeadlinePassed, legal in every state but Done, are left out of the picture.",
            "",
            "```mermaid",
            diagram(),
            "```",
            "",
            "| doing | heard | then |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201 - the one thing this module says, and only when asked
