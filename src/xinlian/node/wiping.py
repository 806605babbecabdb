"""Making what was deleted disappear from the files: the checkpoint that follows every erasure and disposal of a person's data."""

from __future__ import annotations

import asyncio

from xinlian.protocol.errors import StoreError
from xinlian.store.writer import Writer

TRIES = 50
PAUSE_S = 0.1


async def wipe(writer: Writer) -> None:
    """Empty the write-ahead log of a database, waiting for readers that still need it.

    Raises:
        StoreError: ``store-checkpoint-busy`` when a reader does not end in time; try again later.
    """
    for attempt in range(TRIES):
        try:
            await asyncio.wrap_future(writer.checkpoint())
        except StoreError as error:
            if error.code != "store-checkpoint-busy" or attempt + 1 == TRIES:
                raise
            await asyncio.sleep(PAUSE_S)
        else:
            return
