"""Models: the judge as the daemon uses it, loaded beside everything else and computed beside the event loop.

Whatever goes wrong with it is told by `account` and costs hits, never an answer: a model that does not load leaves
the exact tier as it is. A verifier without a calibration is asked, and what it accepts is only watched.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial

import anyio
import anyio.to_thread
import numpy as np

from reflexd_core.keys import digest
from reflexd_core.meaning.calibration import Calibration
from reflexd_core.meaning.guards import Refusal
from reflexd_core.meaning.judge import RULES
from reflexd_io import tuning
from reflexd_io.faults import without_folders
from reflexd_io.inference import choose
from reflexd_io.inference.batching import Batching
from reflexd_io.inference.errors import CannotCompare, InferenceFailed
from reflexd_io.inference.judge import Judge, Score
from reflexd_io.inference.manifest import WEIGHTS
from reflexd_io.inference.ports import Pair, Verifier
from reflexd_io.settings import Settings

log = logging.getLogger(__name__)

UNCALIBRATED = Calibration(strict=1.0, threshold=0.5)
"""What stands for a calibration where a model has none: its score means nothing yet."""

Account = dict[str, object]
Weighed = tuple[Pair, float]
"""Stored and asked question, and their similarity."""


class Models:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._judge: Judge | None = None
        self._calibrated = False
        self._problems: tuple[str, ...] = ()
        self._vectors: Batching[str, bytes] | None = None
        self._scores: Batching[Weighed, Score] | None = None
        self.loaded = anyio.Event()
        """Set once it is known whether there are models, and `serve` has told."""

    async def serve(self, told: Callable[[], None]) -> None:
        """Load, then compute until cancelled. ``told`` is called once both models are there."""
        try:
            self._judge = await anyio.to_thread.run_sync(self._load, abandon_on_cancel=True)
        except Exception as error:
            log.exception("the models were not loaded")
            self._problems = (f"the models were not loaded ({type(error).__name__})",)
        for problem in self._problems:
            log.error("nothing is compared by meaning: %s", problem)
        judge = self._judge
        if judge is None:
            self.loaded.set()
            return
        turn = anyio.CapacityLimiter(1)  # two models that both take all cores would only take them from each other
        self._vectors = Batching(partial(_embedded, judge), at_once=judge.embedder.facts.at_once, turn=turn)
        self._scores = Batching(partial(_scored, judge), at_once=judge.verifier.facts.at_once, turn=turn)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._vectors.serve)
            tasks.start_soon(self._scores.serve)
            told()
            self.loaded.set()

    def _load(self) -> Judge | None:
        settings = self._settings
        found = choose.load(
            settings.inference_backend, model_path=settings.model_path, reranker_path=settings.reranker_path
        )
        self._problems = found.problems
        if found.embedder is None or found.verifier is None:
            return None
        calibration = calibration_of(found.verifier, settings)
        self._calibrated = calibration is not None
        judge = Judge(found.embedder, found.verifier, calibration or UNCALIBRATED)
        judge.judge([("How do I warm up?", "warm up, how?")])
        return judge

    @property
    def ready(self) -> bool:
        """Whether both models are there."""
        return self._judge is not None

    @property
    def embedding(self) -> str:
        """The embedder's fingerprint: vectors of another one are never compared."""
        return self._known().embedder.facts.fingerprint

    @property
    def judgement(self) -> str:
        """By what pairs are judged: verifier, calibration, and the rules before it. Changes when one of them does."""
        judge = self._known()
        named = (RULES, judge.verifier.facts.fingerprint, repr(judge.calibration))
        return digest(*(part.encode() for part in named))[:16].hex()

    @property
    def calibrated(self) -> bool:
        return self._calibrated

    @property
    def threshold(self) -> float:
        return self._known().calibration.needed

    async def embed(self, question: str) -> bytes | None:
        """The question's vector, float16 and little-endian; None where it cannot be seen whole.

        Raises `InferenceFailed`.
        """
        if self._vectors is None or not self._known().fits(question):
            return None
        try:
            return (await self._vectors([question]))[0]
        except CannotCompare:
            return None

    async def verify(self, pairs: Sequence[Weighed]) -> list[Score]:
        """How likely the stored answer serves, and what differs. Raises `CannotCompare`, `InferenceFailed`."""
        if self._scores is None:
            raise InferenceFailed("there is no verifier")
        return await self._scores(pairs)

    def fits(self, question: str) -> bool:
        """Whether the models see the question whole."""
        return self._known().fits(question)

    def refusal(self, stored: str, asked: str) -> Refusal | None:
        """What refuses the pair, whatever its score."""
        return self._known().refusal(stored, asked)

    def account(self) -> Account:
        """What really loaded, for `/ready` and people."""
        if not self.loaded.is_set():
            return {"status": "loading"}
        if self._judge is None:
            if self._settings.inference_backend == "off":
                return {"status": "off"}
            return {"status": "degraded", "reason": self._told(self._problems) or "a model is missing"}
        embedder, verifier = self._judge.embedder.facts, self._judge.verifier.facts
        notes = self._told(tuple(dict.fromkeys(filter(None, (embedder.note, verifier.note)))))
        return {
            "status": "ok" if self._calibrated else "shadow",
            "backend": verifier.backend,
            "device": verifier.device,
            "embedder": embedder.model,
            "verifier": verifier.model,
            "dtype": verifier.dtype,
            "dimension": embedder.dimension,
            "threshold": round(self.threshold, 4),
            **({"note": notes} if notes else {}),
        }

    def _told(self, said: tuple[str, ...]) -> str:
        """Without folders, which stand in the log: this goes to whoever asks."""
        return without_folders("; ".join(said), self._settings.model_path, self._settings.reranker_path, WEIGHTS)

    def _known(self) -> Judge:
        assert self._judge is not None, "asked before the models were loaded"  # noqa: S101
        return self._judge


def calibration_of(verifier: Verifier, settings: Settings) -> Calibration | None:
    """The user's own, where one was fitted for this verifier; else the verifier's, if it has one."""
    tuned = tuning.read(settings.storage_path)
    if tuned is not None and tuned.verifier == verifier.facts.fingerprint:
        return tuned.calibration
    return verifier.calibration


def _embedded(judge: Judge, questions: Sequence[str]) -> list[bytes]:
    return [vector.astype(np.dtype("<f2")).tobytes() for vector in judge.embed(questions)]


def _scored(judge: Judge, weighed: Sequence[Weighed]) -> list[Score]:
    return judge.score([pair for pair, _ in weighed], [similarity for _, similarity in weighed])
