"""The control API's frame: routes, errors, and the document that is made from them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from reflexd_io.control import openapi
from reflexd_io.control.endpoint import Asked, Endpoint, Problem
from reflexd_io.control_client import BlockingClient, Place, find
from reflexd_io.control_client.ask import NotThere, Refused, refusal
from reflexd_io.control_client.shapes.common import Done, Nothing, Wire
from support.daemon import daemon, settings_for


class Size(Wire, frozen=True, kw_only=True):
    size: int
    deep: bool = False


async def _do(_: Asked[Any, Any]) -> Done:
    return Done()


MEASURE = Endpoint(method="GET", path="/admin/things/{thing}", summary="Measure.", run=_do, query=Size, answer=Done)
MAKE = Endpoint(method="POST", path="/admin/things", summary="Make.", run=_do, body=Size, answer=Done, status=201)


def test_a_query_is_read_by_its_types() -> None:
    assert MEASURE.read_query("size=7&deep=true") == Size(size=7, deep=True)
    for text, said in (
        ("size=x", "size: expected a whole number, not text"),
        ("", "size is missing"),
        ("size=1&a=b", "a: nothing is called so here; known are: deep, size"),
        ("size=1&dep=b", "did you mean 'deep'?"),
    ):
        with pytest.raises(Problem, match=said) as problem:
            MEASURE.read_query(text)
        assert problem.value.status == 400


def test_the_document_says_what_is_taken_and_given() -> None:
    made = openapi.document([MEASURE, MAKE])
    measure = made["paths"]["/admin/things/{thing}"]["get"]
    assert [(given["name"], given["in"], given["required"]) for given in measure["parameters"]] == [
        ("thing", "path", True),
        ("size", "query", True),
        ("deep", "query", False),
    ]
    make = made["paths"]["/admin/things"]["post"]
    assert make["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Size"}
    assert {"201", "400", "401"} <= make["responses"].keys()
    assert made["components"]["schemas"]["Size"]["additionalProperties"] is False


def test_shapes_that_only_stand_in_queries_are_no_components() -> None:
    assert "Size" not in openapi.document([MEASURE])["components"]["schemas"]


def test_an_error_is_read_as_it_was_meant() -> None:
    told = refusal(400, b'{"error": {"code": "bad_query", "message": "no", "at": 3}}')
    assert (str(told), told.status, told.code, told.at) == ("no", 400, "bad_query", 3)
    assert str(refusal(502, b"<html>")) == "the daemon answered 502"


def test_where_no_daemon_runs_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="no Reflex daemon serves"):
        find(storage=tmp_path)
    with pytest.raises(ValueError, match="no address"):
        find(url="127.0.0.1:8080", token="x")
    with pytest.raises(NotThere, match="no daemon answers"):
        BlockingClient(Place("http://127.0.0.1:9", "x")).send("GET", "/admin/state")


def test_the_document_is_served(tmp_path: Path) -> None:
    with daemon(settings_for(tmp_path / "store", "http://127.0.0.1:9/v1")) as running:
        client = BlockingClient(Place(running.url, running.admin_token))
        status, body = client.send("GET", "/admin/openapi.json")
        assert status == 200
        assert "/admin/audits" in msgspec.json.decode(body)["paths"]
        with pytest.raises(Refused, match="admin token"):
            BlockingClient(Place(running.url, "guess")).do(_document())


def _document() -> Any:
    from reflexd_io.control_client.ask import Ask

    return Ask("GET", "/admin/openapi.json", Nothing)
