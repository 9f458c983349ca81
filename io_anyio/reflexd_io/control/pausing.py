"""Endpoints that pause and resume caching, and choose what is compared; each tells the state that follows."""

from typing import Any

from reflexd_io.control.endpoint import Asked, Endpoint
from reflexd_io.control.state import StateDesk
from reflexd_io.control_client.shapes import tenants as shapes
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.tenants.desk import Desk


def endpoints(desk: Desk, state: StateDesk) -> list[Endpoint[Any, Any]]:
    async def pause(asked: Asked[Nothing, shapes.Pause]) -> shapes.State:
        await desk.pause(asked.body.tenant, asked.body.seconds)
        return await state.look()

    async def resume(asked: Asked[Nothing, shapes.Resume]) -> shapes.State:
        await desk.resume(asked.body.tenant)
        return await state.look()

    async def mode(asked: Asked[Nothing, shapes.Mode]) -> shapes.State:
        await desk.set_mode(asked.body.mode)
        return await state.look()

    return [
        Endpoint(
            method="POST",
            path="/admin/pause",
            summary="Pass everything through, or a tenant's requests alone, for some time or until somebody resumes.",
            run=pause,
            body=shapes.Pause,
            answer=shapes.State,
            tag="state",
            problems=(404, 503),
        ),
        Endpoint(
            method="POST",
            path="/admin/resume",
            summary="End a pause.",
            run=resume,
            body=shapes.Resume,
            answer=shapes.State,
            tag="state",
            problems=(404, 503),
        ),
        Endpoint(
            method="PUT",
            path="/admin/mode",
            summary="What is compared: as policies say, exact repeats only, or meaning watched and not served.",
            run=mode,
            body=shapes.Mode,
            answer=shapes.State,
            tag="state",
            problems=(503,),
        ),
    ]
