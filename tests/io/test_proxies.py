"""Proxies of the environment: what is understood, and what is refused in words."""

import base64
from collections.abc import Iterator

import pytest

from reflexd_io import proxies
from reflexd_io.proxies import UnusableProxy, proxy_at, proxy_for


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    proxies._proxy_of.cache_clear()
    yield
    proxies._proxy_of.cache_clear()


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("proxy.invalid:3128", "http://proxy.invalid:3128"),
        ("HTTP://proxy.invalid:3128", "http://proxy.invalid:3128"),
        ("https://proxy.invalid", "https://proxy.invalid"),
        ("socks5://proxy.invalid:1080", "socks5://proxy.invalid:1080"),
    ],
)
def test_a_proxy_without_a_scheme_is_an_http_proxy(
    given: str, understood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", given)
    assert proxy_for("https://api.example.org/v1") == understood


def test_loopback_and_no_proxy_go_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "example.org")
    assert proxy_for("https://127.0.0.1/v1") is None
    assert proxy_for("https://api.example.org/v1") is None
    assert proxy_for("http://api.example.net/v1") is None


def test_a_proxys_user_and_password_are_sent_to_it() -> None:
    proxy = proxy_at("http://me:p%40ss@proxy.invalid:3128")
    assert (proxy.url.host, proxy.url.port) == (b"proxy.invalid", 3128)
    assert (b"Proxy-Authorization", b"Basic " + base64.b64encode(b"me:p@ss")) in proxy.headers


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("socks5://me:secret@proxy.invalid:1080", "socks5"),
        ("http://me:secret@proxy.invalid:port", "address"),
        ("http://me:secret@", "address"),
        ("http://me:secret@[::1", "address"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_in_words_without_its_password(url: str, word: str) -> None:
    with pytest.raises(UnusableProxy, match=word) as refused:
        proxy_at(url)
    assert "secret" not in str(refused.value)
