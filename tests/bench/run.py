"""All benchmarks of the serving path, as one Markdown table. Run alone, on a quiet machine:

    uv run python tests/bench/run.py            # about three minutes
    uv run python tests/bench/run.py hits       # one group: hits, inprocess, misses, streams, size, start

Machines differ and are noisy, so speed is a ratio: two things measured in turn in one run, the median of the pairs.
CPU is the server's own (user and system), as the kernel counts it. Linux only (/proc).
"""

import asyncio
import json
import os
import platform
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from load import Sample, bare, connect, exchange, http_request, measure, reflexd, resident_of

from reflexd_core.canonical import canonicalize, read_json
from reflexd_core.dialects.chat import CHAT
from reflexd_core.entry import EntryFacts, entry_id
from reflexd_core.keys import exact_key, memo_key
from reflexd_core.request import Form, Usage
from reflexd_io.memory import Answer, Memory
from reflexd_io.store import Store
from reflexd_io.store.records import Record
from support.upstream import Reply, ScriptedUpstream

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
ENTRIES = int(os.environ.get("BENCH_ENTRIES", "100000"))

Row = tuple[str, str, str, str]
WORDS = [
    "the",
    "cache",
    "answers",
    "what",
    "it",
    "can",
    "prove",
    "and",
    "forwards",
    "everything",
    "else",
    "to",
    "the",
    "provider",
    "that",
    "the",
    "agent",
    "pays",
]


def conversation(size: int, marker: str = "") -> dict[str, object]:
    """A chat request of about ``size`` bytes: many turns once it is large, as an agent's is."""
    turn = " ".join(WORDS * 20)
    messages: list[dict[str, str]] = [{"role": "system", "content": f"You are a careful assistant. {marker}"}]
    while len(json.dumps(messages)) + 2 * len(turn) < size:
        messages += [{"role": "user", "content": turn}, {"role": "assistant", "content": turn}]
    messages.append({"role": "user", "content": "x" * max(1, size - len(json.dumps(messages)) - 120)})
    return {"model": "gpt-4o", "messages": messages, "temperature": 0.7}


def completion(size: int) -> bytes:
    message = {"role": "assistant", "content": "y" * (size - 260), "refusal": None}
    return json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 500, "completion_tokens": 900, "total_tokens": 1400},
        }
    ).encode()


def hits() -> Iterator[Row]:
    """CPU per L1 hit against a bare server that reads the same request and sends the same response."""
    for size, budgets in ((2048, ("1.3", "1.8")), (300_000, ("1.3", ""))):
        body = json.dumps(conversation(size)).encode()
        with _served(completion(4096)) as (port, pid, folder), connect(port) as sock:
            exchange(sock, http_request(port, body))
            response = exchange(sock, http_request(port, body))
            assert b"hit-l1-exact" in response
            with bare(response, folder) as (bare_port, bare_pid):
                yardstick = _Same(http_request(bare_port, body))
                kinds = (
                    ("byte-equal", _Same(http_request(port, body)), budgets[0]),
                    ("only canonically equal", _Respelled(port, body), budgets[1]),
                )
                for connections in (1, 16):
                    for name, request, budget in kinds:
                        pairs = [
                            (
                                measure(port, pid, request, seconds=SECONDS, connections=connections),
                                measure(bare_port, bare_pid, yardstick, seconds=SECONDS, connections=connections),
                            )
                            for _ in range(ROUNDS)
                        ]
                        yield _hit_row(f"hit, {size // 1000} KB request, {name}, {connections} conn.", pairs, budget)


class _Same:
    """The same bytes each time."""

    def __init__(self, request: bytes) -> None:
        self._request = request

    def __call__(self, _: int) -> bytes:
        return self._request


class _Respelled:
    """The same request spelled differently each time: white space within the JSON, so that no bytes repeat."""

    def __init__(self, port: int, body: bytes) -> None:
        self._port, self._body = port, body
        self._lock, self._count = threading.Lock(), 0

    def __call__(self, _: int) -> bytes:
        with self._lock:
            self._count += 1
            bits = f"{self._count:b}"
        spaces = bits.replace("0", " ").replace("1", "\t").encode()
        return http_request(self._port, self._body[:-1] + spaces + b"}")


