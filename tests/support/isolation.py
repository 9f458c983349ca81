"""Isolation: a world of tenants on a real daemon, and a small model of who may be given what.

Every answer of the upstream has a number of its own. Whoever is given one first owns it, and nobody else may ever be
given it: another tenant, a new one under an old name, or the same one after all that it had was purged or removed,
unless that was undone or what had been exported was imported again. The model knows owners from what was asked of the
control API alone, and nothing of keys, files or memory. With models, questions are asked in several words.
"""

import http.client
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from reflexd_core.credentials import anonymous_tenant
from reflexd_core.policy import Policy
from reflexd_io import runtime
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream, Seen
from support.wire import eventually

NAMES = ["default", "fixed", "a", "b", "c"]
KEYS = [f"sk-proj-{letter * 16}" for letter in "pqr"]
JWT = "eyJh.eyJz.c2lnbmF0dXJl"
QUESTIONS = ["one", "two", "three"]
WORDINGS = [
    "How do I center a div horizontally in CSS?",
    "css: what's the way to centre a div horizontally",
    "Hi! Please: how can I center a div horizontally in CSS",
    "How do I sort a list of numbers in descending order in Python?",
    "Please, how can I sort a list of numbers in descending order in Python",
]
"""The same two questions in words that are answered alike."""
SLOW = ["four", "five"]
"""Asked while the upstream is made to wait."""

_UNDONE = 5
"""Purges that are still tried to be undone."""
_DEAD = 3
"""Revoked tokens that are still tried."""

Owner = tuple[object, ...]
Held = dict[object, set[int]]
"""By whose they are, the counts of `World._emptied` at which answers were stored."""


@dataclass(frozen=True)
class Asked:
    """A request and what the model says of it."""

    headers: dict[str, str]
    path: str
    owner: Owner | None
    """None: it must be refused."""
    back: frozenset[int] = frozenset()
    """At which counts what it may be given was stored, beside its own."""


@dataclass
class Going:
    """A request whose answer is held back."""

    asked: Asked
    question: str
    gate: threading.Event
    thread: threading.Thread
    got: list[tuple[int, Any]] = field(default_factory=list)


