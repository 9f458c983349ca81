"""Words: what is a number, what needs quotes. Rust's rules, held to a table made by hand from its documentation."""

import pytest

from reflexd_core.tauq.words import Unfit, is_bare_key, is_bare_string, number_of, quote


@pytest.mark.parametrize(
    ("word", "number"),
    [
        *[("0", 0), ("42", 42), ("-7", -7), ("+5", 5), ("007", 7), ("-0", 0)],
        *[
            ("9223372036854775807", 2**63 - 1),
            ("-9223372036854775808", -(2**63)),
            ("18446744073709551615", 2**64 - 1),
        ],
        *[("18446744073709551616", 2**64), ("-99999999999999999999", -99999999999999999999)],
        *[
            ("1.5", 1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1E3", 1000.0),
            ("5.e3", 5000.0),
            ("-.5e-1", -0.05),
        ],
        *[("+1.0", 1.0), ("1e-400", 0.0), ("0.1", 0.1), ("1e308", 1e308)],
    ],
)
def test_numbers(word: str, number: float) -> None:
    found = number_of(word)
    assert (found, type(found)) == (number, type(number))


def test_minus_zero_as_a_fraction_keeps_its_sign() -> None:
    assert repr(number_of("-0.0")) == "-0.0"


_NO_NUMBERS = ". - + e5 1e 1e+ 1_000 0x10 1.2.3 --1 ٣ infin nans a1 1a"


@pytest.mark.parametrize("word", [*_NO_NUMBERS.split(), "\uff11", "\u0131nf"])
def test_no_numbers(word: str) -> None:
    assert number_of(word) is None


@pytest.mark.parametrize("word", ["inf", "-INF", "+Infinity", "nan", "-NaN", "1e400", "-1e400", "9" * 400 + ".0"])
def test_numbers_that_json_cannot_hold(word: str) -> None:
    with pytest.raises(Unfit, match="quote it"):
        number_of(word)


def test_a_number_of_too_many_digits() -> None:
    with pytest.raises(Unfit, match="digits"):
        number_of("1" * 5000)


_UNFIT = """12 1a -a /x @x .a --- !a true false null inf NaN Infinity ² a:b a,b a;b a#b a[ a] a{ a} a" a!"""


@pytest.mark.parametrize(
    "text", ["a", "_", "hello", "user@x.com", "a/b", "v1.2+b", "x-y", "é", "日本", "a_1", "a--", "nano", "infinite"]
)
def test_strings_that_need_no_quotes(text: str) -> None:
    assert is_bare_string(text)


@pytest.mark.parametrize("text", ["", "a b", "a\\", "a\n", "a\xa0", "a\ufeff", *_UNFIT.split()])
def test_strings_that_need_quotes(text: str) -> None:
    assert not is_bare_string(text)
    assert not is_bare_key(text)


@pytest.mark.parametrize("text", ["a.b", "a@b", "a/b", "a+b"])
def test_a_key_needs_quotes_more_often_than_a_value(text: str) -> None:
    assert is_bare_string(text)
    assert not is_bare_key(text)


@pytest.mark.parametrize("text", ["a", "_", "x-y", "a1", "é", "inform"])
def test_keys_that_need_no_quotes(text: str) -> None:
    assert is_bare_key(text)


def test_quotes_and_the_five_escapes() -> None:
    assert quote('a"b\\c\nd\re\tf\0/\x1f€') == '"a\\"b\\\\c\\nd\\re\\tf\0/\x1f€"'
