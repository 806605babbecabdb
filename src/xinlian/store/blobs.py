"""Encrypted files on disk, ``blob/1``: written piece by piece, read by range, never in clear.

Rules
1. A blob is a file named by its random id (32 hex digits) in one directory. Its key is its own; destroying the key destroys it.
2. Content is cut into chunks of 1 MiB; the last one has 1 byte to 1 MiB. Chunk i stands at i · (1 MiB + 23) as
   prefix (7) || AES-256-GCM(chunk) || tag (16).
3. Nonce = prefix || i (4 bytes, big-endian) || kind; AAD = ``xinlian blob/1`` || id || i || kind. Kind: 0 more follow,
   1 the last, 2 the open end of a blob that is still being written. The prefix is drawn anew whenever a chunk is written, so that
   a chunk written again after a crash never meets its nonce again. A chunk altered, moved, swapped or from another blob does not
   open; a blob that was cut off has no last chunk.
4. The open end is never in the file: ``open_end`` gives it sealed, and the caller keeps it where it notes the offset. A chunk
   goes to the file once a byte follows it.
5. ``sync`` and ``finish`` return when the bytes, and the file's name, are on disk.

Example::

    with store.append(blob, key, offset=0, open_end=None) as appending:
        appending.take(b"%PDF-1.7 …")
        appending.finish()
    for part in store.read(blob, key, size, 0, size): …

Source: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015); AES-256-GCM, NIST SP 800-38D.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xinlian.protocol.errors import StoreError
from xinlian.store.sealing import Random

CHUNK_BYTES: Final = 1 << 20
PREFIX_BYTES: Final = 7
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = PREFIX_BYTES + TAG_BYTES
STORED_BYTES: Final = CHUNK_BYTES + OVERHEAD_BYTES
ID_BYTES: Final = 16
MORE, LAST, OPEN = 0, 1, 2
_LABEL: Final = b"xinlian blob/1"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Which chunk it is: blob id (16 bytes), index from 0, kind (``MORE``, ``LAST`` or ``OPEN``)."""

    blob: bytes
    index: int
    kind: int

    @property
    def counter(self) -> bytes:
        """The part of the nonce behind the prefix, 5 bytes."""
        return self.index.to_bytes(4, "big") + bytes((self.kind,))

    @property
    def aad(self) -> bytes:
        """What is bound to the chunk, 35 bytes."""
        return _LABEL + self.blob + self.counter


def seal_chunk(key: bytes, place: ChunkPlace, content: bytes, random: Random) -> bytes:
    """Encrypt one chunk.

    Args:
        key: of the blob, 32 bytes.
        place: which chunk.
        content: 1 byte to ``CHUNK_BYTES``.
        random: source of the prefix.

    Returns:
        ``OVERHEAD_BYTES`` more than the content.
    """
    prefix = random(PREFIX_BYTES)
    return prefix + AESGCM(key).encrypt(prefix + place.counter, content, place.aad)


def open_chunk(key: bytes, place: ChunkPlace, stored: bytes) -> bytes:
    """Undo ``seal_chunk``.

    Raises:
        StoreError: ``sealed-broken`` when the chunk was altered or belongs somewhere else.
    """
    try:
        return AESGCM(key).decrypt(stored[:PREFIX_BYTES] + place.counter, stored[PREFIX_BYTES:], place.aad)
    except (InvalidTag, ValueError) as error:
        raise StoreError("sealed-broken", f"chunk {place.index} of a stored file does not open", chunk=place.index) from error


