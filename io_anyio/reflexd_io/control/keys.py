"""Endpoints about upstream keys: where each comes from, new ones, gone ones, and whether the provider takes it."""

from typing import Any

from reflexd_io import keyrings
from reflexd_io.control.endpoint import Asked, Endpoint, Problem
from reflexd_io.control_client.shapes.common import Done, Nothing
from reflexd_io.control_client.shapes.keys import KeyList, KeyQuery, KeyRow, KeyTest, NewKey
from reflexd_io.key_desk import KeyDesk
from reflexd_io.keyrings import KeyringFault
from reflexd_io.keys import Held, Source, how_to_give

_ONE = "/admin/keys/{tenant}/{upstream}"


def endpoints(desk: KeyDesk) -> list[Endpoint[Any, Any]]:
    async def listed(asked: Asked[KeyQuery, Nothing]) -> KeyList:
        tenant, held = await desk.list(asked.query.tenant)
        return KeyList(keyring=await desk.keyring(), items=[row(tenant.name, item) for item in held])

    async def put(asked: Asked[Nothing, NewKey]) -> KeyRow:
        try:
            held = await desk.set(asked.path["tenant"], asked.path["upstream"], asked.body.key)
        except KeyringFault as fault:
            raise problem(fault) from fault
        return row(asked.path["tenant"], held)

    async def remove(asked: Asked[Nothing, Nothing]) -> Done:
        try:
            had, held = await desk.remove(asked.path["tenant"], asked.path["upstream"])
        except KeyringFault as fault:
            raise problem(fault) from fault
        return Done(message=removed(asked.path["tenant"], held, had=had))

    async def changed(asked: Asked[Nothing, Nothing]) -> KeyRow:
        return row(asked.path["tenant"], await desk.changed(asked.path["tenant"], asked.path["upstream"]))

    async def test(asked: Asked[Nothing, Nothing]) -> KeyTest:
        found = await desk.test(asked.path["tenant"], asked.path["upstream"])
        if isinstance(found, Held):
            return KeyTest(ok=False, verdict="no key", message=how_to_give(asked.path["tenant"], found))
        return KeyTest(
            ok=found.verdict == "ok", verdict=found.verdict.value, http_status=found.status, message=found.said
        )

    return [
        Endpoint(
            method="GET",
            path="/admin/keys",
            summary="Every upstream of a tenant, and where its key comes from.",
            run=listed,
            query=KeyQuery,
            answer=KeyList,
            tag="keys",
            problems=(404,),
        ),
        Endpoint(
            method="PUT",
            path=_ONE,
            summary="Keep a key in the OS keyring.",
            run=put,
            body=NewKey,
            answer=KeyRow,
            tag="keys",
            problems=(404,),
        ),
        Endpoint(
            method="DELETE",
            path=_ONE,
            summary="Take a key out of the OS keyring.",
            run=remove,
            answer=Done,
            tag="keys",
            problems=(404,),
        ),
        Endpoint(
            method="POST",
            path=_ONE + "/changed",
            summary="Look into the keyring anew: somebody else has changed the key there.",
            run=changed,
            answer=KeyRow,
            tag="keys",
            problems=(404,),
        ),
        Endpoint(
            method="POST",
            path=_ONE + "/test",
            summary="Ask the provider whether it takes the key, by a call that costs nothing.",
            run=test,
            answer=KeyTest,
            tag="keys",
            problems=(404,),
        ),
    ]


def row(tenant: str, held: Held) -> KeyRow:
    """``tenant``: its name."""
    return KeyRow(
        tenant=tenant,
        entry=keyrings.entry(held.tenant, held.upstream.name),
        upstream=held.upstream.name,
        base_url=held.upstream.base_url,
        source=held.source.value,
        variable=held.upstream.key_env,
        hint=held.hint,
        problem=str(held.fault) if held.fault is not None else "",
    )


def removed(tenant: str, held: Held, *, had: bool) -> str:
    """What has become of a key, in words."""
    name = f"{held.upstream.name} of tenant {tenant}"
    said = f"The key for {name} was removed." if had else f"The keyring held no key for {name}."
    if held.source is Source.ENVIRONMENT:
        return f"{said} From now on the one in {held.upstream.key_env} is used."
    return said


def problem(fault: KeyringFault) -> Problem:
    return Problem(503, fault.code, f"{fault}.")
