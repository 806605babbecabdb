"""What a node writes to its log: one JSON object a line on stderr.

Rules
1. Logs never hold payloads, salts, tokens or keys. The text of an unexpected exception may hold any of them, and so may the
   variables of its frames: of an exception only its type and the places in the code are written.
2. Logs of libraries pass through from WARNING on, in the same form and under the same rule.

Source: design 6 (Settings).
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

MAX_FRAMES = 20


def configure_logging(stream: TextIO = sys.stderr) -> None:
    """Set up structlog and the logs of libraries.

    Args:
        stream: where the lines go.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_texts,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LibraryLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def without_texts(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that replaces an exception by its type and places."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = places_of(error)
    return event


def places_of(error: BaseException) -> dict[str, Any]:
    """Type of an exception, and file, line and function of its innermost frames, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return {"type": type(error).__name__, "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]}


class LibraryLine(logging.Formatter):
    """A library's log record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; an exception's text, which libraries like to put into the message's end, is left out."""
        line: dict[str, Any] = {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = places_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)
