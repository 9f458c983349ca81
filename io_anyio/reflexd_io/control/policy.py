"""Endpoints about what a tenant allows and where it goes: its policy and its upstreams."""

from typing import Any

from reflexd_io.control.endpoint import Asked, Endpoint
from reflexd_io.control_client.shapes import tenants as shapes
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.tenants.desk import Desk

_POLICY = "/admin/tenants/{tenant}/policy"
_UPSTREAMS = "/admin/tenants/{tenant}/upstreams"


def endpoints(desk: Desk) -> list[Endpoint[Any, Any]]:
    async def policy(asked: Asked[Nothing, Nothing]) -> shapes.TenantPolicy:
        return desk.policy(asked.path["tenant"])

    async def change_policy(asked: Asked[Nothing, shapes.PolicyChange]) -> shapes.TenantPolicy:
        return await desk.change_policy(asked.path["tenant"], asked.body.settings)

    async def upstreams(asked: Asked[Nothing, Nothing]) -> shapes.TenantUpstreams:
        return desk.upstreams(asked.path["tenant"])

    async def change_upstreams(asked: Asked[Nothing, shapes.UpstreamChange]) -> shapes.TenantUpstreams:
        given = asked.body
        return await desk.change_upstreams(asked.path["tenant"], given.upstreams, given.default)

    return [
        Endpoint(
            method="GET",
            path=_POLICY,
            summary="Each setting of a tenant's policy, where its value comes from, and what may stand there.",
            run=policy,
            answer=shapes.TenantPolicy,
            tag="tenants",
            problems=(404,),
        ),
        Endpoint(
            method="PATCH",
            path=_POLICY,
            summary="Change settings of a tenant's policy, all or none; null takes one back to what is inherited.",
            run=change_policy,
            body=shapes.PolicyChange,
            answer=shapes.TenantPolicy,
            tag="tenants",
            problems=(404, 503),
        ),
        Endpoint(
            method="GET",
            path=_UPSTREAMS,
            summary="The upstreams that a tenant's requests may go to.",
            run=upstreams,
            answer=shapes.TenantUpstreams,
            tag="tenants",
            problems=(404,),
        ),
        Endpoint(
            method="PATCH",
            path=_UPSTREAMS,
            summary="Give a tenant upstreams of its own, point others elsewhere, choose its default.",
            run=change_upstreams,
            body=shapes.UpstreamChange,
            answer=shapes.TenantUpstreams,
            tag="tenants",
            problems=(404, 503),
        ),
    ]
