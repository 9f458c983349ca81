"""Isolation as a property: whatever is asked, in the same words or in others, switched, renamed, removed, purged,
undone, imported and restarted in whatever order, no answer of one tenant ever reaches another.
"""

import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from support.isolation import World, operations
from support.models import needs_models

SEEDS = st.integers(0, 2**32).map(Random)


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self._folder.name))

    def teardown(self) -> None:
        self.world.close()
        self._folder.cleanup()


def _add_rule(name: str) -> None:
    @rule(chance=SEEDS)
    def run(self: Interleavings, chance: Random) -> None:
        getattr(self.world, name)(chance)

    setattr(Interleavings, name, run)


for _name, _ in operations():
    _add_rule(_name)


def test_no_answer_reaches_another_tenant_in_short_interleavings() -> None:
    few = settings(
        max_examples=12, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Interleavings, settings=few)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_no_answer_reaches_another_tenant_in_ten_thousand_steps(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    names, weights = zip(*operations(), strict=True)
    world = World(tmp_path)
    try:
        for step in range(5000):
            if step % 250 == 249:
                world.restart(chance)
            getattr(world, chance.choices(names, weights)[0])(chance)
    finally:
        world.close()
    assert (world.answered > 1000, world.repeated > 300, world.refused > 100, world.restarts) == (True,) * 3 + (20,)
    assert (world.undone > 10, world.imported > 10) == (True, True)


@needs_models
@pytest.mark.slow
def test_no_answer_reaches_another_tenant_in_other_words(tmp_path: Path) -> None:
    chance = Random(3)
    names, weights = zip(*operations(), strict=True)
    world = World(tmp_path, by_meaning=True)
    try:
        for step in range(1500):
            if step % 500 == 499:
                world.restart(chance)
            getattr(world, chance.choices(names, weights)[0])(chance)
    finally:
        world.close()
    assert (world.reworded > 50, world.restarts) == (True, 3)
