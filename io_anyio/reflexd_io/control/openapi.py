"""The OpenAPI 3.1 document of the control API, made from its endpoints."""

from collections.abc import Iterable
from typing import Any

import msgspec

from reflexd_core import __version__
from reflexd_io.control.endpoint import Endpoint
from reflexd_io.control_client.shapes.common import Nothing, Problem

Document = dict[str, Any]

_REF = "#/components/schemas/{name}"
_ALWAYS = {400: "It cannot be read.", 401: "The admin token is missing or wrong.", 403: "Not for this caller."}
_MORE = {
    404: "There is no such thing.",
    409: "It does not go with what is there.",
    413: "It is too large.",
    415: "Not this content type.",
    502: "The provider gave no answer.",
    503: "It cannot be done now.",
}


def document(endpoints: Iterable[Endpoint[Any, Any]]) -> Document:
    listed = list(endpoints)
    types: list[Any] = [Problem]
    for endpoint in listed:
        types += [kind for kind in (endpoint.query, endpoint.body, endpoint.answer) if kind is not None]
    unique = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    schema_of = dict(zip(unique, schemas, strict=True))
    paths: dict[str, Any] = {}
    for endpoint in listed:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Reflex control API",
            "version": __version__,
            "description": "What a person may look at and change while the daemon runs. The admin token is in the "
            "runtime file, which only the daemon's own user can read.",
        },
        "security": [{"admin": []}],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in _queries(listed)},
            "securitySchemes": {"admin": {"type": "http", "scheme": "bearer"}},
        },
    }


def _queries(endpoints: list[Endpoint[Any, Any]]) -> set[str]:
    """Names of shapes that stand in queries only, where each field is a parameter of its own."""
    elsewhere = {kind.__name__ for endpoint in endpoints for kind in (endpoint.body, endpoint.answer) if kind}
    return {endpoint.query.__name__ for endpoint in endpoints} - elsewhere


def _operation(endpoint: Endpoint[Any, Any], schema_of: dict[Any, Any], components: dict[str, Any]) -> Document:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _IN_PATHS.get(name, _IN_PATH)}
        for name in endpoint.parameters
    ]
    if endpoint.query is not Nothing:
        shape = components[endpoint.query.__name__]
        parameters += [
            {"name": name, "in": "query", "required": name in shape.get("required", []), "schema": schema}
            for name, schema in shape["properties"].items()
        ]
    operation: Document = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method.lower()}{endpoint.path.title().replace('/', '')}".translate(_NO_MARKS),
        "tags": [endpoint.tag or "control"],
        "parameters": parameters,
        "responses": _responses(endpoint, schema_of),
    }
    if endpoint.takes is not None:
        operation["requestBody"] = {"required": True, "content": {endpoint.takes: {"schema": {"type": "string"}}}}
    elif endpoint.body is not Nothing:
        content = {"application/json": {"schema": schema_of[endpoint.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


_IN_PATH: Document = {"type": "string", "minLength": 1}
_IN_PATHS: dict[str, Document] = {"entry": {"type": "string", "pattern": "^[0-9a-f]{32}$"}}
_NO_MARKS = str.maketrans("", "", "{}-_")


def _responses(endpoint: Endpoint[Any, Any], schema_of: dict[Any, Any]) -> Document:
    content = schema_of[endpoint.answer] if endpoint.answer is not None else {"type": "string"}
    told = {**_ALWAYS, **{status: _MORE[status] for status in (*endpoint.problems, 413, 503) if status in _MORE}}
    problem = {"application/json": {"schema": schema_of[Problem]}}
    return {
        str(endpoint.status): {"description": "Done.", "content": {endpoint.content_type: {"schema": content}}},
        **{str(status): {"description": words, "content": problem} for status, words in sorted(told.items())},
    }
