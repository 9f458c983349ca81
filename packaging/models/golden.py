"""Golden vectors: what the float32 models say to a few texts and pairs, which every backend is held to.

All of it goes to the tests; a little goes into the manifests, where a backend is checked against it before it serves.
"""

import json
from dataclasses import dataclass

import texts
from model import Embedder, Verifier
from tokenizers import Tokenizer

_TEXTS = 20
_PAIRS = 30
_CHECKED = 2


@dataclass(frozen=True, slots=True)
class Reference:
    texts: list[str]
    vectors: list[list[float]]
    pairs: list[tuple[str, str]]
    strict: list[float]
    loose: list[float]
    tags: list[list[float]]


def reference(embedder: Embedder, verifier: Verifier, tokenizer: Tokenizer) -> Reference:
    singles, pairs = texts.questions(_TEXTS), texts.pairs(_PAIRS)
    vectors = [embedder(*texts.single(tokenizer.encode(text)))[0].tolist() for text in singles]
    strict, loose, tags = [], [], []
    for first, second in pairs:
        outputs = verifier(*texts.couple(tokenizer.encode(first, second)))
        strict.append(outputs[0].item())
        loose.append(outputs[1].item())
        tags.append(outputs[2][0].tolist())
    return Reference(singles, vectors, pairs, strict, loose, tags)


def check(kind: str, found: Reference) -> list[dict[str, object]]:
    if kind == "embedder":
        return [
            {"a": text, "vector": _rounded(vector)}
            for text, vector in zip(found.texts[:_CHECKED], found.vectors, strict=False)
        ]
    return [
        {"a": a, "b": b, "strict": round(strict, 5), "loose": round(loose, 5)}
        for (a, b), strict, loose in zip(found.pairs[:_CHECKED], found.strict, found.loose, strict=False)
    ]


def as_json(found: Reference) -> str:
    """One text or pair a line, so that a change of the models reads as one."""
    embedded = [
        json.dumps({"text": text, "vector": _rounded(vector)})
        for text, vector in zip(found.texts, found.vectors, strict=True)
    ]
    judged = [
        json.dumps({"a": a, "b": b, "strict": round(strict, 5), "loose": round(loose, 5), "tags": _rounded(tags)})
        for (a, b), strict, loose, tags in zip(found.pairs, found.strict, found.loose, found.tags, strict=True)
    ]
    return '{"texts": [\n' + ",\n".join(embedded) + '\n], "pairs": [\n' + ",\n".join(judged) + "\n]}\n"


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 5) for value in values]