def chunk_count(size: int) -> int:
    """Chunks of a blob of that many bytes of content."""
    return -(-size // CHUNK_BYTES)


def stored_size(size: int) -> int:
    """Bytes on disk of a blob of that many bytes of content."""
    return size + chunk_count(size) * OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class BlobStore:
    """The directory of blobs.

    Args:
        directory: exists, owned by this node alone.
        random: source of prefixes (``os.urandom`` outside tests).
    """

    directory: Path
    random: Random = field(repr=False)

    @classmethod
    def at(cls, directory: Path, random: Random) -> BlobStore:
        """Open (or create) the directory of blobs.

        Raises:
            StoreError: ``disk-full``, ``store-io``.
        """
        with _translated():
            directory.mkdir(mode=0o700, exist_ok=True)
            sync_directory(directory.parent)
        return cls(directory, random)

    def path(self, blob: bytes) -> Path:
        """Where a blob's file is."""
        return self.directory / blob.hex()

    def append(self, blob: bytes, key: bytes, *, offset: int, open_end: bytes | None) -> Appending:
        """Go on writing a blob.

        Args:
            blob: its id.
            key: its key, 32 bytes.
            offset: bytes of content it has, as noted by the caller.
            open_end: of the last ``Appending.open_end``; None at offset 0.

        Raises:
            StoreError: ``sealed-broken`` when offset and open end do not belong together or the file is shorter than that;
                ``disk-full``, ``store-io``.
        """
        return Appending(self, blob, key, offset, open_end)

    def read(self, blob: bytes, key: bytes, size: int, start: int, stop: int) -> Iterator[bytes]:
        """The content from ``start`` up to ``stop``, in parts of at most a chunk.

        Args:
            blob: its id.
            key: its key.
            size: bytes of its content.
            start: first byte, from 0.
            stop: byte behind the last, at most ``size``.

        Raises:
            StoreError: ``sealed-broken`` when the file is not what was written, ``store-io``.
        """
        last = chunk_count(size) - 1
        with self._opened(blob, size) as descriptor:
            position = start
            while position < stop:
                index = position // CHUNK_BYTES
                content = _read_chunk(descriptor, key, ChunkPlace(blob, index, LAST if index == last else MORE))
                first = position - index * CHUNK_BYTES
                part = content[first : first + stop - position]
                position += len(part)
                yield part

    def reader(self, blob: bytes, key: bytes, size: int) -> BlobReader:
        """The content as a seekable stream, a chunk in memory at a time."""
        return BlobReader(self, blob, key, size)

    @contextmanager
    def _opened(self, blob: bytes, size: int) -> Iterator[int]:
        with _translated():
            descriptor = os.open(self.path(blob), os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_size != stored_size(size):
                raise StoreError("sealed-broken", "a stored file does not have the length that was written")
            yield descriptor
        finally:
            os.close(descriptor)

    def delete(self, blob: bytes) -> None:
        """Remove a blob's file; one that is gone already is no error.

        Raises:
            StoreError: ``store-io``.
        """
        with _translated():
            self.path(blob).unlink(missing_ok=True)
            sync_directory(self.directory)

    def present(self) -> set[bytes]:
        """Ids of all blobs on disk; other names in the directory are not looked at."""
        found = set()
        for entry in self.directory.iterdir():
            if len(entry.name) == 2 * ID_BYTES and set(entry.name) <= set("0123456789abcdef"):
                found.add(bytes.fromhex(entry.name))
        return found


class Appending:
    """Writes one blob from its open end on; see ``BlobStore.append``. Holds at most two chunks in memory."""

    def __init__(self, store: BlobStore, blob: bytes, key: bytes, offset: int, open_end: bytes | None) -> None:
        self._store = store
        self._blob = blob
        self._key = key
        self._written = max(0, offset - 1) // CHUNK_BYTES
        self._held = bytearray()
        if open_end is not None:
            self._held += open_chunk(key, ChunkPlace(blob, self._written, OPEN), open_end)
        if self.offset != offset:
            raise StoreError("sealed-broken", "the noted end of a stored file is not that of its offset")
        self._descriptor = self._open()
        self._unsynced = False

    def _open(self) -> int:
        path = self._store.path(self._blob)
        with _translated():
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(descriptor).st_size < self._written * STORED_BYTES:
            os.close(descriptor)
            raise StoreError("sealed-broken", "a stored file is shorter than what was acknowledged")
        try:
            with _translated():
                sync_directory(self._store.directory)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    @property
    def offset(self) -> int:
        """Bytes of content taken in."""
        return self._written * CHUNK_BYTES + len(self._held)

    def take(self, block: bytes) -> None:
        """Append bytes; full chunks go to the file as soon as a byte follows them.

        Raises:
            StoreError: ``disk-full``, ``store-io``; what came before stays as it was.
        """
        self._held += block
        while len(self._held) > CHUNK_BYTES:
            self._put(MORE, bytes(self._held[:CHUNK_BYTES]))
            del self._held[:CHUNK_BYTES]
            self._written += 1

    def sync(self) -> None:
        """Return once every chunk that was written is on disk."""
        if self._unsynced:
            with _translated():
                os.fsync(self._descriptor)
            self._unsynced = False

    def open_end(self) -> bytes | None:
        """What does not stand in the file yet, sealed; None when there is nothing. Call ``sync`` before it is noted."""
        if not self._held:
            return None
        return seal_chunk(self._key, ChunkPlace(self._blob, self._written, OPEN), bytes(self._held), self._store.random)

    def finish(self) -> None:
        """Write the last chunk; the blob, of at least one byte, is complete and on disk. May be repeated.

        Raises:
            StoreError: ``disk-full``, ``store-io``.
        """
        self._put(LAST, bytes(self._held))
        with _translated():
            os.ftruncate(self._descriptor, stored_size(self.offset))
        self.sync()

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _put(self, kind: int, content: bytes) -> None:
        stored = memoryview(seal_chunk(self._key, ChunkPlace(self._blob, self._written, kind), content, self._store.random))
        position = self._written * STORED_BYTES
        self._unsynced = True
        with _translated():
            while stored:
                done = os.pwrite(self._descriptor, stored, position)
                stored, position = stored[done:], position + done


class BlobReader(io.RawIOBase):
    """A blob as a read-only seekable stream."""

    def __init__(self, store: BlobStore, blob: bytes, key: bytes, size: int) -> None:
        self._store, self._blob, self._key, self._size = store, blob, key, size
        self._position = 0
        self._kept: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position, from 0."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; positions are kept inside the content."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = min(max(0, base + offset), self._size)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer is handed in
        """Read up to the end of the chunk the position stands in."""
        if self._position >= self._size or len(buffer) == 0:
            return 0
        index = self._position // CHUNK_BYTES
        if self._kept[0] != index:
            stop = min((index + 1) * CHUNK_BYTES, self._size)
            self._kept = index, b"".join(self._store.read(self._blob, self._key, self._size, index * CHUNK_BYTES, stop))
        first = self._position - index * CHUNK_BYTES
        part = self._kept[1][first : first + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)


def _read_chunk(descriptor: int, key: bytes, place: ChunkPlace) -> bytes:
    with _translated():
        stored = os.pread(descriptor, STORED_BYTES, place.index * STORED_BYTES)
    return open_chunk(key, place, stored)


def sync_directory(directory: Path) -> None:
    """Return once the names in a directory are on disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError("disk-full", "the disk is full; nothing of this change was kept") from error
        raise StoreError("store-io", f"a stored file cannot be read or written: {error.strerror}") from error
