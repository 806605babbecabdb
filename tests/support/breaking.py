"""An address in front of a node that breaks connections after so many bytes.

Example: ``async with breaking(8700, 1_500_000, 0) as url: …``  # the first transfer breaks after 1.5 MB, the second at once
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_BLOCK = 65_536


@dataclass(slots=True)
class _Proxy:
    port: int
    left: list[int]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_node = await asyncio.open_connection("127.0.0.1", self.port)
        first = await reader.read(_BLOCK)
        is_transfer = first.startswith((b"PATCH", b"GET /api/v1/attachments/")) and b"/state" not in first
        limit = self.left.pop(0) if is_transfer and self.left else None
        is_get = first.startswith(b"GET")
        to_node.write(first)
        up = asyncio.create_task(_pump(reader, to_node, None if is_get else limit))
        down = asyncio.create_task(_pump(upstream, writer, limit if is_get else None))
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        if limit is not None and (down if is_get else up).done():
            await asyncio.sleep(0.1)  # what was sent arrives
            writer.transport.abort()
            to_node.transport.abort()
        elif not down.done():
            await asyncio.wait({down}, timeout=10)
        for task in (up, down):
            task.cancel()
            with suppress(BaseException):
                await task
        writer.close()
        to_node.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
    """Hand bytes on, at most ``limit`` of them."""
    sent = 0
    while block := await reader.read(_BLOCK):
        part = block if limit is None else block[: limit - sent]
        writer.write(part)
        await writer.drain()
        sent += len(part)
        if limit is not None and sent >= limit:
            return


@asynccontextmanager
async def breaking(port: int, *after_bytes: int) -> AsyncIterator[str]:
    """Serve in front of a node on this machine.

    Args:
        port: of the node.
        after_bytes: the n-th transfer of a file breaks after so many bytes; later ones do not.
    """
    proxy = _Proxy(port, list(after_bytes))
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