def _hit_row(name: str, pairs: list[tuple[Sample, Sample]], budget: str) -> Row:
    ratio = statistics.median(ours.cpu_us / yardstick.cpu_us for ours, yardstick in pairs)
    ours = statistics.median(ours.cpu_us for ours, _ in pairs)
    yardstick = statistics.median(yardstick.cpu_us for _, yardstick in pairs)
    rate = statistics.median(ours.rate for ours, _ in pairs)
    said = f"{ours:.0f} µs CPU a hit, bare {yardstick:.0f}; {rate:.0f} hits/s"
    return name, said, f"{ratio:.2f} × bare", f"≤ {budget}" if budget else ""


def inprocess() -> Iterator[Row]:
    """What the hot functions take, inside one process."""
    body = json.dumps(conversation(2048)).encode()
    memory = Memory(capacity=10_000, max_bytes=1 << 30)
    for number in range(10_000):
        memory.put(b"%032d" % number, _answer(number), "default")
    headers = {b"authorization": b"Bearer sk-0123456789012345678901234567890"}

    def get(number: int) -> None:
        memo_key(b"/v1/chat/completions", headers, [body])
        answer = memory.get(b"%032d" % (number % 10_000))
        assert answer is not None
        answer.ready(Form.BODY, wants_usage=True)

    yield "exact get in process, 2 KB request, 4 KB answer", f"p50 {_p50(get):.1f} µs", "", "≤ 20 µs"
    for size in (2048, 300_000):
        raw = json.dumps(conversation(size), separators=(",", ":")).encode()
        took = _p50(lambda _, raw=raw: _key_of(raw), 400)  # type: ignore[misc]
        encode = _p50(lambda _, raw=raw: json.dumps(json.loads(raw), sort_keys=True), 400)  # type: ignore[misc]
        said = f"p50 {took:.0f} µs; the standard library's loads + sorted dumps {encode:.0f}"
        yield f"key of a {size // 1000} KB request", said, f"{took / encode:.2f} ×", "≤ 1.5 ms" if size > 9999 else ""
    value = conversation(300_000)
    ours = _p50(lambda _: canonicalize(value), 400)  # type: ignore[arg-type]
    theirs = _p50(lambda _: json.dumps(value, sort_keys=True), 400)
    said = f"p50 {ours:.0f} µs; the standard library's sorted dumps {theirs:.0f}"
    yield "canonicalize, 300 KB", said, f"{ours / theirs:.2f} ×", "≤ 1 × a C codec"


def _key_of(raw: bytes) -> None:
    body = read_json(raw)
    assert isinstance(body, dict)
    keyed = CHAT.read(body).keyed
    exact_key(tenant="t", upstream="u", dialect="chat", path="/chat/completions", query="", headers={}, body=keyed)


def misses() -> Iterator[Row]:
    """Time that Reflex adds to a call that is forwarded, against the same call made directly."""
    with ScriptedUpstream().running() as upstream, tempfile.TemporaryDirectory() as folder:
        upstream.answers(Reply(body=completion(4096)))
        port_of_upstream = int(upstream.url.split(":")[2].split("/")[0])
        with (
            reflexd(Path(folder), upstream.url) as (port, _),
            connect(port) as ours,
            connect(port_of_upstream) as direct,
        ):

            def before_upstream(sock: socket.socket, port: int, number: int) -> float:
                sent = time.perf_counter()
                exchange(sock, http_request(port, _fresh(number)))
                return (upstream.seen[-1].at - sent) * 1000

            through = statistics.median(before_upstream(ours, port, n) for n in range(300))
            straight = statistics.median(before_upstream(direct, port_of_upstream, n) for n in range(300))
            yield "miss, added before the upstream call", f"p50 {through - straight:.2f} ms", "", "≤ 1 ms"
            through = _timed(lambda n: exchange(ours, http_request(port, _fresh(n + 1000))))
            straight = _timed(lambda n: exchange(direct, http_request(port_of_upstream, _fresh(n))))
            yield "miss, added in all (body)", f"p50 {through - straight:.2f} ms", "", ""
            chunks = [b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"y"}}]}\n\n'] * 8
            end = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
            stream = [("content-type", "text/event-stream")]
            upstream.script = lambda _: Reply(200, stream, [*chunks, end])
            through = _timed(lambda n: _first_byte(port, n))
            straight = _timed(lambda n: _first_byte(port_of_upstream, n))
            yield "miss, stream, added to the first event", f"p50 {through - straight:.2f} ms", "", ""
        before = upstream.calls
        held = threading.Event()
        upstream.script = lambda _: Reply(body=iter([held, completion(4096)]))
        with reflexd(Path(folder) / "burst", upstream.url) as (port, _):
            body = _fresh(10**6)

            def ask() -> None:
                with connect(port) as sock:
                    sock.sendall(http_request(port, body))
                    received = b""
                    while not received.endswith(b"\r\n0\r\n\r\n"):
                        received += sock.recv(1 << 16)

            clients = [threading.Thread(target=ask) for _ in range(20)]
            for client in clients:
                client.start()
            time.sleep(0.5)
            held.set()
            for client in clients:
                client.join()
        yield "20 identical requests at once", f"{upstream.calls - before} upstream call", "", "1"


