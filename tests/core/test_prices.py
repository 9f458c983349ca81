"""Prices: what an answer cost, or nothing at all where it is not known."""

import pytest

from reflexd_core.prices import AS_OF, PRICES, cost_of
from reflexd_core.request import Usage

MILLION = Usage(input=1_000_000, output=1_000_000)


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("gpt-4o", MILLION, 12.50),
        ("gpt-4o-2024-08-06", MILLION, 12.50),
        ("openai/gpt-4o", MILLION, 12.50),
        ("openrouter/openai/gpt-4o-latest", MILLION, 12.50),
        ("claude-sonnet-4-20250514", MILLION, 18.00),
        ("gpt-4o", Usage(input=1_000_000, output=0, cached_input=1_000_000), 1.25),
        ("gpt-4o", Usage(input=100, output=0, cached_input=40), (60 * 2.50 + 40 * 1.25) / 1e6),
        ("gpt-4o", Usage(input=0, output=0), 0.0),
        ("gpt-4o-audio", MILLION, None),
        ("gpt-5", MILLION, None),
        ("", MILLION, None),
        ("gpt-4o", None, None),
    ],
)
def test_an_answer_costs_what_its_model_costs(model: str, usage: Usage | None, dollars: float | None) -> None:
    assert cost_of(model, usage) == (None if dollars is None else pytest.approx(dollars))


def test_more_cached_than_taken_costs_no_less_than_nothing() -> None:
    assert cost_of("gpt-4o", Usage(input=0, output=0, cached_input=1_000_000)) == pytest.approx(1.25)


def test_every_price_is_one() -> None:
    assert len(AS_OF) == 7
    for name, price in PRICES.items():
        assert 0 < price.cached_input <= price.input <= price.output, name
