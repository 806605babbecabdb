"""HTTP to other departments' nodes: one pooled client, bounded retries of the same bytes, honest failures."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import orjson

from xinlian.protocol.errors import PeerError

ATTEMPTS = 3
MAX_ANSWER_BYTES = 24 << 20
_RETRIED = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: status, header fields by lower-case name, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def problem_code(self) -> str:
        """The stable code of a problem document, or ``peer-answer`` when it is none."""
        try:
            code = orjson.loads(self.body)["code"]
        except (ValueError, KeyError, TypeError):
            return "peer-answer"
        return code if isinstance(code, str) and len(code) <= 64 else "peer-answer"


class PeerClient:
    """The client.

    Args:
        timeout_s: for one exchange.
        development: allows plain HTTP; TLS 1.3 otherwise.
    """

    def __init__(self, timeout_s: float, *, development: bool) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._development = development
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, endpoint: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send sealed bytes; the same bytes again when the connection breaks.

        Raises:
            PeerError: ``peer-down``, ``peer-timeout``, ``peer-endpoint``, ``peer-answer``.
        """
        return await self._send("POST", endpoint, path, headers, body)

    async def get(self, endpoint: str, path: str) -> Reply:
        """Fetch public catalogue data.

        Raises:
            PeerError: as ``post``.
        """
        return await self._send("GET", endpoint, path, {}, None)

    async def _send(self, method: str, endpoint: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        url = self._url(endpoint, path)
        failure: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt > 0:
                await asyncio.sleep(0.3 * 2**attempt)
            try:
                reply = await self._once(method, url, headers, body)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                failure = error
                continue
            if reply.status not in _RETRIED:
                return reply
            failure = None
        if isinstance(failure, TimeoutError):
            raise PeerError("peer-timeout", "the other department's node did not answer in time") from failure
        if failure is not None:
            raise PeerError("peer-down", "the other department's node cannot be reached") from failure
        raise PeerError("peer-busy", "the other department's node is not able to answer now")

    def _url(self, endpoint: str, path: str) -> str:
        parts = urlsplit(endpoint)
        allowed = ("https", "http") if self._development else ("https",)
        if parts.scheme not in allowed or not parts.hostname:
            raise PeerError("peer-endpoint", f"the endpoint registered for the department is not {' or '.join(allowed)}")
        return endpoint.rstrip("/") + path

    async def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        async with self._session.request(method, url, headers=headers, data=body, allow_redirects=False) as response:
            content = await response.content.read(MAX_ANSWER_BYTES + 1)
            while len(content) <= MAX_ANSWER_BYTES and (more := await response.content.read(MAX_ANSWER_BYTES)):
                content += more
            if len(content) > MAX_ANSWER_BYTES:
                raise PeerError("peer-answer", "the other department's node sent more than an answer may have")
            fields = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, fields, content)