def _fresh(number: int) -> bytes:
    return json.dumps(conversation(2048, marker=str(number))).encode()


def _first_byte(port: int, number: int) -> None:
    body = json.dumps({**conversation(2048, marker=f"s{number}"), "stream": True}).encode()
    with connect(port) as sock:
        sock.sendall(http_request(port, body))
        received = b""
        while b"data:" not in received:
            received += sock.recv(1 << 16)
        while b"[DONE]" not in received:
            received += sock.recv(1 << 16)


def streams() -> Iterator[Row]:
    """Five hundred different streams at once, thirty events each, through Reflex and directly."""
    count, events = 500, 30

    async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        event = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
        end = b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        for piece in [event] * events + [end]:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def client(port: int, number: int) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        body = json.dumps({**conversation(2048, marker=f"c{port}-{number}"), "stream": True}).encode()
        writer.write(http_request(port, body, Connection="close"))
        whole = await reader.read(-1)
        writer.close()
        return whole.count(b"word ") == events and b"[DONE]" in whole

    async def all_of(port: int) -> tuple[float, int]:
        began = time.perf_counter()
        done = await asyncio.gather(*(client(port, number) for number in range(count)))
        return time.perf_counter() - began, sum(done)

    async def run(folder: Path) -> tuple[float, int, float, int, float]:
        server = await asyncio.start_server(provider, "127.0.0.1", 0, backlog=1024)
        upstream_port = server.sockets[0].getsockname()[1]
        straight, whole_straight = await all_of(upstream_port)
        with reflexd(folder, f"http://127.0.0.1:{upstream_port}/v1") as (port, pid):
            through, whole = await all_of(port)
            peak = resident_of(pid, "VmHWM")
        server.close()
        return straight, whole_straight, through, whole, peak

    with tempfile.TemporaryDirectory() as folder:
        straight, whole_straight, through, whole, peak = asyncio.run(run(Path(folder)))
    assert whole_straight == count
    said = f"{whole} of {count} whole in {through:.1f} s, directly {straight:.1f} s; peak memory {peak:.0f} MiB"
    yield "500 concurrent streams", said, f"{through / straight:.2f} × direct", ""


