"""Local tokens: what a client shows to be one tenant's, ``rfx_`` and 49 letters and digits.

The first 43 say 32 random bytes in base 62, the last six are a check: a token that was mistyped or cut is told from
one that nobody knows. Only a token's BLAKE3 digest is ever kept. A digest needs no slow hash, since 256 random bits
cannot be guessed; and looking one up needs no constant time, since what the time betrays is the digest's, of which
nobody gets nearer to a token.
"""

import re
from base64 import b64decode

from blake3 import blake3

PREFIX = "rfx_"
SECRET = 32
"""Random bytes in a token."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_DIGITS = 43
_CHECK_DIGITS = 6
_HIDDEN = re.compile(rf"""[\s,;:="'/?#&]{PREFIX}""")
HINT = 4
"""Characters at the end that may be shown: of the check, so that they say nothing of the secret itself."""


def make_token(secret: bytes) -> str:
    """The token of 32 random bytes."""
    if len(secret) != SECRET:
        raise ValueError(f"a token is made of {SECRET} random bytes")
    digits = _in_digits(int.from_bytes(secret, "big"), _SECRET_DIGITS)
    return PREFIX + digits + _check(digits)


def is_token(credential: str) -> bool:
    """Whether it is or holds what is meant as a token of Reflex's: that never leaves this machine, wrong or right.

    Headers of one name are joined by commas, so one may stand behind something else.
    """
    return credential.startswith(PREFIX) or _HIDDEN.search(credential) is not None


def token_in_basic(authorization: str) -> str | None:
    """The token that ``Basic`` credentials hold as name or password (RFC 7617), which cannot be read as they came."""
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        plain = b64decode(coded.strip()).decode("utf-8", "replace")
    except ValueError:
        return None
    name, _, password = plain.partition(":")
    return next((part for part in (password, name, plain) if is_token(part)), None)


def is_whole(token: str) -> bool:
    """Whether nothing was mistyped or cut off."""
    digits = token.removeprefix(PREFIX)
    secret, check = digits[:_SECRET_DIGITS], digits[_SECRET_DIGITS:]
    return token.startswith(PREFIX) and len(digits) == _SECRET_DIGITS + _CHECK_DIGITS and check == _check(secret)


def digest_of(token: str) -> bytes:
    """What is kept of it, 32 bytes."""
    return blake3(token.encode("utf-8", "surrogatepass")).digest()


def _check(digits: str) -> str:
    found = blake3(digits.encode("utf-8", "surrogatepass")).digest()
    return _in_digits(int.from_bytes(found[:4], "big"), _CHECK_DIGITS)


def _in_digits(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
