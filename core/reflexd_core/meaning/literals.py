"""Literals: the parts of a question that must match exactly, whatever the rest means.

Code, paths, numbers, identifiers, URLs and quoted strings. They are compared as multisets, so ``sort a by b`` and
``sort b by a`` are told apart elsewhere (by the guards), but ``port 8080`` never equals ``port 8081``.
"""

import re

# Every repetition that can fail late is possessive or bounded: the text is anyone's, and 4,000 backticks in a row
# would take 14 seconds otherwise.
_FENCE = r"(?P<fence>(?<!`)`{3,}+|(?<!~)~{3,}+)[^\n]*+\n(?P<code>.*?)(?:(?P=fence)|\Z)"
_LITERAL = re.compile(
    "|".join(
        (
            _FENCE,
            r"`(?P<tick>[^`\n]+)`",
            r"(?P<url>\b[a-zA-Z][a-zA-Z0-9+.-]{0,30}+://[^\s<>\"'`]+[^\s<>\"'`.,;:!?)\]}])",
            r'"(?P<double>[^"\n]{1,400})"',
            r"“(?P<curly>[^”\n]{1,400})”",
            r"(?<![\w'])'(?P<single>[^'\n]{1,400})'(?!\w)",
            r"(?P<path>(?<![\w/])(?:~|\.{1,2})?(?:/[\w.@+-]+)+/?|\b[A-Za-z]:\\[^\s\"'`]+|\b[\w.-]{1,255}+(?:/[\w.-]+)+\b)",
            r"(?P<flag>(?<![\w-])--?[A-Za-z][\w-]*)",
            r"(?P<call>\b[A-Za-z_][\w.]{0,255}+\(\))",
            r"(?P<email>\b[\w.+-]{1,64}+@[\w-]++(?:\.[\w-]+)+)",
            r"(?P<number>(?<![\w.])[+-]?(?:0[xX][0-9a-fA-F]+|v?\d+(?:[.,:]\d+)*(?:[eE][+-]?\d+)?)(?:%|[A-Za-z]{1,3}\b)?)",
            r"(?P<dotted>\b[A-Za-z_]\w*(?:(?:\.|::|->)[A-Za-z_]\w*)+)",
            r"(?P<snake>\b\w*_\w+\b|\b_\w+\b)",
            r"(?P<camel>\b[a-z]+(?:[A-Z][a-z0-9]*)+\b|\b[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+\b)",
            r"(?P<constant>\b[A-Z][A-Z0-9]+_[A-Z0-9_]+\b)",
        )
    ),
    re.DOTALL,
)

_WINDOW = 65_536
"""Characters looked at; a longer question never fits a verifier's window and is not compared by meaning."""


def extract_literals(text: str) -> tuple[str, ...]:
    """All literals of ``text``, sorted, repeats kept; quotes and fences themselves taken off."""
    found = (_content(match) for match in _LITERAL.finditer(text[:_WINDOW]))
    return tuple(sorted(literal for literal in found if literal))


def _content(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "fence" or match.group("fence") is not None:
        return match.group("code").strip()
    return match.group(kind).strip() if kind is not None else ""
