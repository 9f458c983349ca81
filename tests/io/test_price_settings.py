"""Price tables: the shipped one is as it should be, and what a user adds is read or refused in words."""

from pathlib import Path

import pytest

from reflexd_core.request import Usage
from reflexd_io.price_settings import read_prices, shipped
from reflexd_io.settings import Settings, load
from reflexd_io.values import BadSetting

MILLION = Usage(input=1_000_000, output=1_000_000)


def test_every_shipped_price_is_one() -> None:
    assert len(shipped()) > 30
    for price in shipped():
        assert 0 < price.cached_input <= price.input, price.pattern
        assert price.output == 0 or price.input <= price.output, price.pattern
        assert price.as_of >= "2025-06", price.pattern
    assert len({price.pattern for price in shipped()}) == len(shipped())


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("gpt-4o-mini-2024-07-18", 0.75),
        ("gpt-4o-2024-05-13", 20.0),
        ("claude-sonnet-4-20250514", 18.0),
        ("anthropic/claude-haiku-4-5", 6.0),
        ("gpt-4o-realtime-preview", None),
        ("gemini-2.5-pro", None),
    ],
)
def test_shipped_prices_are_found(model: str, dollars: float | None) -> None:
    assert read_prices({}).cost(model, MILLION) == (None if dollars is None else pytest.approx(dollars))


def test_own_prices_come_from_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[prices."gpt-4o"]\ninput = 1\noutput = 2.5\n[prices."llama*"]\ninput = 0\noutput = 0\n')
    prices = load({}, {}, config).prices
    assert prices.cost("gpt-4o-2024-08-06", MILLION) == pytest.approx(3.5)
    assert prices.cost("llama3:8b", MILLION) == 0.0
    assert prices.cost("gpt-4o-mini", MILLION) == pytest.approx(0.75)
    found = prices.of("gpt-4o")
    assert found is not None
    assert (found.cached_input, found.as_of) == (1.0, "")


def test_settings_without_own_prices_are_equal() -> None:
    assert Settings(storage_path=Path("/x")) == Settings(storage_path=Path("/x"))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('[prices]\n"gpt-4o" = 3\n', "prices.gpt-4o: expected a table"),
        ('[prices."m"]\ninput = 1\n', "prices.m.output: is missing"),
        ('[prices."m"]\ninput = -1\noutput = 1\n', "prices.m.input=-1: expected dollars"),
        ('[prices."m"]\ninput = true\noutput = 1\n', "prices.m.input=True"),
        ('[prices."m"]\ninput = nan\noutput = 1\n', "prices.m.input=nan"),
        ('[prices."m"]\ninput = 1\noutput = "2"\n', "prices.m.output='2'"),
        ('[prices."m"]\ninput = 1\noutput = 1e9\n', "prices.m.output=1000000000.0"),
        ('[prices."m"]\ninput = 1\noutput = 1\nas_of = "June"\n', "as_of='June'"),
        ('[prices."m"]\ninput = 1\noutput = 1\ncached = 1\n', "did you mean 'cached_input'?"),
        ('[prices."*"]\ninput = 1\noutput = 1\n', "expected a model's name"),
        ("prices = 3\n", "prices: expected a table"),
    ],
)
def test_what_cannot_be_read_stops_the_start_and_is_named(tmp_path: Path, lines: str, told: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(lines)
    with pytest.raises(BadSetting) as refused:
        load({}, {}, config)
    assert told in str(refused.value)
