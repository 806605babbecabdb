"""Calls to a running node of the tests over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from tests.support.network import Running
from xinlian.node.people import NewUser, Role


@dataclass(frozen=True, slots=True)
class Reply:
    """What a node answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of a problem; a reply that is none fails here."""
        assert self.headers["Content-Type"] == "application/problem+json", (self.status, self.body[:300])
        code = self.json["code"]
        assert isinstance(code, str)
        return code

    def ok(self, status: int = 200) -> Any:
        """The JSON body of a reply that must have this status."""
        assert self.status == status, (self.status, self.body[:600])
        return orjson.loads(self.body) if self.body else None


class Client:
    """Calls one node with one token."""

    def __init__(self, session: ClientSession, url: str, token: str | None) -> None:
        self._session = session
        self.url = url
        self.token = token

    def with_token(self, token: str | None) -> Client:
        """The same node, another caller."""
        return Client(self._session, self.url, token)

    async def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: Any) -> Reply:
        """One call; ``body`` is what aiohttp takes (``json=``, ``data=``, ``params=``)."""
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        async with self._session.request(method, self.url + path, headers=sent, **body) as response:
            return Reply(response.status, response.headers.copy(), await response.read())

    async def get(self, path: str, **options: Any) -> Reply:
        """GET."""
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Reply:
        """POST."""
        return await self.call("POST", path, **options)

    async def send(self, path: str, data: bytes, media: str, **headers: str) -> Reply:
        """POST bytes with a media type."""
        return await self.call("POST", path, data=data, headers={"Content-Type": media, **headers})


@asynccontextmanager
async def client_of(running: Running) -> AsyncIterator[Client]:
    """A client of a node, as the person with every role."""
    connector = TCPConnector(force_close=True)  # a node that failed closes the connection, and a POST is not sent again
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=60)) as session:
        yield Client(session, running.url, running.token)


async def token_for(running: Running, *roles: Role) -> str:
    """A token of a fresh user with just these roles."""
    people = running.node.people
    number = len(people.all()) + 1
    person = await people.add(NewUser(f"T{number:04d}", f"测试人员{number}", "测试岗", frozenset(roles), 2_000_000_000))
    return await people.issue_token(person.id, 1)
