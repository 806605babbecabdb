"""The two transports to a JSON-RPC node: asynchronous for the node, blocking for the verifier's command line.

Rules
1. Both ask the same ``questions`` and share every byte of coding (``jsonrpc``, ``wire``); they differ in the socket only.
2. A node that cannot be reached is ``rpc-down``, one that does not answer in time ``rpc-timeout``: after ``attempts`` tries
   with growing pauses, never for ever. Everything we ask may be asked twice (a repeated raw transaction is the same one).
3. Nothing connects before the first question.

Example::

    async with Rpc("http://127.0.0.1:8545") as rpc:
        await check_chain(rpc, chain_id=31337, genesis_hash="0x…")
        head = await rpc.ask(questions.head())
"""

from __future__ import annotations

import asyncio
import http.client
import time
from collections.abc import Sequence
from itertools import count
from types import TracebackType
from typing import Protocol, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp

from xinlian.chain import jsonrpc, questions
from xinlian.chain.questions import Question
from xinlian.protocol.errors import ChainError, ConfigError
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.manifest import Deployment

T = TypeVar("T")

_BUSY = frozenset({429, 502, 503, 504})
_HEADERS = {"content-type": "application/json"}
_BATCH = 100
"""Questions per HTTP request; public nodes refuse much larger batches."""


class AsksChain(Protocol):
    """What the rest of ``chain`` needs of a transport; tests hand in a scripted one."""

    async def ask(self, question: Question[T]) -> T:
        """The answer to one question."""
        ...

    async def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        """The answers to several questions, in their order."""
        ...


class BlockingAsksChain(Protocol):
    """The same for the blocking side."""

    def ask(self, question: Question[T]) -> T:
        """The answer to one question."""
        ...

    def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        """The answers to several questions, in their order."""
        ...


class _BusyError(Exception):
    """The node (or a proxy before it) asks us to come back."""


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError("rpc-url", "the RPC URL must start with http:// or https:// and name a host")
    return url


def _parts(asked: Sequence[Question[T]]) -> list[Sequence[Question[T]]]:
    return [asked[start : start + _BATCH] for start in range(0, len(asked), _BATCH)]


def _pause_s(attempt: int) -> float:
    return float(min(0.1 * 2**attempt, 2.0))


def _unanswered(cause: Exception) -> ChainError:
    if isinstance(cause, TimeoutError):  # aiohttp's own timeouts are TimeoutErrors, too
        return ChainError("rpc-timeout", "the chain's RPC node did not answer in time")
    return ChainError("rpc-down", f"the chain's RPC node cannot be reached ({type(cause).__name__})")


class Rpc:
    """Asynchronous JSON-RPC over HTTP with one kept-alive session.

    Args:
        url: http(s) URL; may hold credentials, so it never appears in messages.
        timeout_s: for one HTTP exchange.
        attempts: tries per question before rpc-down or rpc-timeout.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0, attempts: int = 3) -> None:
        self._url = _checked_url(url)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._attempts = attempts
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, question: Question[T]) -> T:
        """The answer to one question.

        Raises:
            ChainError: rpc-down, rpc-timeout, rpc-answer, rpc-refused, tx-reverted.
        """
        return (await self.ask_all([question]))[0]

    async def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        """The answers to several questions, in their order; one HTTP request per 100.

        Raises:
            ChainError: as for ``ask``; one bad answer fails all.
        """
        answers: list[T] = []
        for part in _parts(asked):
            answers.extend(jsonrpc.decode(await self._exchange(jsonrpc.encode(part)), part))
        return answers

    async def _exchange(self, body: bytes) -> bytes:
        for attempt in count():
            try:
                return await self._post(body)
            except (aiohttp.ClientError, OSError, _BusyError) as error:  # TimeoutError is an OSError
                if attempt + 1 >= self._attempts:
                    raise _unanswered(error) from error
            await asyncio.sleep(_pause_s(attempt))
        raise AssertionError("count() does not end")

    async def _post(self, body: bytes) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        async with self._session.post(self._url, data=body, headers=_HEADERS) as response:
            if response.status in _BUSY:
                raise _BusyError(response.status)
            return await response.read()


class BlockingRpc:
    """The same over ``http.client``, for command-line verification; not for use inside an event loop.

    Args:
        url: http(s) URL.
        timeout_s: for one HTTP exchange.
        attempts: tries per question.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0, attempts: int = 3) -> None:
        self._parts = urlsplit(_checked_url(url))
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """Close the connection; the next question opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, question: Question[T]) -> T:
        """The answer to one question.

        Raises:
            ChainError: rpc-down, rpc-timeout, rpc-answer, rpc-refused, tx-reverted.
        """
        return self.ask_all([question])[0]

    def ask_all(self, asked: Sequence[Question[T]]) -> list[T]:
        """The answers to several questions, in their order; one HTTP request per 100.

        Raises:
            ChainError: as for ``ask``; one bad answer fails all.
        """
        return [answer for part in _parts(asked) for answer in jsonrpc.decode(self._exchange(jsonrpc.encode(part)), part)]

    def _exchange(self, body: bytes) -> bytes:
        for attempt in count():
            try:
                return self._post(body)
            except (http.client.HTTPException, OSError, _BusyError) as error:
                self.close()
                if attempt + 1 >= self._attempts:
                    raise _unanswered(error) from error
            time.sleep(_pause_s(attempt))
        raise AssertionError("count() does not end")

    def _post(self, body: bytes) -> bytes:
        connection = self._connection or self._open()
        self._connection = connection
        path = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        connection.request("POST", path, body, _HEADERS)
        response = connection.getresponse()
        answer = response.read()
        if response.status in _BUSY:
            raise _BusyError(response.status)
        return answer

    def _open(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        return kind(self._parts.hostname or "", self._parts.port, timeout=self._timeout_s)


async def check_chain(rpc: AsksChain, chain_id: int, genesis_hash: str) -> None:
    """Make sure that the chain behind the URL is the one the manifest names.

    Raises:
        ChainError: chain-wrong, or the transport's errors.
    """
    found_id = await rpc.ask(questions.chain_id())
    if found_id != chain_id:
        raise ChainError("chain-wrong", f"chain id is {found_id}, expected {chain_id}", found=found_id, expected=chain_id)
    genesis = await rpc.ask(questions.block(0))
    if genesis.hash != genesis_hash.lower():
        raise ChainError(
            "chain-wrong", f"genesis is {genesis.hash}, expected {genesis_hash}", found=genesis.hash, expected=genesis_hash
        )


async def check_code(rpc: AsksChain, deployment: Deployment) -> None:
    """Make sure that exactly the code of the manifest stands at every contract's address.

    Raises:
        ChainError: code-missing naming the contract, or the transport's errors.
    """
    contracts = list(deployment.contracts.items())
    for (name, one), code in zip(
        contracts, await rpc.ask_all([questions.code(one.address) for _, one in contracts]), strict=True
    ):
        if "0x" + keccak256(code).hex() != one.code_hash:
            what = "other code than the manifest says" if code else "no code"
            raise ChainError("code-missing", f"{name}: there is {what} at {one.address}", contract=name, address=one.address)
