"""Backlog: vectors that are yet to be made, of entries stored before the models were there, or by other models.

A tenant is looked at once after the models were loaded, and again whenever one of its entries was stored without a
vector. It works in small batches with pauses, so that questions that wait for an answer come first.
"""

import logging

import anyio

from reflexd_io.inference.errors import InferenceFailed
from reflexd_io.models import Models
from reflexd_io.store import Store, StoreUnavailable
from reflexd_io.store.meaning import check_vector

log = logging.getLogger(__name__)

BATCH = 32
PAUSE = 0.05
"""Seconds between batches."""
RETRY = 30.0
"""Seconds until a tenant whose file could not be used is looked at again."""


class Backlog:
    def __init__(self, store: Store, models: Models) -> None:
        self._store = store
        self._models = models
        self._waiting: set[str] = set()
        self._woken = anyio.Event()

    def note(self, tenant: str) -> None:
        """One of the tenant's entries has no vector."""
        self._waiting.add(tenant)
        self._woken.set()

    async def work(self) -> None:
        """For ever, once the models are there."""
        await self._models.loaded.wait()
        if not self._models.ready:
            return
        self._waiting |= self._store.tenants()
        while True:
            while self._waiting:
                tenant = self._waiting.pop()
                try:
                    await self._embed_all(tenant)
                except StoreUnavailable as error:
                    log.warning("vectors of %s are made later: %s", tenant, error)
                    self._waiting.add(tenant)
                    await anyio.sleep(RETRY)
                except Exception:  # one tenant's file must not keep the others' vectors from being made
                    log.exception("vectors of %s are not made", tenant)
            self._woken = anyio.Event()
            await self._woken.wait()

    async def _embed_all(self, tenant: str) -> None:
        model = self._models.embedding
        while missing := await self._store.unembedded(tenant, model, BATCH):
            vectors: dict[bytes, bytes] = {}
            too_long: list[bytes] = []
            for entry in missing:
                try:
                    vector = await self._models.embed(entry.question)
                    if vector is not None:
                        check_vector(vector)
                except (InferenceFailed, ValueError) as error:
                    log.warning("a question of %s has no vector, so it is compared exactly only: %s", tenant, error)
                    vector = None
                if vector is None:
                    too_long.append(entry.key)
                else:
                    vectors[entry.key] = vector
            await self._store.embed_later(tenant, vectors, model)
            await self._store.forget_meaning(tenant, too_long)
            await anyio.sleep(PAUSE)
