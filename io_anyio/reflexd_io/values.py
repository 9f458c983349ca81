"""Values of settings, as texts are read: from a flag, the environment or config.toml alike.

Each reader takes a stripped text and raises `ValueError` with what it expected instead.
"""

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

Read = TypeVar("Read")


class BadSetting(ValueError):  # noqa: N818 - it says what the setting is
    """A setting that cannot be used; the message names it and says what would do."""


class BadFlag(BadSetting):
    """The setting was typed on the command line."""


def read_value(source: str, text: str, read: Callable[[str], Read]) -> Read:
    """What the text says. Raises `BadSetting` with the name of its ``source``."""
    try:
        return read(text.strip())
    except ValueError as error:
        kind = BadFlag if source.startswith("--") else BadSetting
        raise kind(f"{source}={text!r}: {error}") from error


def integer(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,3}(_?[0-9]{1,3}){0,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return read


def truth(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("expected 1 or 0")


def choice(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(f"expected one of: {', '.join(names)}")
        return text.lower()

    return read


def address(text: str) -> str:
    try:
        return "127.0.0.1" if text == "localhost" else str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("expected an IP address such as 127.0.0.1 or ::1") from None


def folder(text: str) -> Path:
    if not text:
        raise ValueError("expected a folder")
    return path(text)


def path(text: str) -> Path:
    if not text:
        raise ValueError("expected a file or a folder")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # a home that nobody has
        raise ValueError(str(error)) from error


def name(text: str) -> str:
    if not text:
        raise ValueError("expected a name")
    return text


def legacy(text: str) -> bool:
    return choice("refuse", "forward")(text) == "forward"


def share(text: str) -> float:
    """A number from 0 to 1."""
    if not re.fullmatch(r"[01]?(\.[0-9]{1,9})?", text) or text in ("", ".") or float(text) > 1:
        raise ValueError("expected a number from 0 to 1")
    return float(text)


LONGEST = 2**31
"""Seconds, as RFC 9111 section 1.2.2 has it."""


def given_truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("no truth value")
    return value


def given_seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST:
        raise ValueError("no seconds")
    return float(value)


def given_share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("no share")
    return float(value)


def refuse_unknown(where: str, names: Iterable[str], known: set[str]) -> None:
    """Raises `BadSetting` for a name that nobody knows, with the one that may have been meant."""
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are: {', '.join(sorted(known))}"
            raise BadSetting(f"{where}: unknown setting {name!r}{hint}")


def read_url(source: str, url: object) -> str:
    """An upstream's base URL, without a slash at its end. Raises `BadSetting`."""
    try:
        parts = urlsplit(str(url))
        readable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of range, half an IPv6 address
        readable = False
    if not isinstance(url, str) or not readable or not re.fullmatch(r"[^\s?#]+", url):
        raise BadSetting(f"{source}={url!r}: expected a URL such as https://api.openai.com/v1")
    if parts.username is not None or parts.password is not None:  # it would be shown in errors, and never sent
        raise BadSetting(f"{source}: the URL must hold no user and no password; keys go into the keyring")
    return url.rstrip("/")


def is_loopback_address(text: str) -> bool:
    return ipaddress.ip_address(text).is_loopback


def is_loopback(url: str) -> bool:
    return re.match(r"https?://(localhost|127\.0\.0\.1|\[::1\])([:/]|$)", url, re.IGNORECASE) is not None
