"""L1 memory: answers ready to send, bounded in number and in bytes, the least recently used going first.

Also the memo: which key a byte-equal request was found to have, so that a repeat is not parsed again. Both are
plain maps of the event loop's thread; nothing here waits.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from reflexd_core.credentials import Route
from reflexd_core.dialects import BY_NAME
from reflexd_core.entry import EntryFacts, Pairing
from reflexd_core.policy import Ask, Policy
from reflexd_core.request import Form, Reading
from reflexd_io.call import About
from reflexd_io.changes import Changes

_BODY_TYPE = b"application/json"
_STREAM_TYPE = b"text/event-stream; charset=utf-8"
_OVERHEAD = 1024
"""Bytes that an entry takes beside its answer, measured with tracemalloc at 100,000 entries, rounded up."""


@dataclass(slots=True)
class Answer:
    """A stored answer with its bytes, as recorded."""

    facts: EntryFacts
    headers: list[tuple[bytes, bytes]]
    """Those that are replayed, names in lower case."""
    recorded: bytes
    pairing: Pairing | None = None
    """Where it was asked for in other words: why it answers those."""
    _ready: dict[tuple[Form, bool], tuple[bytes, list[tuple[bytes, bytes]]]] = field(default_factory=dict)

    def ready(self, form: Form, *, wants_usage: bool) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Bytes and headers in the asked form. Raises `ValueError` where they cannot be turned."""
        found = self._ready.get((form, wants_usage))
        if found is None:
            found = self._ready[form, wants_usage] = self._turn(form, wants_usage)
        return found

    def size(self) -> int:
        turned = sum(len(body) for body, _ in self._ready.values() if body is not self.recorded)
        return len(self.recorded) + turned + _OVERHEAD

    def _turn(self, form: Form, wants_usage: bool) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        facts = self.facts
        headers = self.headers
        if form is not facts.form:
            content_type = _STREAM_TYPE if form is Form.STREAM else _BODY_TYPE
            headers = [(name, value) for name, value in headers if name != b"content-type"]
            headers.append((b"content-type", content_type))
        # A stream that never asked for usage holds what the provider always sends, so it goes out as it is.
        keep_usage = wants_usage or not facts.asked_usage
        body = BY_NAME[facts.dialect].replay(facts.form, self.recorded, form, wants_usage=keep_usage)
        return body, [*headers, (b"content-length", str(len(body)).encode())]


@dataclass(frozen=True, slots=True)
class Known:
    """What a byte-equal request was found to be."""

    route: Route
    policy: Policy
    reading: Reading | None
    """Without its bodies and texts; None where the body cannot be compared."""
    ask: Ask
    """When the request's headers say nothing to the cache."""
    about: About


class Memory:
    """L1 and its memo."""

    def __init__(self, *, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._sizes: dict[bytes, int] = {}
        self._tenants: dict[bytes, str] = {}
        """Whose each answer is, by its key."""
        self._aliases: dict[bytes, set[bytes]] = {}
        """By an entry's key, those of other wordings under which its answer lies here too."""
        self.barred = 0
        """How often pairings were ended: what was read from disk before the last time may be one of them."""
        self.changed = Changes()
        """What was altered on disk, purged or brought back: what was read before is not to be kept."""
        self.purged = Changes()
        """Of those, what was purged: an answer that was under way then is not to be kept either."""
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self.rules = 0
        """How often rules have changed: what a request was found to be before the last time must not be learnt."""
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes) -> Answer | None:
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: bytes, answer: Answer, tenant: str) -> None:
        """Keep the answer; one larger than a quarter of all room is left to the disk."""
        self.drop(key)
        size = answer.size()
        if size * 4 > self._max_bytes:
            return
        self._keep(key, answer, size, tenant)
        while len(self._answers) > self._capacity or self.bytes > self._max_bytes:
            self._remove(next(iter(self._answers)))

    def warm(self, key: bytes, answer: Answer, tenant: str) -> bool:
        """Take an answer from before the restart, used less lately than all that is here; False if it is full.

        Whatever was asked for meanwhile is newer and stays.
        """
        size = answer.size()
        if key in self._answers or size * 4 > self._max_bytes:
            return True
        if len(self._answers) >= self._capacity or self.bytes + size > self._max_bytes:
            return False
        self._keep(key, answer, size, tenant)
        self._answers.move_to_end(key, last=False)
        return True

    def weigh(self, key: bytes) -> None:
        """After an answer was turned into another form: count what it takes now."""
        answer = self._answers.get(key)
        if answer is not None and answer.size() != self._sizes[key]:
            tenant = self._tenants[key]
            self._remove(key)
            self._keep(key, answer, answer.size(), tenant)

    def drop(self, key: bytes) -> None:
        """Forget what lies under the key, and with an entry everything that it answers in other words."""
        self._remove(key)
        for alias in self._aliases.pop(key, set()).copy():
            self._remove(alias)

    def renewed(self, key: bytes) -> None:
        """After an entry was written: what was read before of an older one, for other wordings, is not to be kept."""
        self.changed.note([key])
        for alias in self._aliases.pop(key, set()).copy():
            self._remove(alias)

    def forget(self, keys: Iterable[bytes], *, purged: bool = False) -> None:
        """After entries were altered or purged on disk: what lies under these keys is no longer so."""
        gone = list(keys)
        self.changed.note(gone)
        if purged:
            self.purged.note(gone)
        for key in gone:
            self.drop(key)

    def forget_named(self, prefix: bytes) -> None:
        """What lies under the key that begins so, should it be here alone."""
        self.forget([key for key in self._answers if key.startswith(prefix)], purged=True)

    def forget_tenant(self, tenant: str) -> None:
        """After calling this, nothing of the tenant's is here, nor what never came onto disk."""
        self.changed.note_tenant(tenant)
        self.purged.note_tenant(tenant)
        for key in [key for key, whose in self._tenants.items() if whose == tenant]:
            self._remove(key)

    def forget_all(self) -> None:
        """After calling this, nothing of anybody's is here, nor what never came onto disk."""
        self.changed.note_all()
        self.purged.note_all()
        for key in list(self._answers):
            self._remove(key)

    def bar(self, keys: Iterable[bytes]) -> None:
        """Pairings under these keys have ended."""
        self.barred += 1
        for key in keys:
            held = self._answers.get(key)
            if held is not None and held.pairing is not None:
                self._remove(key)

    def _keep(self, key: bytes, answer: Answer, size: int, tenant: str) -> None:
        self._answers[key] = answer
        self._tenants[key] = tenant
        self._sizes[key] = size
        self.bytes += size
        if answer.pairing is not None:
            self._aliases.setdefault(answer.pairing.entry_key, set()).add(key)

    def _remove(self, key: bytes) -> None:
        """Make room: an entry that leaves memory is still on disk, and so are its pairings."""
        answer = self._answers.pop(key, None)
        if answer is None:
            return
        self.bytes -= self._sizes.pop(key)
        del self._tenants[key]
        if answer.pairing is not None:
            aliases = self._aliases.get(answer.pairing.entry_key, set())
            aliases.discard(key)
            if not aliases:
                self._aliases.pop(answer.pairing.entry_key, None)

    def known(self, memo_key: bytes) -> Known | None:
        found = self._known.get(memo_key)
        if found is not None:
            self._known.move_to_end(memo_key)
        return found

    def forget_known(self) -> None:
        """After rules have changed: what requests were found to be rests on the old ones."""
        self.rules += 1
        self._known.clear()

    def learn(self, memo_key: bytes, known: Known) -> None:
        self._known[memo_key] = known
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
