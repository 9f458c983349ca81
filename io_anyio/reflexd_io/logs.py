"""Logs: what the daemon says of itself on stderr, and the request log's file, written beside the event loop.

Both have one form, plain or JSON, one line a record. Records wait in a queue for the thread that writes them; where
the disk or a full pipe holds it up they are dropped, and the log says how many, for an answer must never wait.
"""

import json
import logging
import os
import queue
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path

from reflexd_io import request_log
from reflexd_io.settings import Settings

WAITING = 10_000
"""Records that may wait to be written."""

_SHOWN = ("tenant", "path", "model", "http_status", "status", "ms", "exchange", "request_id")


class Unwritable(Exception):  # noqa: N818 - it says what the log's file is
    """The message says which, and why."""


@contextmanager
def written(settings: Settings) -> Iterator[None]:
    """Logs go where they should for as long as the body runs. Raises `Unwritable`."""
    formatter = Json() if settings.log_format == "json" else Plain()
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setLevel(settings.log_level.upper())
    stderr.setFormatter(formatter)
    handlers: list[logging.Handler] = [stderr]
    if settings.request_log is not None:
        handlers.append(_file(settings, settings.request_log, formatter))
        request_log.log.setLevel(logging.INFO)
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(WAITING)
    front = Waiting(waiting)
    listener = QueueListener(waiting, *handlers, respect_handler_level=True)
    root = logging.getLogger()
    root.setLevel(settings.log_level.upper())
    root.addHandler(front)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(front)
        listener.stop()
        for handler in handlers:
            handler.close()


def _file(settings: Settings, path: Path, formatter: logging.Formatter) -> "PrivateFile":
    """Raises `Unwritable`."""
    kept = settings.request_log_files - 1
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = PrivateFile(path, maxBytes=settings.request_log_bytes, backupCount=kept, encoding="utf-8")
    except OSError as error:
        raise Unwritable(f"request_log={str(path)!r} cannot be written: {error.strerror or error}") from error
    file.addFilter(lambda record: record.name == request_log.log.name)
    file.setFormatter(formatter)
    return file


class Waiting(QueueHandler):
    """Records on their way to the thread that writes them. They stay as they are: both ends are in one process."""

    def __init__(self, waiting: "queue.Queue[logging.LogRecord]") -> None:
        super().__init__(waiting)
        self._waiting = waiting
        self._dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            if self._dropped:
                message = "%d lines were dropped, since they could not be written in time"
                told = logging.LogRecord(__name__, logging.WARNING, "", 0, message, (self._dropped,), None)
                self._waiting.put_nowait(told)
                self._dropped = 0
            self._waiting.put_nowait(record)
        except queue.Full:
            self._dropped += 1


class PrivateFile(RotatingFileHandler):
    """Rotated by size, and only its owner can read it. A disk that takes nothing is told of once."""

    _failing = False

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        if not self._failing:
            self._failing = True
            print(f"the request log cannot be written: {sys.exc_info()[1]}", file=sys.stderr)  # noqa: T201


class Plain(logging.Formatter):
    """For people. What others named (models, paths) is shown without control characters."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        if fields is None:
            return super().format(record)
        record.message = " ".join(_word(name, fields[name]) for name in _SHOWN if name in fields)
        if "question" in fields:
            record.message += f" {json.dumps(fields['question'], ensure_ascii=False)}"
        record.asctime = self.formatTime(record)
        return self.formatMessage(record)


class Json(logging.Formatter):
    """For programs: one object a line."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told: dict[str, object] = {"time": at, "level": record.levelname.lower(), "message": record.getMessage()}
        fields = _fields(record)
        if fields is not None:
            told |= fields
        else:
            told["logger"] = record.name
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=True, default=str)


def _fields(record: logging.LogRecord) -> Mapping[str, object] | None:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, Mapping) else None


def _word(name: str, value: object) -> str:
    if name == "ms":
        return f"{value:.1f} ms" if isinstance(value, float) else f"{value} ms"
    return "".join(char if char.isprintable() and char != " " else "?" for char in str(value)) or "-"
