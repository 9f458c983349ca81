"""Endpoints about answers to other wordings: "wrong", and what audits found."""

from typing import Any

from reflexd_io.control.endpoint import Asked, Endpoint
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.control_client.shapes.exchanges import AuditQuery, Audits, WrongOf, WrongPairing
from reflexd_io.feedback import Feedback


def endpoints(feedback: Feedback) -> list[Endpoint[Any, Any]]:
    async def wrong(asked: Asked[Nothing, WrongOf]) -> WrongPairing:
        return await feedback.wrong(asked.path["entry"], asked.body.exchange)

    async def not_wrong(asked: Asked[Nothing, WrongOf]) -> WrongPairing:
        return await feedback.not_wrong(asked.path["entry"], asked.body.exchange)

    async def audits(asked: Asked[AuditQuery, Nothing]) -> Audits:
        return await feedback.audits(asked.query.tenant)

    return [
        Endpoint(
            method="POST",
            path="/admin/entries/{entry}/wrong",
            summary="End a pairing whose answer was wrong; it is kept as a label.",
            run=wrong,
            body=WrongOf,
            answer=WrongPairing,
            tag="entries",
            problems=(404,),
        ),
        Endpoint(
            method="DELETE",
            path="/admin/entries/{entry}/wrong",
            summary="Take that back: the pairing is judged anew, and the label is gone.",
            run=not_wrong,
            body=WrongOf,
            answer=WrongPairing,
            tag="entries",
            problems=(404,),
        ),
        Endpoint(
            method="GET",
            path="/admin/audits",
            summary="How often hits by meaning proved right.",
            run=audits,
            query=AuditQuery,
            answer=Audits,
            tag="statistics",
            problems=(404,),
        ),
    ]
