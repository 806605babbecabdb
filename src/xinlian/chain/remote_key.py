"""A chain key that is elsewhere: asked for signatures over the Web3Signer eth1 API.

Rules
1. The signer is known by its public key, so its address is known before it is asked. Every signature must recover to that
   address, else ``signer-answer``: a signer that holds another key cannot be mistaken for ours.
2. A signer that cannot be reached, does not answer in time or is busy is ``signer-down``, after ``attempts`` tries with growing
   pauses; nothing is lost, whoever sends tries again. What it refuses is ``signer-refused``.
3. Over a network the way is TLS, with a certificate of ours where the signer asks for one; plain HTTP only to this machine, or in
   development. Whoever can reach a signer can sign.
4. It is never asked for anything but the Keccak-256 of bytes that this node built.

Example::

    async with RemoteKey(SignerPlace("https://signer:9000", "0x04ab…")) as key:
        await key.check()

Source: Web3Signer, openapi-specs/eth1: ``POST /api/v1/eth1/sign/{identifier}`` takes ``{"data": "0x…"}``, signs its Keccak-256
and answers ``0x`` and 65 bytes r ‖ s ‖ v as text; 404 for a key it does not hold. The identifier is the uncompressed public key.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import coincurve
import orjson

from xinlian.chain.keys import SIGNATURE_BYTES, address_of, signed_by
from xinlian.protocol.errors import ChainError, ConfigError

_PATH = "/api/v1/eth1/sign/"
_BUSY = frozenset({429, 502, 503, 504})
_SIGNATURE = re.compile(rb'"?0x([0-9a-fA-F]{%d})"?\s*' % (2 * SIGNATURE_BYTES))
_MAX_ANSWER_BYTES = 1_000
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PROBE = b"xinlian: is this key there? "
"""Begins neither a transaction nor typed data, so its signature is good for nothing else."""


@dataclass(frozen=True, slots=True)
class SignerPlace:
    """Where a key is.

    Args:
        url: of the signer, http(s).
        identifier: its public key, hex: 64 bytes, or 65 with the prefix 04, or 33 compressed; with or without 0x.
        ca_file: certificates that the signer's must come from; None for the system's.
        certificate_file: our certificate, PEM, None when the signer asks for none.
        key_file: its key, PEM.
    """

    url: str
    identifier: str
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


class RemoteKey:
    """Asks one signer for signatures of one key.

    Args:
        place: where.
        development: allows plain HTTP over a network.
        timeout_s: for one HTTP exchange.
        attempts: tries per signature.

    Raises:
        ConfigError: signer-place for an URL, an identifier or a file that is none.
    """

    def __init__(self, place: SignerPlace, *, development: bool = False, timeout_s: float = 5.0, attempts: int = 3) -> None:
        public_key = _public_key(place.identifier)
        self._url = _checked_url(place.url, development=development) + _PATH + "0x" + public_key.hex()
        self._address = address_of(public_key)
        self._tls = _tls(place) if self._url.startswith("https://") else None
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._attempts = attempts
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"RemoteKey({self._address})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    @property
    def address(self) -> str:
        """Checksummed address."""
        return self._address

    async def sign(self, message: bytes) -> bytes:
        """Sign the Keccak-256 of a message.

        Raises:
            ChainError: signer-down, signer-refused, signer-answer.
        """
        signature = _signature(await self._ask(message))
        if signed_by(message, signature) != self._address:
            raise ChainError("signer-answer", f"the signer did not sign with the key of {self._address}", address=self._address)
        return signature

    async def check(self) -> None:
        """Make sure that the signer holds the key: it signs fresh random bytes.

        Raises:
            ChainError: as for ``sign``.
        """
        await self.sign(_PROBE + os.urandom(32))

    async def close(self) -> None:
        """Close the connections; the next signature opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, message: bytes) -> bytes:
        body = orjson.dumps({"data": "0x" + message.hex()})
        for attempt in count(1):
            try:
                return await self._post(body)
            except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
                if attempt >= self._attempts:
                    text = f"the signer of {self._address} cannot be reached ({type(error).__name__})"
                    raise ChainError("signer-down", text, address=self._address) from error
            await asyncio.sleep(min(0.1 * 2**attempt, 2.0))
        raise AssertionError("count() does not end")

    async def _post(self, body: bytes) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        headers = {"content-type": "application/json", "accept": "text/plain"}
        tls = True if self._tls is None else self._tls
        async with self._session.post(self._url, data=body, headers=headers, ssl=tls, allow_redirects=False) as response:
            if response.status in _BUSY:
                raise aiohttp.ClientConnectionError(f"status {response.status}")
            if response.status != 200:
                what = "does not hold the key" if response.status == 404 else f"refused with status {response.status}"
                raise ChainError(
                    "signer-refused", f"the signer of {self._address} {what}", address=self._address, status=response.status
                )
            return await _read_some(response.content)


async def _read_some(content: aiohttp.StreamReader) -> bytes:
    """The answer, or its beginning when it is too long for a signature."""
    answer = b""
    async for chunk in content.iter_any():
        answer += chunk
        if len(answer) > _MAX_ANSWER_BYTES:
            break
    return answer


def _signature(answer: bytes) -> bytes:
    found = _SIGNATURE.fullmatch(answer)
    if found is None:
        raise ChainError("signer-answer", "the signer did not answer with a signature: expected 0x and 65 bytes")
    return bytes.fromhex(found[1].decode())


def _public_key(identifier: str) -> bytes:
    try:
        given = bytes.fromhex(identifier.removeprefix("0x"))
        point = coincurve.PublicKey(b"\x04" + given if len(given) == 64 else given)
    except ValueError as error:
        expected = "a secp256k1 public key in hex"
        raise ConfigError("signer-place", "a signer's identifier is its public key in hex", expected=expected) from error
    return point.format(compressed=False)[1:]


def _checked_url(url: str, *, development: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ConfigError("signer-place", "a signer's URL starts with http:// or https://, names a host and has no query")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not development:
        raise ConfigError("signer-place", "a signer on another machine is reached over https://", expected="https://")
    return url.rstrip("/")


def _tls(place: SignerPlace) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=place.ca_file)
        if place.certificate_file is not None:
            context.load_cert_chain(place.certificate_file, place.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("signer-place", "a signer's certificate or key file cannot be read") from error
    return context
