"""``[[routes]]`` of config.toml: which upstream a model's requests go to."""

from collections.abc import Mapping
from typing import Any

from reflexd_core.dialects import BY_PATH
from reflexd_core.model_routes import ModelRoute
from reflexd_core.routing import Upstream
from reflexd_io.values import BadSetting, refuse_unknown

_DIALECTS = tuple(dict.fromkeys(dialect.name for dialect in BY_PATH.values()))


def read_routes(given: Any, upstreams: Mapping[str, Upstream]) -> tuple[ModelRoute, ...]:
    """In order. Raises `BadSetting`."""
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
        raise BadSetting("config.toml: routes: expected tables, each under [[routes]]")
    return tuple(_route(number, table, upstreams) for number, table in enumerate(given, 1))


def _route(number: int, table: Mapping[str, Any], upstreams: Mapping[str, Upstream]) -> ModelRoute:
    where = f"config.toml: routes, number {number}"
    refuse_unknown(where, table, {"model", "upstream", "dialect"})
    model, upstream, dialect = table.get("model"), table.get("upstream"), table.get("dialect")
    if not isinstance(model, str) or not model:
        raise BadSetting(f"{where}: model={model!r}: expected a pattern such as 'gpt-*'")
    if not isinstance(upstream, str) or upstream not in upstreams:
        known = ", ".join(sorted(upstreams))
        raise BadSetting(
            f"{where}: upstream={upstream!r}: no upstream of that name is configured; known are: {known}"
        )
    if dialect is not None and dialect not in _DIALECTS:
        raise BadSetting(f"{where}: dialect={dialect!r}: expected one of: {', '.join(_DIALECTS)}")
    return ModelRoute(model=model, upstream=upstream, dialect=dialect)
