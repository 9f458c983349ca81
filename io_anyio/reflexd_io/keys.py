"""Upstream keys: the OS keyring, or the provider's usual environment variable where there is none.

Keyring backends block, and may ask the person to unlock something: they are called in threads of their own, with a
time limit, and what they said is remembered for as long as the daemon runs. Keys are never logged.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import anyio
import anyio.from_thread
import anyio.lowlevel

from reflexd_core.routing import Upstream
from reflexd_io.settings import APP, DEFAULT_TENANT

KEYRING_TIMEOUT = 20.0
ASK_AGAIN = 60.0
"""Seconds that a keyring which gave no answer (locked, slow, broken) is left alone, so that requests need not queue
for it one after the other."""


class UnusableKey(Exception):  # noqa: N818 - it says what the key is
    """A stored key that cannot be sent in a header. The message names where it is stored, never the key."""


class Keys:
    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str | None] = {}
        self._silent_until: dict[tuple[str, str], float] = {}
        self._lock = anyio.Lock()

    async def get(self, tenant: str, upstream: Upstream) -> str | None:
        """The tenant's key for the upstream, or None. Raises `UnusableKey`.

        The environment's key is the default tenant's; it stands in for others only where no keyring could hold
        keys of their own.
        """
        name = (tenant, upstream.name)
        if name in self._found:
            return self._found[name]
        async with self._lock:  # one question to the person at a time
            if name in self._found:
                return self._found[name]
            key, usable = None, None
            if monotonic() >= self._silent_until.get(name, 0.0):
                key, usable = await self._from_keyring(tenant, upstream.name)
                if usable is None:  # it may be unlocked later, and its key goes before the environment's
                    self._silent_until[name] = monotonic() + ASK_AGAIN
            source = f"keyring entry {APP} {tenant}/{upstream.name}"
            if key is None and (tenant == DEFAULT_TENANT or usable is False):
                key, source = os.environ.get(upstream.key_env, "").strip() or None, upstream.key_env
            if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
                raise UnusableKey(f"The key in {source} is no key: it has a line break, a space or odd characters.")
            if usable is not None:
                self._found[name] = key
            return key

    async def _from_keyring(self, tenant: str, upstream: str) -> tuple[str | None, bool | None]:
        """The key, and whether there is a keyring at all (None: it gave no answer)."""
        answers: list[tuple[str | None, bool | None]] = []
        answered = anyio.Event()
        token = anyio.lowlevel.current_token()

        def ask() -> None:
            answers.append(read_keyring(tenant, upstream))
            with suppress(RuntimeError):  # the event loop ended meanwhile
                anyio.from_thread.run_sync(answered.set, token=token)

        _start(ask)
        with anyio.move_on_after(KEYRING_TIMEOUT):
            await answered.wait()
        return answers[0] if answers else (None, None)


def warm_up() -> None:
    """Have the keyring imported in the background, which takes longer than using it."""
    _start(keyring_name)


def _start(work: Callable[[], object]) -> None:
    """A thread that does not keep the daemon from ending, as anyio's worker threads would: some backends hang."""
    threading.Thread(target=work, name="reflex-keyring", daemon=True).start()


def read_keyring(tenant: str, upstream: str) -> tuple[str | None, bool | None]:
    """As `Keys._from_keyring`; blocks."""
    import keyring  # noqa: PLC0415 - takes 0.1 s to import and is not needed for most starts
    import keyring.errors  # noqa: PLC0415

    try:
        return (keyring.get_password(APP, f"{tenant}/{upstream}") or "").strip() or None, True
    except keyring.errors.NoKeyringError:
        return None, False
    except Exception:  # noqa: BLE001 - backends raise what they like; a locked keyring is not a missing one
        return None, None


def keyring_name() -> str | None:
    """The keyring backend in use, for people; None where there is none that can be used. Blocks."""
    import keyring  # noqa: PLC0415
    from keyring.backends import fail  # noqa: PLC0415

    try:
        backend = keyring.get_keyring()
    except Exception:  # noqa: BLE001 - a backend that is configured and cannot be loaded raises what it likes
        return None
    return None if isinstance(backend, fail.Keyring) else f"{type(backend).__module__}.{type(backend).__name__}"
