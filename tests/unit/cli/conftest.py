"""A node made of answers: a real HTTP server on loopback that keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class StubNode:
    """Answers by (method, target without query), else 404 with a problem; ``asked`` keeps every request."""

    url: str = ""
    answers: dict[tuple[str, str], tuple[int, Any, dict[str, str]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    pages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    breaking: int = 0
    """So many next requests are read and never answered: the connection breaks."""
    races: int = 0
    """So many after those are told that the same call runs."""

    def answer(self, method: str, path: str, body: Any, status: int = 200, **headers: str) -> None:
        self.answers[method, path] = (status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    @property
    def last(self) -> Asked:
        return self.asked[-1]


class _Handler(BaseHTTPRequestHandler):
    node: StubNode

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.node.asked.append(Asked(self.command, self.path, headers, body))
        if self.node.breaking > 0:
            self.node.breaking -= 1
            self.close_connection = True
            return
        if self.node.races > 0:
            self.node.races -= 1
            self._tell(409, {"code": "idempotency-race", "detail": "it runs", "retryable": True}, {})
            return
        path = self.path.partition("?")[0]
        missing: tuple[int, Any, dict[str, str]] = (404, {"code": "route-unknown", "detail": "no such thing"}, {})
        pages = self.node.pages.get(path)
        if pages is not None:
            number = int(self.path.partition("cursor=")[2].partition("&")[0] or 0)
            missing = (200, pages[number], {})
        self._tell(*self.node.answers.get((self.command, path), missing))

    def _tell(self, status: int, answer: Any, extra: dict[str, str]) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **extra}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 (the base class's names)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def stub() -> Iterator[StubNode]:
    node = StubNode()
    handler = type("Handler", (_Handler,), {"node": node})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        node.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield node
        server.shutdown()
        thread.join()
