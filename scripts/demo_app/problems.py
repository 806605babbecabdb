"""What stops the demo: one exception with a message for a person."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot go on.

    Args:
        message: what is wrong and what helps.
        process: name of the process whose last log lines explain it, if one does.
    """

    def __init__(self, message: str, process: str | None = None) -> None:
        super().__init__(message)
        self.process = process


class Stopped(BaseException):
    """A signal asked the demo to end; not an error, so nothing but the clean-up may catch it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