def size() -> Iterator[Row]:
    """Memory and disk with many entries, and what an exact hit from disk takes among them."""
    with tempfile.TemporaryDirectory() as folder, ScriptedUpstream().running() as upstream:
        upstream.answers(Reply(body=completion(4096)))
        storage = Path(folder)
        with reflexd(storage, upstream.url) as (port, pid):
            with connect(port) as sock:
                exchange(sock, http_request(port, _fresh(0)))
            empty = resident_of(pid)
        tenants = list((storage / "tenants").glob("anon-*.sqlite3"))
        began = time.perf_counter()
        asyncio.run(_fill(storage / "tenants", tenants[0].stem, upstream.url))
        took = time.perf_counter() - began
        taken = sum(path.stat().st_size for path in (storage / "tenants").iterdir()) / 2**20
        yield f"writing {ENTRIES} entries", f"{ENTRIES / took:.0f} entries/s; {taken:.0f} MiB on disk", "", ""
        began = time.perf_counter()
        with reflexd(storage, upstream.url) as (port, pid), connect(port) as sock:
            ready = time.perf_counter() - began
            said = f"{ready:.2f} s from exec to serving, interpreter included"
            yield f"start to ready with {ENTRIES} entries", said, "", "≤ 2 s at 1,000,000"
            latencies = []
            for number in range(min(ENTRIES, 12_000)):
                began = time.perf_counter()
                answer = exchange(sock, http_request(port, _fresh(number + 1)))
                latencies.append(time.perf_counter() - began)
                assert b"hit-l1-exact" in answer
            full = resident_of(pid)
            p50 = statistics.median(latencies) * 1000
            yield "hit from disk, client's view", f"p50 {p50:.2f} ms", "", ""
            said = f"{full:.0f} MiB with L1 full (10,000 answers or 64 MiB); {empty:.0f} MiB when empty"
            yield f"resident memory, {ENTRIES} entries", said, "", "≤ 250 MB"


async def _fill(folder: Path, tenant: str, upstream: str) -> None:
    store = Store(folder, max_bytes=1 << 40)
    store.start()
    left = asyncio.Semaphore(2000)
    for number in range(1, ENTRIES + 1):
        await left.acquire()
        body = _fresh(number)
        parsed = read_json(body)
        assert isinstance(parsed, dict)
        key = exact_key(
            tenant=tenant,
            upstream=upstream,
            dialect="chat",
            path="/chat/completions",
            query="",
            headers={},
            body=CHAT.read(parsed).keyed,
        )
        record = Record(
            key=key,
            answer=_answer(number, key),
            upstream="openai",
            exact_only=False,
            scope=None,
            request=body,
            request_coding=None,
        )
        store.put(tenant, record, lambda problem: left.release() if problem is None else sys.exit(problem))
    for _ in range(2000):
        await left.acquire()
    await store.close()


def _answer(number: int, key: bytes | None = None) -> Answer:
    facts = EntryFacts(
        id=entry_id(key or b"%032d" % number),
        dialect="chat",
        model="gpt-4o",
        form=Form.BODY,
        created=time.time(),
        expires=None,
        has_usage=True,
        asked_usage=True,
        usage=Usage(input=500, output=900),
    )
    return Answer(facts, [(b"content-type", b"application/json")], completion(4096))


def start() -> Iterator[Row]:
    """From exec to the first answered request."""
    with tempfile.TemporaryDirectory() as folder, ScriptedUpstream().running() as upstream:
        took = []
        for number in range(ROUNDS):
            began = time.perf_counter()
            with reflexd(Path(folder) / str(number), upstream.url) as (port, _):
                with socket.create_connection(("127.0.0.1", port)) as sock:
                    sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    sock.recv(4096)
                took.append(time.perf_counter() - began)
        bare_python = _timed(lambda _: os.system(f"{sys.executable} -c pass"), 5) / 1000
    said = f"median {statistics.median(took):.2f} s, of which the interpreter alone {bare_python:.2f} s"
    yield "start to ready, interpreter included", said, "", "≤ 1.5 s with models"


def _served(answer: bytes):  # type: ignore[no-untyped-def]
    from contextlib import contextmanager

    @contextmanager
    def serving() -> Iterator[tuple[int, int, Path]]:
        with tempfile.TemporaryDirectory() as folder, ScriptedUpstream().running() as upstream:
            upstream.answers(Reply(body=answer))
            with reflexd(Path(folder) / "storage", upstream.url) as (port, pid):
                yield port, pid, Path(folder)

    return serving()


def _p50(run: Callable[[int], object], count: int = 5000) -> float:
    """Microseconds."""
    return _timed(run, count) * 1000


def _timed(run: Callable[[int], object], count: int = 300) -> float:
    """Median milliseconds."""
    took = []
    for number in range(count):
        began = time.perf_counter()
        run(number)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "hits": hits,
    "inprocess": inprocess,
    "misses": misses,
    "streams": streams,
    "size": size,
    "start": start,
}


def main(names: list[str]) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds\n")
    print("| what | measured | ratio | budget |\n|---|---|---|---|")
    for name in names or GROUPS:
        for row in GROUPS[name]():
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
