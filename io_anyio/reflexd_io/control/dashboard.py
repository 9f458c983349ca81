"""The endpoint by which `reflexd dashboard` lets a browser in."""

from typing import Any

from reflexd_io.control.endpoint import Asked, Endpoint
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.control_client.shapes.dashboard import Code
from reflexd_io.dashboard.sessions import CODE_LIVES, Sessions


def endpoints(sessions: Sessions, address: str) -> list[Endpoint[Any, Any]]:
    async def code(_: Asked[Nothing, Nothing]) -> Code:
        made = sessions.code()
        return Code(code=made, lives=CODE_LIVES, url=f"{address}/dashboard#code={made}")

    return [
        Endpoint(
            method="POST",
            path="/admin/dashboard/code",
            summary="A code that the dashboard exchanges once for a session.",
            run=code,
            answer=Code,
            tag="dashboard",
        )
    ]
