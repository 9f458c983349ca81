"""Every endpoint of the control API against the document that describes it, with requests made from that document."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import get_args as members

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import positive_data_acceptance

from reflexd_core.dialects import BY_NAME
from reflexd_io.control_client.shapes.common import Dialect
from reflexd_io.runtime import Runtime
from support.asking import answer, chat, control, fetch
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

UNENDING = "/admin/events"
NOT_SAID = {
    "/admin/tenants/{tenant}/policy": "each setting has values of its own, told in words beside it",
    "/admin/tenants/{tenant}/upstreams": "which names and addresses are upstreams'",
    "/admin/tenants/{tenant}/tokens": "a name is of characters that can be shown",
    "/admin/keys/{tenant}/{upstream}": "a key is of characters that fit a header",
    "/admin/tenants": "no device of Windows is a tenant",
    "/admin/tenants/{tenant}": "no device of Windows is a tenant",
}
"""Where what fits the shapes may still be refused in words, since no schema says that."""


@schemathesis.serializer("application/jsonl")
def lines(_: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def reflex(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    with ScriptedUpstream().running() as upstream:
        upstream.answers(Reply(body=answer()))
        with daemon(settings_for(folder, upstream.url)) as running:
            yield running


def operations(reflex: Runtime) -> list[Any]:
    headers = {"Authorization": f"Bearer {reflex.admin_token}"}
    schema = schemathesis.openapi.from_url(f"{reflex.url}/admin/openapi.json", headers=headers)
    return [found.ok() for found in schema.get_all_operations()]


def exported(reflex: Runtime) -> list[str]:
    found = fetch(f"{reflex.url}/admin/export", Authorization=f"Bearer {reflex.admin_token}")[2]
    return found.decode().splitlines()


def said_in_full(case: Any) -> None:
    """Leave out what is judged by a syntax of its own, and say what no schema can demand."""
    for place in (case.query, case.body if isinstance(case.body, dict) else {}):
        for asked in (place, place.get("filter")):
            if isinstance(asked, dict):
                asked.pop("text", None)
        place.pop("cursor", None)
    if case.operation.path == "/admin/purge" and isinstance(case.body, dict):
        case.body["everything"] = True


def begun(case: Any, reflex: Runtime) -> Response:
    """The answer as far as it has come with its first piece, of a stream that has no end."""
    made = case.as_transport_kwargs(base_url=reflex.url)
    with requests.Session() as session:
        session.trust_env = False
        found = session.request(**made, stream=True, timeout=30)
        found._content = found.raw.read1() if found.status_code == 200 else found.content  # type: ignore[attr-defined]
        found.close()
    return Response.from_requests(found, verify=False)


OF_EXAMPLES = {"derandomize": True, "deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def ask(case: Any, reflex: Runtime, **checks: Any) -> None:
    headers = {"Authorization": f"Bearer {reflex.admin_token}"}
    if case.operation.path == UNENDING:
        case.headers = {**(case.headers or {}), **headers}
        case.validate_response(begun(case, reflex), **checks)
    else:
        case.call_and_validate(headers=headers, **checks)


def aimed(case: Any, there: dict[str, str]) -> None:
    """At what is there."""
    case.path_parameters.update({name: there[name] for name in case.path_parameters if name in there})


def keeps(operation: Any, reflex: Runtime) -> None:
    chat(reflex.url, f"so that there is something to look at by {operation.label}")
    entries = control(reflex, "/admin/entries?limit=1")["items"]  # none, once a purge or a pause was asked for
    there = {"tenant": "default", "entry": entries[0]["id"] if entries else "0" * 32}
    body = st.lists(st.sampled_from([*exported(reflex)[:3], "no line", "{}", ""])).map("\n".join)
    left_out = [positive_data_acceptance] if operation.path in NOT_SAID else []

    @given(case=operation.as_strategy(), is_there=st.booleans(), body=body)
    @settings(max_examples=8, **OF_EXAMPLES)
    def check(case: Any, is_there: bool, body: str) -> None:
        said_in_full(case)
        if is_there:
            aimed(case, there)
        if is_there and operation.path == "/admin/import":
            case.body = body
        ask(case, reflex, excluded_checks=left_out)

    check()


@pytest.mark.slow
# A library of its own that it asks whether strings are e-mail addresses says that it will change.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_endpoint_keeps_what_the_document_says(reflex: Runtime) -> None:
    """Statuses, content types and shapes are those it names, whatever is asked, and nothing is a fault of ours.

    What the shapes allow is accepted. Half the questions are asked of a tenant and an entry that are there.
    """
    asked = operations(reflex)
    for operation in asked:
        keeps(operation, reflex)
    assert {operation.path for operation in asked} == set(control(reflex, "/admin/openapi.json")["paths"])


def test_dialects_are_all_in_the_document() -> None:
    assert set(members(Dialect)) == set(BY_NAME)


@pytest.mark.parametrize("value", [b'"\xff"', b"[" * 10_000 + b"]" * 10_000], ids=["no UTF-8", "deep"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/admin/tenants", b'{"name": %s}'),
        ("PATCH", "/admin/tenants/default/policy", b'{"settings": {"portable": %s}}'),
        ("POST", "/dashboard/session", b'{"code": %s}'),
        ("POST", "/dashboard/session", b'{"code": "x", "more": %s}'),
    ],
)
def test_a_body_that_is_no_json_is_refused_in_words(
    reflex: Runtime, method: str, path: str, body: bytes, value: bytes
) -> None:
    import httpx2

    headers = {"Authorization": f"Bearer {reflex.admin_token}"}
    found = httpx2.request(method, reflex.url + path, headers=headers, content=body % value, trust_env=False)
    assert found.status_code in (400, 401)  # 401: a code that never was one
    assert found.json()["error"]["message"]


def test_nothing_is_answered_without_the_token(reflex: Runtime) -> None:
    import httpx2

    for operation in operations(reflex):
        path = operation.path.replace("{", "").replace("}", "")
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {reflex.admin_token}"}):
            found = httpx2.request(operation.method, reflex.url + path, headers=headers, trust_env=False)
            assert found.status_code == 401, operation.path
    assert control(reflex, "/admin/stats")["range"] == "today"
