"""Replies: what goes out to the client of one exchange, from the store, from upstream, or of Reflex's own."""

from functools import partial
from time import perf_counter
from urllib.parse import quote

import anyio.to_thread

from reflexd_core import commands as cmd
from reflexd_core.headers import HeaderList, accepts_coding, explain_forward, explain_hit, to_client, value_of
from reflexd_core.policy import Ask
from reflexd_io import codings
from reflexd_io.exchange import Exchange
from reflexd_io.formats import told_of_relayed
from reflexd_io.incoming import ClientGone
from reflexd_io.keep_alive import KeptAlive, may_be_kept_alive
from reflexd_io.memory import Answer
from reflexd_io.own_headers import own_headers

QUICK = 512 * 1024
"""Bytes of an answer up to which turning it into the other form is done on the spot (10 ms)."""

MOST_WORDS, MOST_CHARACTERS = 8, 256
"""Of the words that are told; each is percent-encoded, and commas part them."""

Headers = list[tuple[bytes, bytes]]


def is_quick(answer: Answer, ask: Ask) -> bool:
    """Whether the answer can be had in the asked form without holding up everybody else."""
    return ask.form is answer.facts.form or len(answer.recorded) <= QUICK


async def turned(answer: Answer, ask: Ask) -> tuple[bytes, Headers]:
    """The answer in the asked form; a large one is turned beside the event loop. Raises `ValueError`."""
    turn = partial(answer.ready, ask.form, wants_usage=ask.wants_usage)
    if is_quick(answer, ask):
        return turn()
    return await anyio.to_thread.run_sync(turn)


def explained(replay: cmd.Replay, now: float, timings: dict[bytes, float]) -> Headers:
    """What the client is told of an answer from the store."""
    entry = replay.entry
    ttl = None if entry.expires is None else entry.expires - now
    told = explain_hit(replay.status, entry.id, now - entry.created, ttl, timings)
    if replay.key is not None:
        told += judged(replay.reason, replay.similarity, replay.score)
    return told


def judged(reason: str, similarity: float | None, score: float | None) -> Headers:
    numbers = ((b"X-Reflex-Similarity", similarity), (b"X-Reflex-Score", score))
    told = [(name, f"{number:.4f}".encode()) for name, number in numbers if number is not None]
    return [(b"X-Reflex-Reason", reason.encode()), *told]


async def relay(exchange: Exchange, *, joined: bool) -> None:
    """The provider's answer, chunk by chunk; a twin's is decoded where this client could not."""
    source, connection, forward = exchange.source, exchange.connection, exchange.forward
    assert source is not None  # noqa: S101 - dispatching the command set both
    assert exchange.reader is not None  # noqa: S101
    coding = (value_of(source.headers, b"content-encoding") or b"").decode("latin-1")
    decoder = None
    headers = to_client(source.headers)
    if joined:
        headers = [(name, value) for name, value in headers if name.lower() != b"set-cookie"]
    length = value_of(source.headers, b"content-length")
    if joined and not accepts_coding(exchange.call.request.named.get("accept-encoding", ""), coding):
        decoder = codings.decoder_for(coding)
        headers = [(name, value) for name, value in headers if name.lower() != b"content-encoding"]
    elif length is not None:
        headers.append((b"Content-Length", length))
    exchange.http_status = source.status
    told = [*_explain_forward(exchange, forward, joined=joined), *told_of_relayed(exchange.call)]
    await connection.start(source.status, source.reason, [*headers, *told], hold=source.has_bytes)
    decode = decoder.feed if decoder is not None else bytes
    keep_alive = exchange.call.dialect.keep_alive
    kept = may_be_kept_alive(exchange.call.dialect, source, encoded=bool(coding) and decoder is None)
    pieces = KeptAlive(exchange.reader, keep_alive, decode) if kept else exchange.reader
    async for piece in pieces:
        whole = source.ended and not (source.cut or exchange.cut) and piece is not keep_alive
        await connection.send(piece if kept else decode(piece), last=whole)
        if exchange.first_byte is None and piece is not keep_alive:
            exchange.first_byte = perf_counter()
    if source.cut or exchange.cut:
        raise ClientGone
    await connection.finish()


def _explain_forward(exchange: Exchange, forward: cmd.Forward | None, *, joined: bool) -> HeaderList:
    if forward is None:
        return explain_forward(cmd.Status.MISS, "coalesced", collapsed=joined, timings=exchange.timings)
    told = explain_forward(forward.status, forward.reason, collapsed=joined, timings=exchange.timings)
    numbers = judged(forward.reason, forward.similarity, forward.score)[1:]
    words = ",".join(quote(word, safe="") for word in forward.words[:MOST_WORDS])[:MOST_CHARACTERS]
    return [*told, *numbers, *([(b"X-Reflex-Words", words.encode())] if words else [])]


async def refuse(exchange: Exchange, command: cmd.Refuse) -> None:
    """An error of Reflex's own, in the dialect's shape."""
    body = exchange.call.dialect.error(command.status, command.message, command.code)
    exchange.http_status = command.status
    headers = own_headers(
        body,
        (b"X-Reflex-Status", exchange.status.value.encode()),
        (b"X-Reflex-Reason", command.code.encode()),
        *([] if command.retry else [(b"x-should-retry", b"false")]),
    )
    await exchange.connection.respond(command.status, headers, body)
