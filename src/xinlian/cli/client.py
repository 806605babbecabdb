"""A thin client of the node's HTTP API on the standard library.

Rules
1. No redirect is followed and no proxy is used: the token goes to the address that was named and nowhere else.
2. Every answer other than 2xx becomes ``RemoteError`` with the node's own code; a connection that fails is
   ``node-unreachable``.
3. Values go in bodies, never in paths or queries, except codes of datasets, cases and records.
4. A creating POST (``once``) carries an ``Idempotency-Key``, the caller's or a fresh one. When its connection breaks after it was
   sent it is sent again under the same key; when the answer still does not come, the problem names the key.

Example: ``client.get("/api/v1/datasets")["items"]``
"""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

from xinlian.cli.exit_codes import Exit, exit_of_problem
from xinlian.cli.output import Problem
from xinlian.protocol.errors import ConfigError

DEFAULT_URL = "http://127.0.0.1:8700"
PAGE = 200
"""Items a page; the most that a node gives."""

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Before each further attempt of a creating call."""


class RemoteError(Exception):
    """The node answered with a problem, not as agreed, or not at all.

    Args:
        problem: as shown to the caller.
        is_unsure: the request left, and its answer did not come: whether it was carried out is not known.
    """

    def __init__(self, problem: Problem, *, is_unsure: bool = False) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.is_unsure = is_unsure


@dataclass(frozen=True, slots=True)
class Body:
    """A request body: bytes or an open file, its media type, further headers."""

    content: bytes | BinaryIO
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: object, headers: Mapping[str, str] | None = None) -> Body:
        """A JSON body."""
        return cls(json.dumps(value, ensure_ascii=False).encode(), headers=headers or {})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers by lower-case name, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            RemoteError: ``node-answer``.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise RemoteError(_not_as_agreed("the node's answer is not JSON")) from error


@dataclass(frozen=True, slots=True)
class Client:
    """Calls one node.

    Args:
        scheme: http or https.
        host, port: of the node.
        base_path: in front of every path, without a slash at its end.
        token: bearer token, or None for public routes.
        timeout_s: for connecting and for each read.
        key: Idempotency-Key of the creating call, None for a fresh one.
    """

    scheme: str
    host: str
    port: int | None
    base_path: str
    token: str | None = field(repr=False)
    timeout_s: float = 120.0
    key: str | None = None

    @classmethod
    def create(cls, url: str, token_file: Path | None, token: str | None, timeout_s: float) -> Client:
        """A client from the settings.

        Args:
            url: http(s) address without user, query or fragment.
            token_file: its first line is the token; wins over ``token``.
            token: from the environment.
            timeout_s: seconds.

        Raises:
            ConfigError: ``url-form``, ``token-file``.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError("url-form", "the node's URL cannot be read", expected="http://host:port") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.query:
            raise ConfigError("url-form", "the node's URL must be http(s)://host[:port][/path]", expected="http://host:port")
        read = _read_token(token_file) if token_file is not None else _checked_token(token, "XINLIAN_TOKEN") if token else None
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), read, timeout_s)

    @property
    def sends_token_in_clear(self) -> bool:
        """True when a token leaves this machine without TLS."""
        return self.scheme == "http" and self.token is not None and self.host not in ("127.0.0.1", "localhost", "::1")

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """The JSON answer of a GET."""
        return self.call("GET", path, query=query).json()

    def post(self, path: str, value: object = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON answer of a POST with a JSON body."""
        return self.call("POST", path, Body.json({} if value is None else value, headers)).json()

    def once(self, path: str, body: Body) -> Reply:
        """A creating POST that must succeed, carried out once however often it is sent.

        Raises:
            RemoteError: as ``call``; when it may have been carried out, the problem holds the key to repeat it with.
        """
        key = self.key if self.key is not None else str(uuid.uuid4())
        keyed = replace(body, headers={**body.headers, "Idempotency-Key": key})
        start = 0 if isinstance(body.content, bytes) else body.content.tell()
        was_sent = False
        for pause_s in (*PAUSES_S, None):
            try:
                return self.call("POST", path, keyed)
            except RemoteError as error:
                was_sent = was_sent or error.is_unsure
                is_worth_it = was_sent and error.problem.code in ("node-unreachable", "idempotency-race")
                if pause_s is None or not is_worth_it or isinstance(error.__cause__, TimeoutError):
                    raise _with_key(error, key) if was_sent and error.problem.retryable else error from error.__cause__
            time.sleep(pause_s)
            if not isinstance(body.content, bytes):
                body.content.seek(start)
        raise AssertionError("the last attempt returns or raises")

    def items(
        self, path: str, query: Mapping[str, object] | None = None, limit: int | None = None, body: Body | None = None
    ) -> list[Any]:
        """All items of a paged list, or the first ``limit``; with a body it is a search."""
        found: list[Any] = []
        asked = {**(query or {}), "limit": PAGE if limit is None else min(limit, PAGE)}
        for item in self._paged(path, asked, body):
            found.append(item)
            if limit is not None and len(found) >= limit:
                break
        return found

    def _paged(self, path: str, query: dict[str, object], body: Body | None) -> Iterator[Any]:
        method = "GET" if body is None else "POST"
        while True:
            page = self.call(method, path, body, query).json()
            items = page.get("items") if isinstance(page, dict) else None
            if not isinstance(items, list):
                raise RemoteError(_not_as_agreed("the node's answer has no list of items"))
            yield from items
            cursor = page.get("next")
            if cursor is None or not items:
                return
            query = {**query, "cursor": cursor}

    def call(self, method: str, path: str, body: Body | None = None, query: Mapping[str, object] | None = None) -> Reply:
        """One call that must succeed.

        Args:
            method: HTTP method.
            path: from the root of the API, already quoted.
            body: None for none.
            query: None values are left out.

        Raises:
            RemoteError: the node's problem, ``node-unreachable`` or ``node-answer``.
        """
        reply = self.exchange(method, path, body, query)
        if not 200 <= reply.status < 300:
            raise RemoteError(problem_in(reply.status, reply.body))
        return reply

    def exchange(self, method: str, path: str, body: Body | None = None, query: Mapping[str, object] | None = None) -> Reply:
        """One call, whatever its status.

        Raises:
            RemoteError: ``node-unreachable`` or ``node-answer``.
        """
        connection = self._connected()
        try:
            connection.request(method, self._target(path, query), body.content if body else None, self._headers(body))
            response = connection.getresponse()
            content = response.read()
        except OSError as error:
            # A node that refuses a body early answers and closes; its answer is worth more than the broken pipe.
            early = None if isinstance(error, TimeoutError) else _early_answer(connection)
            if early is None:
                raise RemoteError(_unreachable(self, error), is_unsure=True) from error
            response, content = early
        except http.client.IncompleteRead as error:
            broken = ConnectionResetError(0, "the answer broke off")
            raise RemoteError(_unreachable(self, broken), is_unsure=True) from error
        except http.client.HTTPException as error:
            raise RemoteError(_not_as_agreed(f"the node's answer is not HTTP ({type(error).__name__})")) from error
        finally:
            connection.close()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def _connected(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=self.timeout_s)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise RemoteError(_unreachable(self, error)) from error
        return connection

    def _target(self, path: str, query: Mapping[str, object] | None) -> str:
        given = {name: _query_text(value) for name, value in (query or {}).items() if value is not None}
        return self.base_path + path + (f"?{urlencode(given)}" if given else "")

    def _headers(self, body: Body | None) -> dict[str, str]:
        headers = {"Accept": "application/json, */*"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = body.media_type
            headers.update(body.headers)
            if not isinstance(body.content, bytes):
                headers["Content-Length"] = str(_size(body.content))
        return headers


def segment(value: str) -> str:
    """A value as one segment of a path; the slash of a catalogue code becomes the API's dot."""
    quoted = quote(value.replace("/", "."), safe="")
    return quoted.replace(".", "%2E") if quoted.strip(".") == "" else quoted


def _size(stream: BinaryIO) -> int:
    start = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(start)
    return end - start


def _query_text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _read_token(path: Path) -> str:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("token-file", f"the token cannot be read from {path}", file=str(path)) from error
    return _checked_token(lines[0] if lines else "", str(path))


def _checked_token(text: str, where: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigError("token-file", f"{where} does not hold a token in its first line", where=where)
    return token


def _early_answer(connection: http.client.HTTPConnection) -> tuple[http.client.HTTPResponse, bytes] | None:
    if connection.sock is None:
        return None
    try:
        response = connection.getresponse()
        return response, response.read()
    except (OSError, http.client.HTTPException):
        return None


def _unreachable(client: Client, error: OSError) -> Problem:
    reason = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
    where = f"{client.scheme}://{client.host}" + (f":{client.port}" if client.port is not None else "")
    return Problem("node-unreachable", f"{where}: {reason}", Exit.UNREACHABLE, retryable=True)


def _with_key(error: RemoteError, key: str) -> RemoteError:
    """The error of a creating call that may have been carried out."""
    problem = error.problem
    message = f"{problem.message}; it may have been carried out: repeat it with --idempotency-key {key}"
    fields = {**problem.fields, "idempotency_key": key}
    return RemoteError(replace(problem, message=message, fields=fields), is_unsure=True)


def _not_as_agreed(message: str) -> Problem:
    return Problem("node-answer", message + "; is this the address of a node?", Exit.FAILED)


def problem_in(status: int, content: bytes) -> Problem:
    """The problem that an answer other than 2xx holds."""
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("code"), str):
        return _not_as_agreed(f"HTTP {status} without a problem document")
    code, retryable = document["code"], document.get("retryable") is True
    detail = document.get("detail")
    members = {name: value for name, value in document.items() if name not in ("code", "detail", "retryable")}
    message = detail if isinstance(detail, str) and detail else code
    return Problem(code, message, exit_of_problem(status, code, retryable=retryable), retryable, members)
