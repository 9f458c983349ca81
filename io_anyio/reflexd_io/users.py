"""Users of this machine, as settings name them: by name or by number."""

from typing import Any

from reflexd_io.values import BadSetting

EVERYBODY = "*"
_MOST = 2**32


def read(source: str, given: Any) -> frozenset[int] | None:
    """Their numbers; None where all are meant. Raises `BadSetting`."""
    if not isinstance(given, list) or not all(isinstance(item, str | int) for item in given):
        raise BadSetting(f'{source}: expected a list of users of this machine, by name or number, or ["*"] for all')
    if EVERYBODY in given:
        return None
    return frozenset(_number_of(source, item) for item in given)


def _number_of(source: str, user: str | int) -> int:
    if isinstance(user, int) or user.isdecimal():
        number = int(user)
        if not isinstance(user, bool) and 0 <= number < _MOST:
            return number
        raise BadSetting(f"{source}: {user!r} is no user's number")
    try:
        import pwd  # noqa: PLC0415 - POSIX only
    except ImportError:
        raise BadSetting(f"{source}: users are told apart on Linux only; leave it out here") from None
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise BadSetting(f"{source}: this machine has no user {user!r}") from None
