"""What a search means, and where one that means nothing is wrong."""

import pytest

from reflexd_core.finding import LONGEST, MOST, Misread, Term, Wanted, read_wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        ("  \n", None),
        ("centre div", Wanted((Term("centre"), Term("div")))),
        ('"sort a list"', Wanted((Term("sort a list"),))),
        ("flex* -grid", Wanted((Term("flex", is_prefix=True),), (Term("grid"),))),
        ('a -"b c"', Wanted((Term("a"),), (Term("b c"),))),
        ("list.sort() -x*", Wanted((Term("list.sort()"),), (Term("x", is_prefix=True),))),
        ("a - b -- c * !", Wanted((Term("a"), Term("b"), Term("c")))),
        ("sort()*", Wanted((Term("sort()"),))),
        ("col:x NEAR(a", Wanted((Term("col:x"), Term("NEAR(a")))),
        ('a "" b', Wanted((Term("a"), Term("b")))),
        ("日本語", Wanted((Term("日本語"),))),
    ],
)
def test_what_is_typed_is_read(text: str, wanted: Wanted | None) -> None:
    assert read_wanted(text) == wanted


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ('how "do I', 4, "never closed"),
        ('a -"b', 3, "never closed"),
        ("  -a", 2, "to be found"),
        ("-a -b", 0, "to be found"),
        ("  !? *", 2, "no letter or digit"),
        ("x" * (LONGEST + 1), LONGEST, "characters"),
        ("x " * (MOST + 1), 2 * MOST, "words"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(text: str, at: int, said: str) -> None:
    with pytest.raises(Misread, match=said) as raised:
        read_wanted(text)
    assert raised.value.at == at
