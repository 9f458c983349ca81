"""Every endpoint of the control API against the document that describes it, with requests made from that document."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from reflexd_io.runtime import Runtime
from support.asking import answer, chat, control
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

UNENDING = "/admin/events"
OF_LINES = "/admin/import"
"""Takes JSON Lines, which schemathesis cannot make."""


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


@pytest.mark.slow
# A library of its own that it asks whether strings are e-mail addresses says that it will change.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_endpoint_keeps_what_the_document_says(reflex: Runtime) -> None:
    """Statuses, content types and shapes are those it names, whatever is asked, and nothing is a fault of ours.

    What the shapes allow may still be refused in words: they cannot say that a limit is 1 to 500.
    """
    headers = {"Authorization": f"Bearer {reflex.admin_token}"}
    checked = []
    for operation in operations(reflex):
        if operation.path in (UNENDING, OF_LINES):
            continue
        chat(reflex.url, "so that there is something to look at")

        @given(case=operation.as_strategy())
        @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def check(case: Any) -> None:
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

        check()
        checked.append(operation.path)
    assert {"/admin/stats", "/admin/entries", "/admin/purge", "/admin/tenants", "/cache/clear"} <= set(checked)


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
