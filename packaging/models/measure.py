"""Figures: average precision, recall at a precision. Higher scores mean "the same"."""


def average_precision(scores: list[float], labels: list[int]) -> float:
    """The area under the precision-recall curve, as a sum over positives; ties count as one threshold."""
    total = sum(labels)
    if not total:
        return float("nan")
    area, hits, seen = 0.0, 0, 0
    for _, group in _by_score(scores, labels):
        gained = sum(group)
        hits, seen = hits + gained, seen + len(group)
        area += gained / total * hits / seen
    return area


def recall_at(scores: list[float], labels: list[int], precision: float) -> float:
    """The largest recall at which precision is still at least this."""
    best, hits, seen, total = 0.0, 0, 0, sum(labels)
    for _, group in _by_score(scores, labels):
        hits, seen = hits + sum(group), seen + len(group)
        if total and hits / seen >= precision:
            best = hits / total
    return best


def _by_score(scores: list[float], labels: list[int]) -> list[tuple[float, list[int]]]:
    grouped: dict[float, list[int]] = {}
    for score, label in zip(scores, labels, strict=True):
        grouped.setdefault(score, []).append(label)
    return sorted(grouped.items(), reverse=True)
