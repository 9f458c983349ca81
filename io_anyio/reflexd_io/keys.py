"""Upstream keys: the OS keyring, or the provider's usual environment variable where there is none.

Keyring backends block, and may ask the person to unlock something: they are called in worker threads, with a time
limit, and what they said is remembered for as long as the daemon runs. Keys are never logged.
"""

import os
from functools import partial

import anyio
import anyio.to_thread

from reflexd_core.routing import Upstream
from reflexd_io.settings import APP, DEFAULT_TENANT

KEYRING_TIMEOUT = 20.0


class Keys:
    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str | None] = {}
        self._lock = anyio.Lock()

    async def get(self, tenant: str, upstream: Upstream) -> str | None:
        """The tenant's key for the upstream, or None.

        The environment's key is the default tenant's; it stands in for others only where no keyring could hold
        keys of their own.
        """
        name = (tenant, upstream.name)
        async with self._lock:
            if name not in self._found:
                key, usable = await self._from_keyring(tenant, upstream.name)
                if key is None and (tenant == DEFAULT_TENANT or not usable):
                    key = os.environ.get(upstream.key_env, "").strip() or None
                if key is None and usable is None:
                    return None  # the keyring may be unlocked later: ask again
                self._found[name] = key
            return self._found[name]

    async def _from_keyring(self, tenant: str, upstream: str) -> tuple[str | None, bool | None]:
        """The key, and whether there is a keyring at all (None: it gave no answer)."""
        with anyio.move_on_after(KEYRING_TIMEOUT):
            return await anyio.to_thread.run_sync(partial(read_keyring, tenant, upstream), abandon_on_cancel=True)
        return None, None


def read_keyring(tenant: str, upstream: str) -> tuple[str | None, bool | None]:
    """As `Keys._from_keyring`; blocks."""
    import keyring  # noqa: PLC0415 - takes 0.1 s to import and is not needed for most starts
    import keyring.errors  # noqa: PLC0415

    try:
        return keyring.get_password(APP, f"{tenant}/{upstream}"), True
    except keyring.errors.NoKeyringError:
        return None, False
    except Exception:  # noqa: BLE001 - backends raise what they like; a locked keyring is not a missing one
        return None, None


def keyring_name() -> str | None:
    """The keyring backend in use, for people; None where there is none. Blocks."""
    import keyring  # noqa: PLC0415
    from keyring.backends import fail  # noqa: PLC0415

    backend = keyring.get_keyring()
    return None if isinstance(backend, fail.Keyring) else f"{type(backend).__module__}.{type(backend).__name__}"
