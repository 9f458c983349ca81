"""The control client: how another process asks the running daemon, over loopback and with its admin token."""

import json
import urllib.error
import urllib.request
from typing import Any

from reflexd_io.runtime import Runtime

TIMEOUT = 10.0

Answer = dict[str, Any]
"""A JSON object, as the control API gives it."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""No proxy of the environment's can reach our loopback."""


class Refused(Exception):  # noqa: N818 - it says what the daemon has done
    """The daemon said no; the message is its own."""


def ask(running: Runtime, path: str, body: Answer | None = None, *, timeout: float = TIMEOUT) -> Answer:
    """What the daemon answers to a GET, or to a POST of ``body``.

    Raises `Refused`, or `OSError` where it does not answer.
    """
    request = urllib.request.Request(  # noqa: S310 - the address is the runtime file's, which only its owner can write
        running.url + path,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Authorization": f"Bearer {running.admin_token}", "Content-Type": "application/json"},
    )
    try:
        with _DIRECT.open(request, timeout=timeout) as answer:
            found: Answer = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(_said(error)) from error
    except ValueError as error:
        raise Refused(f"the daemon's answer cannot be read: {error}") from error


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the daemon answered {error.code}"
