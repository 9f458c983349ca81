"""Changes: which keys were taken away or altered lately, for whoever began something before and ends it after.

A lookup that read the disk before a purge must not bring the answer back into memory, nor may an answer under way.
A plain value of the event loop's thread.
"""

from collections.abc import Iterable

KEPT = 20_000
"""Keys that are remembered; when more change, everything counts as changed for whoever began before."""


class Changes:
    def __init__(self) -> None:
        self._count = 0
        self._keys: dict[bytes, int] = {}
        self._tenants: dict[str, int] = {}
        self._all = 0

    def mark(self) -> int:
        """A moment, for `since`."""
        return self._count

    def note(self, keys: Iterable[bytes]) -> None:
        self._count += 1
        for key in keys:
            self._keys[key] = self._count
        if len(self._keys) > KEPT:
            self._keys.clear()
            self._all = self._count

    def note_tenant(self, tenant: str) -> None:
        """Everything of the tenant's, what is only under way included."""
        self._count += 1
        self._tenants[tenant] = self._count
        if len(self._tenants) > KEPT:
            self._tenants.clear()
            self._all = self._count

    def note_all(self) -> None:
        """Everything of everybody's, what is only under way included."""
        self._count += 1
        self._all = self._count

    def since(self, mark: int, *keys: bytes, tenant: str | None = None) -> bool:
        """Whether any of the keys, or the whole tenant, changed after the moment."""
        if mark == self._count:
            return False
        if self._all > mark or (tenant is not None and self._tenants.get(tenant, 0) > mark):
            return True
        return any(self._keys.get(key, 0) > mark for key in keys)
