"""The HTTP API of the nodes as the demo's people use it: one client per person, plain answers, honest errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx

from scripts.demo_app.problems import DemoError

_TIMEOUT_S: Final = 90.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body (JSON where it is JSON), bytes."""

    status: int
    body: Any
    content: bytes

    @property
    def code(self) -> str:
        """The stable code of a problem document, else ``http-<status>``."""
        code = self.body.get("code") if isinstance(self.body, dict) else None
        return str(code) if self.status >= 400 and code else f"http-{self.status}"

    @property
    def reason(self) -> str:
        """Code and sentence of a problem document."""
        detail = self.body.get("detail", "") if isinstance(self.body, dict) else ""
        return f"{self.code}: {detail}"


class ApiError(DemoError):
    """A call that should have worked did not."""

    def __init__(self, node: str, call: str, answer: Answer) -> None:
        super().__init__(f"{node}: {call} was answered with {answer.status} {answer.reason}", process=node)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Api:
    """One person at one node.

    Args:
        node: name of the node's process.
        url: base URL.
        token: bearer token; empty for public routes.
    """

    node: str
    url: str
    token: str = ""

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a call and return whatever comes.

        Raises:
            httpx.TransportError: when the node cannot be reached.
        """
        fields = {"authorization": f"Bearer {self.token}"} if self.token else {}
        fields |= dict(headers or {})
        raw = body if isinstance(body, bytes) else None
        sent = None if isinstance(body, bytes) else body
        reply = httpx.request(
            method, self.url + path, headers=fields, content=raw, json=sent, timeout=_TIMEOUT_S, trust_env=False
        )
        is_json = "json" in reply.headers.get("content-type", "")
        return Answer(reply.status_code, reply.json() if is_json else None, reply.content)

    def get(self, path: str) -> Any:
        """GET, and its JSON.

        Raises:
            ApiError: on any status from 400.
        """
        return self._need("GET", path, self.ask("GET", path)).body

    def get_bytes(self, path: str) -> bytes:
        """GET, and its bytes.

        Raises:
            ApiError: on any status from 400.
        """
        return self._need("GET", path, self.ask("GET", path)).content

    def post(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """POST, and the JSON of the answer.

        Raises:
            ApiError: on any status from 400.
        """
        return self._need("POST", path, self.ask("POST", path, body, headers)).body

    def _need(self, method: str, path: str, answer: Answer) -> Answer:
        if answer.status >= 400:
            raise ApiError(self.node, f"{method} {path.partition('?')[0]}", answer)
        return answer


def wait_for(what: str, look: Callable[[], T | None], timeout_s: float = 30.0, process: str | None = None) -> T:
    """Look again and again until something is there.

    Args:
        what: named when it does not come.
        look: returns None while it is not there; transport errors count as not there.
        timeout_s: seconds.
        process: whose log explains a failure.

    Raises:
        DemoError: after the timeout.
    """
    until = time.monotonic() + timeout_s
    while True:
        try:
            found = look()
        except httpx.TransportError:
            found = None
        if found is not None:
            return found
        if time.monotonic() > until:
            raise DemoError(f"waited {timeout_s:.0f} s in vain for {what}", process=process)
        time.sleep(0.2)
