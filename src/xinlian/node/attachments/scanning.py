"""The malware hook: a command that reads the file on its standard input, or a clamd.

Rules
1. ``clean`` and ``infected`` are what the scanner said; everything else (no scanner, it does not answer, it fails, it did not
   read the whole file) is ``not-scanned``. Whether such a file may be published is a setting.
2. A command exits with 0 for clean and 1 for infected. Its arguments come from the settings and never from a file's name.
3. clamd is spoken to with INSTREAM over TCP or a Unix socket.
4. The content passes by in parts; nothing of it is logged.

Example: ``verdict = await scanner.scan(parts)``

Source: clamd(8), command INSTREAM.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

_log = structlog.get_logger(__name__)
_CLEAN, _INFECTED = 0, 1
_INSTREAM: Final = b"zINSTREAM\0"


class Verdict(StrEnum):
    """What a scan came to."""

    CLEAN = "clean"
    INFECTED = "infected"
    NOT_SCANNED = "not-scanned"


class Scanner(Protocol):
    """Looks through a file."""

    async def scan(self, parts: AsyncIterator[bytes]) -> Verdict:
        """Look through a file's content; never raises."""
        ...


class NoScanner:
    """No scanner is set up."""

    async def scan(self, parts: AsyncIterator[bytes]) -> Verdict:
        """Not scanned."""
        return Verdict.NOT_SCANNED


@dataclass(frozen=True, slots=True)
class CommandScanner:
    """A command on this machine.

    Args:
        argv: program and arguments; no shell.
        timeout_s: for the whole scan.
    """

    argv: Sequence[str]
    timeout_s: float

    async def scan(self, parts: AsyncIterator[bytes]) -> Verdict:
        """See ``Scanner.scan``."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._scan(parts)
        except (OSError, TimeoutError) as error:
            _log.warning("malware scanner failed", scanner="command", kind=type(error).__name__)
            return Verdict.NOT_SCANNED

    async def _scan(self, parts: AsyncIterator[bytes]) -> Verdict:
        nowhere = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*self.argv, stdin=asyncio.subprocess.PIPE, stdout=nowhere, stderr=nowhere)
        try:
            is_whole = await _fed(process, parts)
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code == _INFECTED:
            return Verdict.INFECTED
        if code == _CLEAN and is_whole:
            return Verdict.CLEAN
        _log.warning("malware scanner failed", scanner="command", exit_code=code, read_all=is_whole)
        return Verdict.NOT_SCANNED


async def _fed(process: asyncio.subprocess.Process, parts: AsyncIterator[bytes]) -> bool:
    """Hand a file to a process; False when the process stopped reading."""
    assert process.stdin is not None
    try:
        async for part in parts:
            process.stdin.write(part)
            await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class ClamdScanner:
    """A clamd.

    Args:
        address: ``tcp://host:port`` or ``unix:///path``.
        timeout_s: for the whole scan.
    """

    address: str
    timeout_s: float

    async def scan(self, parts: AsyncIterator[bytes]) -> Verdict:
        """See ``Scanner.scan``."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._scan(parts)
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError, ValueError) as error:
            _log.warning("malware scanner failed", scanner="clamd", kind=type(error).__name__)
            return Verdict.NOT_SCANNED

    async def _scan(self, parts: AsyncIterator[bytes]) -> Verdict:
        reader, writer = await self._connect()
        try:
            writer.write(_INSTREAM)
            async for part in parts:
                writer.write(len(part).to_bytes(4, "big") + part)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            reply = await reader.readuntil(b"\0")
        finally:
            writer.close()
        return _judged(reply)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.address)
        if parts.scheme == "unix":
            return await asyncio.open_unix_connection(parts.path)
        return await asyncio.open_connection(parts.hostname, parts.port)


def _judged(reply: bytes) -> Verdict:
    """A clamd's answer; the name it gives the find is not repeated anywhere."""
    text = reply.split(b"\0")[0].strip()
    if text == b"stream: OK":
        return Verdict.CLEAN
    if text.startswith(b"stream: ") and text.endswith(b" FOUND"):
        return Verdict.INFECTED
    _log.warning("malware scanner failed", scanner="clamd", kind="answer")
    return Verdict.NOT_SCANNED


def scanner_of(command: Sequence[str], clamd: str | None, timeout_s: float) -> Scanner:
    """The scanner that the settings name."""
    if command:
        return CommandScanner(tuple(command), timeout_s)
    return NoScanner() if clamd is None else ClamdScanner(clamd, timeout_s)
