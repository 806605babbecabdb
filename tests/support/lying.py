"""An RPC node that lies: a proxy before a real one that alters what a test wants altered.

Example::

    with lying_node(chain.url, lambda method, params, result: {**result, "status": "0x0"} if … else result) as url: ...
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Alter = Callable[[str, list[Any], Any], Any]
"""(method, params, true result) → the result to tell."""


def _handler(upstream: str, alter: Alter) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = urllib.request.Request(upstream, body, {"content-type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as response:
                answer = json.loads(response.read())
            asked = json.loads(body)
            many = asked if isinstance(asked, list) else [asked]
            answers = {one["id"]: one for one in (answer if isinstance(answer, list) else [answer])}
            for one in many:
                if "result" in answers[one["id"]]:
                    true = answers[one["id"]]["result"]
                    answers[one["id"]]["result"] = alter(one["method"], one["params"], true)
            told = json.dumps(list(answers.values()) if isinstance(asked, list) else answers[asked["id"]]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Silence."""

    return Handler


@contextmanager
def lying_node(upstream: str, alter: Alter) -> Iterator[str]:
    """A proxy on a free port; gives its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream, alter))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
