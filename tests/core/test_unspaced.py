"""Scripts without spaces: cut letter by letter, had back whole, and nothing else touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.unspaced import APART, cut, joined


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("日本語", ["日", "本", "語"]),
        ("東京タワーの高さは333メートル", [*"東京タワーの高さは", "333", *"メートル"]),
        ("한국어를 배우다", [*"한국어를", " ", *"배우다"]),
        ("用Python写爬虫", ["用", "Python", "写", "爬", "虫"]),
        ("ｶﾅ々〇ㄅ𠮷", [*"ｶﾅ々〇ㄅ𠮷"]),
        ("日。本", ["日", "。", "本"]),
        ("ภาษาไทย", [*"ภาษาไทย"]),
        ("ພາສາ", [*"ພາສາ"]),
        ("မြန်မာ", [*"မြန်မာ"]),
        ("ខ្មែរ", [*"ខ្មែរ"]),
    ],
)
def test_each_letter_stands_apart(text: str, words: list[str]) -> None:
    assert [word for word in cut(text).split(APART) if word] == words


@pytest.mark.parametrize(
    "text",
    ["", "How do I centre a div?", "Grüße aus Zürich", "Ελλάδα, Россия, עברית, العربية, हिन्दी", "🙂 — “quoted”"],
)
def test_what_has_spaces_between_its_words_stays_as_it_is(text: str) -> None:
    assert cut(text) == text


@given(st.text(st.one_of(st.characters(), st.sampled_from("日本語のカ한a1 。"))))
def test_what_was_cut_is_had_back_and_is_not_much_longer(text: str) -> None:
    text = joined(text)
    assert joined(cut(text)) == text
    for end in range(len(text) + 1):
        assert len(cut(text[:end])) <= 2 * end + 1