class World:
    def __init__(self, folder: Path, *, by_meaning: bool = False) -> None:
        self._stack = ExitStack()
        self._upstream = self._stack.enter_context(ScriptedUpstream().running())
        self._upstream.script = self._answer
        self._numbers = itertools.count(1)
        self._gates: dict[str, threading.Event] = {}
        made = settings_for(folder / "storage", self._upstream.url, log_level="error")
        policy = Policy(audit_share=0.0)
        self._settings = replace(made, tenants={"default": policy, "fixed": policy})
        self._questions = QUESTIONS
        if by_meaning:
            self._questions = [*QUESTIONS, *WORDINGS]
            self._settings = replace(self._settings, inference_backend="auto", semantic_budget_ms=20_000)
        self._by_meaning = by_meaning
        self._daemon = ExitStack()
        self._names: dict[str, int] = {"default": 0, "fixed": 1}
        """By name, which tenant it is: a number given once."""
        self._next_tenant = itertools.count(2)
        self._active = 0
        self._tokens: dict[str, int | None] = {}
        """Whose each is; None once it is revoked."""
        self._ids: dict[str, str] = {}
        """What the control API calls each token."""
        self._adopted: dict[str, int] = {}
        self._emptied: dict[object, int] = {}
        """How often all that somebody had was taken away."""
        self._back: Held = {}
        """What was stored before and is there again."""
        self._purges: dict[str, Held] = {}
        """What can be undone."""
        self._exported: tuple[bytes, Held] = (b"", {})
        self._owners: dict[int, Owner] = {}
        self._going: list[Going] = []
        self.answered = self.repeated = self.reworded = self.refused = self.restarts = 0
        self.undone = self.imported = 0
        self._start()

    def close(self) -> None:
        self._finish_all()
        self._daemon.close()
        self._stack.close()

    # What may happen

    def ask(self, chance: Random) -> None:
        busy = {going.question for going in self._going}
        asked = self._some_request(chance)
        question = chance.choice([*self._questions, *(slow for slow in SLOW if slow not in busy)])
        self._check(asked, *self._send(asked, question))

    def begin(self, chance: Random) -> None:
        """A request that is under way while other things happen."""
        busy = {going.question for going in self._going}
        free = [slow for slow in SLOW if slow not in busy]
        if not free:
            self.finish(chance)
            return
        asked, question, name = self._some_request(chance), chance.choice(free), f"g{next(self._numbers)}"
        gate = self._gates[name] = threading.Event()
        going = Going(asked, question, gate, threading.Thread())
        going.thread = threading.Thread(target=lambda: going.got.append(self._send(asked, question, gate=name)))
        going.thread.start()
        self._going.append(going)
        eventually(lambda: going.got or name not in self._gates, "the call")

    def finish(self, chance: Random) -> None:
        if self._going:
            going = self._going.pop(chance.randrange(len(self._going)))
            going.gate.set()
            going.thread.join(20)
            self._check(going.asked, *going.got[0])

    def switch(self, chance: Random) -> None:
        name = chance.choice(NAMES)
        if self._do("PUT", "/active-tenant", {"tenant": name}):
            self._active = self._names[name]

    def add(self, chance: Random) -> None:
        name = chance.choice(NAMES)
        if self._do("POST", "/tenants", {"name": name}):
            assert name not in self._names
            self._names[name] = next(self._next_tenant)

    def rename(self, chance: Random) -> None:
        name, to = chance.choice(NAMES), chance.choice(NAMES)
        if self._do("PATCH", f"/tenants/{name}", {"name": to}):
            self._names[to] = self._names.pop(name)

    def remove(self, chance: Random) -> None:
        name, force = chance.choice(NAMES), chance.random() < 0.5
        if not self._do("DELETE", f"/tenants/{name}?force={str(force).lower()}"):
            return
        tenant = self._names[name]
        self._tokens = {token: None if whose == tenant else whose for token, whose in self._tokens.items()}
        self._adopted = {key: whose for key, whose in self._adopted.items() if whose != tenant}
        if name in ("default", "fixed"):
            self._empty(tenant)
        else:
            del self._names[name]
            self._active = 0 if self._active == tenant else self._active

    def remove_anonymous(self, chance: Random) -> None:
        key = chance.choice(KEYS)
        if self._do("DELETE", f"/tenants/{self._anonymous(key)}"):
            self._empty(key)

    def purge(self, chance: Random) -> None:
        name = chance.choice(NAMES)
        if name in self._names:
            self._purge({"filter": {"tenant": name}, "everything": True}, [self._names[name]])

    def purge_all(self, _: Random) -> None:
        self._purge({"everything": True}, [*self._names.values(), *KEYS])

    def undo(self, chance: Random) -> None:
        if not self._purges:
            return
        purge = chance.choice(sorted(self._purges))
        held = self._purges.pop(purge)
        if self._do("POST", f"/trash/{purge}/restore"):
            self._is_back(held)
            self.undone += 1

    def export(self, _: Random) -> None:
        """What anybody has, as lines that may be taken in later."""
        owners = [*self._names.values(), *KEYS]
        self._exported = self._send_admin("GET", "/export")[1], {each: self._held(each) for each in owners}

    def take_in(self, _: Random) -> None:
        lines, held = self._exported
        if lines:
            assert self._send_admin("POST", "/import", lines)[0] == 200
            there = {*self._names.values(), *KEYS}
            self._is_back({each: counts for each, counts in held.items() if each in there})
            self.imported += 1

    def issue(self, chance: Random) -> None:
        name = chance.choice(NAMES)
        said = self._do("POST", f"/tenants/{name}/tokens", {})
        if said:
            self._tokens[said["token"]] = self._names[name]
            self._ids[said["token"]] = said["row"]["id"]

    def revoke(self, chance: Random) -> None:
        live = {token: whose for token, whose in self._tokens.items() if whose is not None}
        if live:
            token = chance.choice(sorted(live))
            name = next(name for name, tenant in self._names.items() if tenant == live[token])
            assert self._do("DELETE", f"/tenants/{name}/tokens/{self._ids[token]}")
            self._tokens[token] = None
            dead = [token for token, whose in self._tokens.items() if whose is None]
            for forgotten in dead[:-_DEAD]:  # else hardly anything else would be sent in the end
                del self._tokens[forgotten]

    def adopt(self, chance: Random) -> None:
        key, name = chance.choice(KEYS), chance.choice(NAMES)
        if self._do("POST", f"/tenants/{name}/adopted", {"key": self._anonymous(key)}):
            self._adopted[key] = self._names[name]

    def give_up(self, chance: Random) -> None:
        key, name = chance.choice(KEYS), chance.choice(NAMES)
        if self._do("DELETE", f"/tenants/{name}/adopted/{self._anonymous(key)}"):
            del self._adopted[key]

    def change_policy(self, chance: Random) -> None:
        setting = chance.choice([{"portable": True}, {"portable": None}, {"scrubs": []}, {"scrubs": None}])
        self._do("PATCH", f"/tenants/{chance.choice(NAMES)}/policy", {"settings": setting})

    def pause(self, chance: Random) -> None:
        whose = {"tenant": chance.choice(NAMES)} if chance.random() < 0.5 else {}
        self._do("POST", "/pause", {"seconds": 0.02, **whose})

    def restart(self, _: Random) -> None:
        self._finish_all()
        self._daemon.close()
        self.restarts += 1
        self._start()

    # What is behind it

    def _purge(self, what: dict[str, Any], owners: list[object]) -> None:
        said = self._do("POST", "/purge", what)
        assert said is not None
        held = {each: self._held(each) for each in owners}
        for each in owners:
            self._empty(each)
        if said["purge"] is not None:
            self._purges[said["purge"]] = held
            for forgotten in list(self._purges)[:-_UNDONE]:
                del self._purges[forgotten]

    def _held(self, whose: object) -> set[int]:
        return {self._emptied.get(whose, 0)} | self._back.get(whose, set())

    def _empty(self, whose: object) -> None:
        self._emptied[whose] = self._emptied.get(whose, 0) + 1
        self._back.pop(whose, None)

    def _is_back(self, held: Held) -> None:
        for whose, counts in held.items():
            self._back.setdefault(whose, set()).update(counts)

    def _some_request(self, chance: Random) -> Asked:
        """One that says whose it is in one way or in several."""
        headers: dict[str, str] = {}
        token = chance.choice(sorted(self._tokens)) if self._tokens and chance.random() < 0.35 else None
        key = chance.choice([*KEYS, "reflex", JWT, ""])
        path_name = chance.choice(NAMES) if chance.random() < 0.3 else None
        header_name = chance.choice(NAMES) if chance.random() < 0.2 else None
        if token is not None and chance.random() < 0.5:
            headers["Authorization"] = f"Bearer {token}"
            key = ""
        elif token is not None:
            headers["x-reflex-token"] = token
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if header_name is not None:
            headers["x-reflex-tenant"] = header_name
        named = {name for name in (path_name, header_name) if name is not None}
        owner = self._owner(token, key, named)
        back = frozenset(self._back.get(owner[0], ())) if owner is not None else frozenset[int]()
        return Asked(headers, f"/t/{path_name}" if path_name is not None else "", owner, back)

    def _owner(self, token: str | None, key: str, named: set[str]) -> Owner | None:
        """Whose the request is, as the design has it."""
        if len(named) > 1:
            return None
        name = next(iter(named), None)
        if token is not None:
            holder = self._tokens[token]
            refused = holder is None or (name is not None and self._names.get(name) != holder)
            return None if refused else self._of(holder)
        if name is not None:
            return self._of(self._names[name]) if name in self._names else None
        if key in KEYS:
            return self._of(self._adopted.get(key, key))
        return self._of(self._active)

    def _of(self, whose: object) -> Owner:
        return (whose, self._emptied.get(whose, 0))

    def _check(self, asked: Asked, status: int, said: Any) -> None:
        if asked.owner is None:
            assert status == 400, (asked, said)
            self.refused += 1
            return
        assert status == 200, (asked, said)
        number = int(said["choices"][0]["message"]["content"])
        owner = self._owners.setdefault(number, asked.owner)
        whose, count = asked.owner
        fits = owner[0] == whose and (owner[1] == count or owner[1] in asked.back)
        assert fits, f"{asked} was given answer {number}, which is {owner}'s"
        self.answered += 1

    def _answer(self, seen: Seen) -> Reply:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": str(next(self._numbers))},
            "finish_reason": "stop",
        }
        body = json.dumps({"id": "1", "model": "gpt-4o", "choices": [choice]}).encode()
        gate = self._gates.pop(seen.header("x-gate") or "", None)
        return Reply(body=body if gate is None else [gate, body])

    def _send(self, asked: Asked, question: str, gate: str | None = None) -> tuple[int, Any]:
        body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": question}]})
        headers = {"Content-Type": "application/json", **asked.headers}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20) if gate else self._connection
        if gate is not None:
            headers["x-gate"] = gate
        connection.request("POST", f"{asked.path}/v1/chat/completions", body, headers)
        found = connection.getresponse()
        said = json.loads(found.read())
        told = found.headers.get("x-reflex-status") or ""
        self.repeated += told.startswith("hit")
        self.reworded += told == "hit-l3-verified"
        if gate is not None:
            connection.close()
        return found.status, said

    def _do(self, method: str, path: str, body: Any = None) -> Any:
        """What the control API says, or nothing where it refuses; which it must do in words."""
        status, raw = self._send_admin(method, path, json.dumps(body).encode() if body is not None else None)
        said = json.loads(raw)
        assert status in (200, 400, 404, 409), (path, said)
        assert status == 200 or said["error"]["message"]
        return said if status == 200 else None

    def _send_admin(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._connection.request(method, "/admin" + path, body, headers)
        found = self._connection.getresponse()
        return found.status, found.read()

    def _anonymous(self, key: str) -> str:
        return anonymous_tenant(key, runtime.salt(self._settings.storage_path))

    def _finish_all(self) -> None:
        while self._going:
            self.finish(Random(0))

    def _start(self) -> None:
        running = self._daemon.enter_context(daemon(self._settings))
        self._port, self._token = running.port, running.admin_token
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        self._daemon.callback(self._connection.close)
        if self._by_meaning:
            eventually(self._has_models, "the models")

    def _has_models(self) -> bool:
        self._connection.request("GET", "/ready")
        told = json.loads(self._connection.getresponse().read())["components"]["models"]["status"]
        assert told in ("loading", "ok"), told
        return bool(told == "ok")


def operations() -> Iterator[tuple[str, int]]:
    """By name, and how often each is done beside the others."""
    yield from (("ask", 60), ("begin", 6), ("finish", 6), ("switch", 4), ("add", 4), ("rename", 4), ("remove", 3))
    yield from (("remove_anonymous", 1), ("purge", 2), ("issue", 4), ("revoke", 2), ("adopt", 2), ("give_up", 2))
    yield from (("change_policy", 1), ("pause", 1), ("purge_all", 1), ("undo", 2), ("export", 1), ("take_in", 1))
