"""A signer for tests: the eth1 signing of Web3Signer as its OpenAPI file and handlers document it, over real HTTP.

``POST /api/v1/eth1/sign/{identifier}`` with ``{"data": "0x…"}`` → text ``0x`` r ‖ s ‖ v (27 or 28) over its Keccak-256;
404 for an unknown key, 400 for a bad body. Identifiers with or without 0x, in any case.

Example::

    async with signing_server({secret}) as signer:
        RemoteKey(SignerPlace(signer.url, signer.identifiers[0]))
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import coincurve
from aiohttp import web

from xinlian.chain.anvil import free_port
from xinlian.protocol.keccak import keccak256


@dataclass
class SigningServer:
    """Holds keys by public key; ``answer`` overrides what it says to a signing request, ``asked`` lists the data."""

    keys: dict[str, coincurve.PrivateKey]
    url: str = ""
    answer: web.Response | None = None
    asked: list[bytes] = field(default_factory=list)
    times: int = 0

    @property
    def identifiers(self) -> list[str]:
        """As its list of public keys shows them."""
        return ["0x" + key for key in self.keys]

    async def sign(self, request: web.Request) -> web.Response:
        """The signing request."""
        self.times += 1
        if self.answer is not None:
            override = self.answer
            return web.Response(status=override.status, body=override.body, headers=override.headers)
        key = self.keys.get(request.match_info["identifier"].lower().removeprefix("0x"))
        try:
            data = bytes.fromhex((await request.json())["data"].removeprefix("0x"))
        except (ValueError, KeyError, TypeError):
            return web.Response(status=400)
        if key is None:
            return web.Response(status=404)
        self.asked.append(data)
        made = key.sign_recoverable(keccak256(data), hasher=None)
        return web.Response(text="0x" + made[:64].hex() + f"{made[64] + 27:02x}")


@asynccontextmanager
async def signing_server(
    secrets: Iterable[bytes], *, port: int | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[SigningServer]:
    """Serve these keys on this machine."""
    keys = [coincurve.PrivateKey(secret) for secret in secrets]
    server = SigningServer({key.public_key.format(compressed=False)[1:].hex(): key for key in keys})
    app = web.Application()
    app.router.add_post("/api/v1/eth1/sign/{identifier}", server.sign)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port() if port is None else port
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    server.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
