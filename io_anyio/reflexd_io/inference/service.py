"""The service: both models beside the event loop, from the start of the daemon to its end.

Loading happens in a thread, off the way to the first request; until it is done, and where it failed, whoever asks is
told so at once and goes on without meaning. No fault of a model ends the daemon.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from reflexd_io.inference.batching import Batching
from reflexd_io.inference.choose import Loaded
from reflexd_io.inference.errors import InferenceFailed
from reflexd_io.inference.ports import Embedder, Judgement, Pair, Verifier

log = logging.getLogger(__name__)

Vector = NDArray[np.float32]


class Inference:
    def __init__(self, load: Callable[[], Loaded]) -> None:
        """``load`` is called in a thread once `run` runs: `choose.load` with the settings bound."""
        self._load = load
        self.loading = True
        self.embedder: Embedder | None = None
        self.verifier: Verifier | None = None
        self.problems: tuple[str, ...] = ()
        """Why a model is not there, in words."""
        self._vectors: Batching[str, Vector] | None = None
        self._judgements: Batching[Pair, Judgement] | None = None

    async def embed(self, text: str) -> Vector:
        """(dimension,), of length 1. Raises `errors.CannotCompare`, `InferenceFailed`."""
        if self._vectors is None:
            raise InferenceFailed(self._absent("embedder"))
        return (await self._vectors([text]))[0]

    async def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement a pair, in order. Raises `errors.CannotCompare`, `InferenceFailed`."""
        if self._judgements is None:
            raise InferenceFailed(self._absent("verifier"))
        return await self._judgements(pairs)

    def _absent(self, which: str) -> str:
        return f"the {which} is being loaded" if self.loading else f"there is no {which}"

    async def run(self) -> None:
        """Load, then serve until cancelled."""
        try:
            loaded = await anyio.to_thread.run_sync(self._load, abandon_on_cancel=True)
        except Exception as error:
            log.exception("the models were not loaded")
            loaded = Loaded(problems=(f"the models were not loaded: {type(error).__name__}: {error}",))
        for problem in loaded.problems:
            log.error("%s", problem)
        self.loading = False
        self.problems = loaded.problems
        self.embedder, self.verifier = loaded.embedder, loaded.verifier
        async with anyio.create_task_group() as tasks:
            if loaded.embedder is not None:
                embed = partial(_listed, loaded.embedder.embed)
                self._vectors = Batching(embed, at_once=loaded.embedder.facts.at_once)
                tasks.start_soon(self._vectors.serve)
            if loaded.verifier is not None:
                self._judgements = Batching(loaded.verifier.judge, at_once=loaded.verifier.facts.at_once)
                tasks.start_soon(self._judgements.serve)


def _listed(embed: Callable[[Sequence[str]], NDArray[np.float32]], texts: Sequence[str]) -> Sequence[Vector]:
    return list(embed(texts))
