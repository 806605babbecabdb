"""NDJSON as it arrives: cut into chunks of lines, or read into rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from xinlian.node.files import Limits, RowFault
from xinlian.node.sealing import parse_row
from xinlian.protocol.errors import InputError


async def line_chunks(blocks: AsyncIterator[bytes], size: int, max_line_bytes: int) -> AsyncIterator[tuple[int, bytes]]:
    """Cut a stream of bytes at line ends into chunks of about ``size`` lines.

    Yields:
        (number of the first line, from 1; the lines without the last line end).

    Raises:
        InputError: ``too-large`` when a line goes on for more than about ``max_line_bytes``.
    """
    held: list[bytes] = []
    count, first, since_end = 0, 1, 0
    async for block in blocks:
        held.append(block)
        count += block.count(b"\n")
        since_end = len(block) - block.rfind(b"\n") - 1 if b"\n" in block else since_end + len(block)
        if since_end > max_line_bytes:
            raise InputError("too-large", f"line {first + count} is longer than {max_line_bytes} bytes", limit=max_line_bytes)
        if count < size:
            continue
        joined = b"".join(held)
        whole, _, rest = joined.rpartition(b"\n")
        yield first, whole
        first += count
        held, count = [rest], 0
    last = b"".join(held).removesuffix(b"\n")
    if last.strip():
        yield first, last


async def parsed_lines(
    blocks: AsyncIterator[bytes], size: int, limits: Limits
) -> tuple[list[tuple[int, Mapping[str, object]]], list[RowFault]]:
    """The rows of an NDJSON stream, for datasets whose rows are looked at before they are sealed.

    Args:
        blocks: the body as it arrives, cut anywhere.
        size: lines taken up at once.
        limits: see ``Limits``.

    Returns:
        (line number, row) of every line that is one, and a fault for every other.

    Raises:
        InputError: ``too-large``.
    """
    rows: list[tuple[int, Mapping[str, object]]] = []
    faults: list[RowFault] = []
    async for first_row, lines in line_chunks(blocks, size, limits.max_line_bytes):
        for number, line in enumerate(lines.split(b"\n"), first_row):
            if number > limits.max_rows:
                raise InputError("too-large", f"more than {limits.max_rows} rows in one call", limit=limits.max_rows)
            if line.strip():
                try:
                    rows.append((number, parse_row(line, number)))
                except InputError as error:
                    faults.append(RowFault(number, "", "", error.message, "one JSON object", error.code))
    return rows, faults
