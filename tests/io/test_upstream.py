"""The upstream client: whatever goes wrong with a call comes out as one exception, in words that betray nothing."""

from collections.abc import AsyncIterator

import anyio.lowlevel
import pytest

from reflexd_io import upstream as module
from reflexd_io.incoming import ClientGone
from reflexd_io.upstream import Body, UpstreamClient, UpstreamUnreachable
from support.upstream import ScriptedUpstream

pytestmark = pytest.mark.anyio


async def _failing(url: str, *headers: tuple[bytes, bytes], body: Body = b"") -> UpstreamUnreachable:
    client = UpstreamClient()
    try:
        with pytest.raises(UpstreamUnreachable) as failed:
            async with client.send("POST", url, list(headers), body):
                raise AssertionError("it was sent")
    finally:
        await client.aclose()
    return failed.value


async def test_a_header_that_cannot_be_sent_is_not_quoted(upstream: ScriptedUpstream) -> None:
    failed = await _failing(f"{upstream.url}/x", (b"Authorization", b"Bearer SECRET\nsecond"))
    assert str(failed) == "the request cannot be sent as HTTP"
    assert upstream.calls == 0


@pytest.mark.parametrize("proxy", ["socks5://proxy.invalid:1080", "http://proxy.invalid:port"])
async def test_a_proxy_that_cannot_be_used_is_said_and_not_worth_a_retry(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "proxy_for", lambda _: proxy)
    failed = await _failing("http://api.invalid/v1")
    assert failed.status == 400
    assert "proxy" in str(failed)


async def test_a_scheme_that_is_none_comes_out_as_any_other_failure() -> None:
    assert (await _failing("gopher://127.0.0.1:1/x")).status == 502


@pytest.mark.parametrize("error", [KeyError("SECRET"), ValueError("SECRET"), ModuleNotFoundError("SECRET")])
async def test_what_breaks_inside_the_http_client_comes_out_as_any_other_failure(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(module.httpcore.AsyncConnectionPool, "handle_async_request", broken)
    failed = await _failing("http://127.0.0.1:1/x")
    assert str(failed) == f"the request could not be made ({type(error).__name__})"


async def test_what_a_body_raises_is_the_callers_own(upstream: ScriptedUpstream) -> None:
    class Leaving:
        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            await anyio.lowlevel.checkpoint()
            raise ClientGone

    client = UpstreamClient()
    try:
        with pytest.raises(ClientGone):
            async with client.send("POST", f"{upstream.url}/x", [(b"Content-Length", b"9")], Leaving()):
                raise AssertionError("it was sent")
    finally:
        await client.aclose()
