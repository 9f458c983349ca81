"""Endpoints about tenants: which there are, their tokens, the provider keys that they have adopted."""

from typing import Any

from reflexd_io.control.endpoint import Asked, Endpoint
from reflexd_io.control_client.shapes import tenants as shapes
from reflexd_io.control_client.shapes.common import Done, Nothing
from reflexd_io.tenants.desk import Desk

_ALL = "/admin/tenants"
_ONE = "/admin/tenants/{tenant}"


def endpoints(desk: Desk) -> list[Endpoint[Any, Any]]:
    return [*_tenants(desk), *_tokens(desk), *_keys(desk)]


def _tenants(desk: Desk) -> list[Endpoint[Any, Any]]:
    async def listed(_: Asked[Nothing, Nothing]) -> shapes.Tenants:
        return await desk.list()

    async def add(asked: Asked[Nothing, shapes.NewTenant]) -> shapes.TenantRow:
        return await desk.add(asked.body.name)

    async def rename(asked: Asked[Nothing, shapes.Renamed]) -> shapes.TenantRow:
        return await desk.rename(asked.path["tenant"], asked.body.name)

    async def remove(asked: Asked[shapes.RemoveQuery, Nothing]) -> Done:
        message = await desk.remove(asked.path["tenant"], force=asked.query.force)
        return Done(message=message)

    async def use(asked: Asked[Nothing, shapes.TenantName]) -> shapes.Tenants:
        return await desk.use(asked.body.tenant)

    return [
        Endpoint(
            method="GET",
            path=_ALL,
            summary="Every tenant, anonymous ones included, with what it has stored and done.",
            run=listed,
            answer=shapes.Tenants,
            tag="tenants",
        ),
        Endpoint(
            method="POST",
            path=_ALL,
            summary="A new tenant.",
            run=add,
            body=shapes.NewTenant,
            answer=shapes.TenantRow,
            tag="tenants",
            problems=(409, 503),
        ),
        Endpoint(
            method="PATCH",
            path=_ONE,
            summary="Rename a tenant; its entries, tokens and keys stay its own.",
            run=rename,
            body=shapes.Renamed,
            answer=shapes.TenantRow,
            tag="tenants",
            problems=(404, 409, 503),
        ),
        Endpoint(
            method="DELETE",
            path=_ONE,
            summary="Remove a tenant with all that is stored for it. This cannot be undone.",
            run=remove,
            query=shapes.RemoveQuery,
            answer=Done,
            tag="tenants",
            problems=(404, 409, 503),
        ),
        Endpoint(
            method="PUT",
            path="/admin/active-tenant",
            summary="Switch the active tenant: requests without a key of their own are its from now on.",
            run=use,
            body=shapes.TenantName,
            answer=shapes.Tenants,
            tag="tenants",
            problems=(404, 503),
        ),
    ]


def _tokens(desk: Desk) -> list[Endpoint[Any, Any]]:
    async def listed(asked: Asked[Nothing, Nothing]) -> shapes.Tokens:
        return desk.tokens(asked.path["tenant"])

    async def issue(asked: Asked[Nothing, shapes.NewToken]) -> shapes.IssuedToken:
        given = asked.body
        return await desk.issue(asked.path["tenant"], called=given.name, expires_in=given.expires_in)

    async def revoke(asked: Asked[Nothing, Nothing]) -> Done:
        await desk.revoke(asked.path["tenant"], asked.path["token"])
        return Done(message="The token was revoked; no request with it is answered any more.")

    return [
        Endpoint(
            method="GET",
            path=f"{_ONE}/tokens",
            summary="A tenant's tokens, never the tokens themselves.",
            run=listed,
            answer=shapes.Tokens,
            tag="tenants",
            problems=(404,),
        ),
        Endpoint(
            method="POST",
            path=f"{_ONE}/tokens",
            summary="A new token, which is told this once.",
            run=issue,
            body=shapes.NewToken,
            answer=shapes.IssuedToken,
            tag="tenants",
            problems=(404, 409, 503),
        ),
        Endpoint(
            method="DELETE",
            path=f"{_ONE}/tokens/{{token}}",
            summary="Revoke a token, by its id or the name that only it has.",
            run=revoke,
            answer=Done,
            tag="tenants",
            problems=(404, 409, 503),
        ),
    ]


def _keys(desk: Desk) -> list[Endpoint[Any, Any]]:
    async def seen(_: Asked[Nothing, Nothing]) -> shapes.SeenKeys:
        return await desk.seen_keys()

    async def adopt(asked: Asked[Nothing, shapes.Adopt]) -> Done:
        await desk.adopt(asked.path["tenant"], asked.body.key)
        return Done(
            message="Requests with this key are the tenant's from now on; what was stored for it before stays."
        )

    async def give_up(asked: Asked[Nothing, Nothing]) -> Done:
        await desk.give_up(asked.path["tenant"], asked.path["key"])
        return Done(message="Requests with this key have a tenant of their own again, and find what was stored then.")

    return [
        Endpoint(
            method="GET",
            path="/admin/seen-keys",
            summary="Provider keys that clients brought, by the salted hashes that name them; never the keys.",
            run=seen,
            answer=shapes.SeenKeys,
            tag="tenants",
        ),
        Endpoint(
            method="POST",
            path=f"{_ONE}/adopted",
            summary="Let a tenant adopt a provider key: requests with it are the tenant's.",
            run=adopt,
            body=shapes.Adopt,
            answer=Done,
            tag="tenants",
            problems=(404, 409, 503),
        ),
        Endpoint(
            method="DELETE",
            path=f"{_ONE}/adopted/{{key}}",
            summary="Take an adoption back.",
            run=give_up,
            answer=Done,
            tag="tenants",
            problems=(404, 503),
        ),
    ]
