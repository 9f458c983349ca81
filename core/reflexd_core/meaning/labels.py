"""A topic set before a question (``css: how to centre a div``) that the question names itself.

Only where it adds nothing: the same word stands in the question, or one that belongs to that topic alone. A closed
list; ``tailwind:`` before the same question is another question, and so is a label that says more than the rest.
"""

from reflexd_core.meaning.lexicon import word_set
from reflexd_core.meaning.names import NAMES

_MARK = ":"
_BELONG: dict[str, frozenset[str]] = {
    "css": word_set("div divs flexbox z-index"),
    "git": word_set("rebase cherry-pick git-stash"),
    "docker": word_set("dockerfile docker-compose"),
    "kubernetes": word_set("kubectl"),
    "npm": word_set("package.json"),
}
"""Words that belong to one topic alone."""


def without_label(words: list[str]) -> list[str]:
    """The question's words less a label that adds nothing; all of them where there is none."""
    if len(words) < 3 or len(words[0]) < 3 or not words[0].endswith(_MARK):
        return words
    topic = words[0][:-1].lower()
    if topic not in NAMES and topic not in _BELONG:
        return words
    rest = {word.strip(".,;:!?()").lower() for word in words[1:]}
    return words[1:] if topic in rest or not _BELONG.get(topic, frozenset()).isdisjoint(rest) else words
