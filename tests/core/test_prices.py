"""Prices: what an answer cost, or nothing at all where it is not known."""

import pytest

from reflexd_core.prices import Price, Prices
from reflexd_core.request import Usage

MILLION = Usage(input=1_000_000, output=1_000_000)


def line(pattern: str, given: float, made: float, cached: float) -> Price:
    return Price(pattern=pattern, input=given, output=made, cached_input=cached, as_of="2025-06")


PRICES = Prices(
    own=[line("house-*", 1.0, 2.0, 0.5), line("dear-2024-05-13", 9.0, 9.0, 9.0)],
    shipped=[
        line("gpt-4o", 2.50, 10.00, 1.25),
        line("gpt-4o-mini", 0.15, 0.60, 0.075),
        line("house-cat", 7.0, 7.0, 7.0),
        line("long-*", 1.0, 1.0, 1.0),
        line("long-name-*", 2.0, 2.0, 2.0),
        line("dear", 5.0, 5.0, 5.0),
    ],
)


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("gpt-4o", MILLION, 12.50),
        ("gpt-4o-2024-08-06", MILLION, 12.50),
        ("openai/gpt-4o", MILLION, 12.50),
        ("openrouter/openai/gpt-4o-latest", MILLION, 12.50),
        ("gpt-4o", Usage(input=1_000_000, output=0, cached_input=1_000_000), 1.25),
        ("gpt-4o", Usage(input=100, output=0, cached_input=40), (60 * 2.50 + 40 * 1.25) / 1e6),
        ("gpt-4o", Usage(input=0, output=0), 0.0),
        ("gpt-4o", Usage(input=0, output=0, cached_input=1_000_000), 1.25),
        ("gpt-4o-audio", MILLION, None),
        ("gpt-5", MILLION, None),
        ("", MILLION, None),
        ("gpt-4o", None, None),
        ("house-dog", MILLION, 3.0),
        ("vendor/house-cat", MILLION, 3.0),  # the user's own lines come first, be they less exact
        ("long-name-x", MILLION, 4.0),  # of two patterns the one with more letters
        ("long-x", MILLION, 2.0),
        ("dear-2024-05-13", MILLION, 18.0),  # a version with a line of its own
        ("dear-2025-01-01", MILLION, 10.0),
        ("a.long-x", MILLION, None),
    ],
)
def test_an_answer_costs_what_its_model_costs(model: str, usage: Usage | None, dollars: float | None) -> None:
    assert PRICES.cost(model, usage) == (None if dollars is None else pytest.approx(dollars))


def test_what_the_providers_cache_took_off_is_told_apart() -> None:
    assert PRICES.spared("gpt-4o", Usage(input=2_000_000, output=5, cached_input=1_000_000)) == pytest.approx(1.25)
    assert PRICES.spared("unheard-of", MILLION) is None


@pytest.mark.parametrize(
    ("asked", "answered", "named"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18"),
        ("auto", "gpt-4o", "gpt-4o"),
        ("llama3", "llama3:8b", "llama3"),
        ("gpt-4o", "", ""),
        ("", "gpt-4o", "gpt-4o"),
    ],
)
def test_models_are_counted_under_the_name_that_was_asked_for_where_it_costs_the_same(
    asked: str, answered: str, named: str
) -> None:
    assert PRICES.named(asked, answered) == (named or asked)


def test_two_tables_are_equal_when_their_lines_are() -> None:
    assert Prices([line("a", 1, 1, 1)]) == Prices([line("a", 1, 1, 1)])
    assert Prices([line("a", 1, 1, 1)]) != Prices([line("a", 2, 1, 1)])
    assert hash(Prices()) == hash(Prices())
