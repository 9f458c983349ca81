"""Routing by model: which upstream a request goes to by the name of the model that it asks for.

Only where the tenant's own key is used: a client's credential goes to the upstream it belongs to, whatever it asks
for. First comes the dialect: one that is at home with a provider (Anthropic messages, Gemini, Ollama) is left there
unless a rule names it, since the others would not understand it; so is what only one provider's paths lead to. Then
the first rule whose pattern fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reflexd_core.routing import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRoute:
    model: str
    """A pattern as file names have them (``gpt-*``); letters of either case are the same."""
    upstream: str
    dialect: str | None = None
    """The only dialect that it is for; None: all that are at home nowhere."""


def upstream_for(routes: Sequence[ModelRoute], target: Target, model: str) -> str | None:
    """The upstream's name; None where no rule is for such a request."""
    dialect = target.dialect
    if dialect is None or target.native or not model:
        return None
    for route in routes:
        if route.dialect is None:
            meant = target.home is None
        else:
            meant = route.dialect == dialect.name and target.home == dialect.home
        if meant and fnmatchcase(model.lower(), route.model.lower()):
            return route.upstream
    return None
