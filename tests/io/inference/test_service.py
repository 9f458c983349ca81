"""The service: what is answered while models load, where they are not there, and when they break."""

import threading
from collections.abc import Sequence
from pathlib import Path

import anyio
import numpy as np
import pytest

from reflexd_io.inference import choose, tokens
from reflexd_io.inference.choose import Loaded
from reflexd_io.inference.errors import CannotCompare, InferenceFailed
from reflexd_io.inference.models import LocalEmbedder, LocalVerifier, Outputs
from reflexd_io.inference.ports import Facts
from reflexd_io.inference.service import Inference
from reflexd_io.inference.tokens import Encoded

pytestmark = pytest.mark.anyio


async def ready(inference: Inference) -> None:
    with anyio.fail_after(20):
        while inference.loading:  # noqa: ASYNC110 - it tells nobody when it is done
            await anyio.sleep(0.005)


async def test_the_shipped_models_serve_many_at_once(weights: Path) -> None:
    inference = Inference(lambda: choose.load("cpu", weights=weights))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inference.run)
        await ready(inference)
        assert inference.problems == ()
        assert inference.embedder is not None
        texts = [f"how to sort {n} numbers" for n in range(16)]
        found: dict[str, np.ndarray] = {}

        async def ask(text: str) -> None:
            found[text] = await inference.embed(text)
            await inference.judge([(text, text), (text, "why is the sky blue")])

        async with anyio.create_task_group() as callers:
            for text in texts:
                callers.start_soon(ask, text)
        for text in texts:
            assert (found[text] == inference.embedder.embed([text])[0]).all()
        for odd in ("", "\0", "word " * 300, "x" * 100_000, "\ud800"):
            with pytest.raises(CannotCompare):
                await inference.embed(odd)
        tasks.cancel_scope.cancel()


async def test_until_it_is_ready_it_says_so_at_once() -> None:
    gate = threading.Event()

    def slow() -> Loaded:
        gate.wait(10)
        return Loaded(problems=("no model today",))

    inference = Inference(slow)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inference.run)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(InferenceFailed, match="embedder is being loaded"):
            await inference.embed("a")
        gate.set()
        await ready(inference)
        assert inference.problems == ("no model today",)
        with pytest.raises(InferenceFailed, match="there is no embedder"):
            await inference.embed("a")
        with pytest.raises(InferenceFailed, match="there is no verifier"):
            await inference.judge([("a", "b")])
        tasks.cancel_scope.cancel()


async def test_a_bug_in_loading_is_a_problem_told_not_the_end() -> None:
    def broken() -> Loaded:
        raise RuntimeError("unforeseen")

    inference = Inference(broken)
    with anyio.fail_after(5):
        await inference.run()
    assert inference.problems == ("the models were not loaded: RuntimeError: unforeseen",)
    assert not inference.loading


async def test_a_question_of_which_the_model_makes_no_number_fails_alone(weights: Path) -> None:
    def poisoned(encoded: Sequence[Encoded]) -> list[Outputs]:
        return [(np.array([np.nan if len(each) == 4 else 1.0], np.float32),) for each in encoded]

    facts = Facts(
        backend="cpu", device="", model="", dtype="", dimension=1, fingerprint="", max_tokens=256, note="", at_once=8
    )
    words = tokens.load(weights / "tokenizer.json", 256)
    verifier = LocalVerifier(lambda _: [], words, facts)
    inference = Inference(lambda: Loaded(embedder=LocalEmbedder(poisoned, words, facts), verifier=verifier))
    outcomes: dict[str, object] = {}

    async def ask(text: str) -> None:
        try:
            outcomes[text] = (await inference.embed(text)).tolist()
        except InferenceFailed as error:
            outcomes[text] = str(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inference.run)
        await ready(inference)
        async with anyio.create_task_group() as callers:
            for text in ("one", "two words", "here are three"):
                callers.start_soon(ask, text)
        with pytest.raises(InferenceFailed):
            await inference.judge([("a", "b")])
        tasks.cancel_scope.cancel()
    assert outcomes == {"one": [1.0], "two words": "the model's output is not a number", "here are three": [1.0]}
