"""blob/1: the format byte by byte, every kind of damage, and writing that is broken off anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol.errors import StoreError
from xinlian.store import blobs
from xinlian.store.blobs import CHUNK_BYTES, STORED_BYTES, Appending, BlobStore, ChunkPlace, open_chunk, seal_chunk

KEY = bytes(range(32))
BLOB = bytes(range(16))
SIZES = [1, 2, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]


def content_of(size: int) -> bytes:
    """Content in which no two chunks are alike."""
    block = os.urandom(997)
    return (block * (size // 997 + 1))[:size]


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore.at(tmp_path / "blobs", os.urandom)


def written(store: BlobStore, content: bytes, blob: bytes = BLOB, key: bytes = KEY) -> bytes:
    with store.append(blob, key, offset=0, open_end=None) as appending:
        appending.take(content)
        appending.finish()
    return content


def read(store: BlobStore, size: int, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join(store.read(BLOB, KEY, size, start, size if stop is None else stop))


def test_a_chunk_is_prefix_ciphertext_tag_under_the_nonce_and_aad_of_the_document() -> None:
    stored = seal_chunk(KEY, ChunkPlace(BLOB, 5, blobs.LAST), b"content", lambda n: bytes([7]) * n)
    nonce = bytes([7]) * 7 + bytes.fromhex("0000000501")
    aad = b"xinlian blob/1" + BLOB + bytes.fromhex("0000000501")
    assert stored == bytes([7]) * 7 + AESGCM(KEY).encrypt(nonce, b"content", aad)
    assert stored.hex() == "07070707070707cb45909d962df724212db9eb84494e31eb7d95568c6f82"  # docs/attachments.md
    assert open_chunk(KEY, ChunkPlace(BLOB, 5, blobs.LAST), stored) == b"content"


@pytest.mark.parametrize("size", SIZES)
def test_content_comes_back_whole_and_by_range(store: BlobStore, size: int) -> None:
    content = written(store, content_of(size))
    assert store.path(BLOB).stat().st_size == blobs.stored_size(size)
    assert store.path(BLOB).stat().st_mode & 0o777 == 0o600
    assert read(store, size) == content
    for start, stop in ((0, 0), (0, 1), (size - 1, size), (size // 2, size), (size // 3, size // 2 + 1)):
        assert read(store, size, start, stop) == content[start:stop]


def test_no_run_of_the_content_stands_on_disk(store: BlobStore) -> None:
    content = written(store, b"plain text that nobody may find " * 50_000)
    assert b"plain text" not in store.path(BLOB).read_bytes()
    assert read(store, len(content)) == content


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def chunks_of(data: bytes) -> list[bytes]:
    return [data[i : i + STORED_BYTES] for i in range(0, len(data), STORED_BYTES)]


def test_a_flipped_bit_in_any_chunk_is_found_and_the_other_chunks_still_open(store: BlobStore) -> None:
    size = 2 * CHUNK_BYTES + 100
    content = written(store, content_of(size))
    path, good = store.path(BLOB), store.path(BLOB).read_bytes()
    for index, chunk in enumerate(chunks_of(good)):
        for position in (0, 6, 7, len(chunk) // 2, len(chunk) - 17, len(chunk) - 1):
            path.write_bytes(flipped(good, index * STORED_BYTES + position))
            with pytest.raises(StoreError) as broken:
                read(store, size)
            assert (broken.value.code, broken.value.fields["chunk"]) == ("sealed-broken", index)
        other = (index + 1) % 3 * CHUNK_BYTES
        assert read(store, size, other, other + 50) == content[other : other + 50]
    path.write_bytes(good)
    assert read(store, size) == content


def test_cut_reordered_swapped_or_lengthened_files_are_found(store: BlobStore) -> None:
    size = 3 * CHUNK_BYTES
    written(store, content_of(size))
    written(store, content_of(size), bytes(16))
    path, good = store.path(BLOB), store.path(BLOB).read_bytes()
    one, two, three = chunks_of(good)
    foreign = chunks_of(store.path(bytes(16)).read_bytes())
    for bad in (two + one + three, one + two + two, one + foreign[1] + three, one + three + three):
        path.write_bytes(bad)
        with pytest.raises(StoreError) as broken:
            read(store, size)
        assert broken.value.code == "sealed-broken"
    for bad in (one + two, good[:-1], good + b"\0", one + two + three + three, b""):
        path.write_bytes(bad)
        with pytest.raises(StoreError) as broken:
            read(store, size)
        assert broken.value.code == "sealed-broken"
    path.write_bytes(one + two)  # cut at a chunk's end, and the size is said to be that: the last chunk is not a last chunk
    with pytest.raises(StoreError) as broken:
        read(store, 2 * CHUNK_BYTES)
    assert broken.value.code == "sealed-broken"
    path.unlink()
    with pytest.raises(StoreError) as broken:
        read(store, size)
    assert broken.value.code == "store-io"


@pytest.mark.parametrize(("key", "blob"), [(bytes(32), BLOB), (KEY, bytes(16))])
def test_another_key_or_id_opens_nothing(store: BlobStore, key: bytes, blob: bytes) -> None:
    written(store, content_of(100))
    os.link(store.path(BLOB), store.directory / bytes(16).hex())
    with pytest.raises(StoreError) as broken:
        b"".join(store.read(blob, key, 100, 0, 100))
    assert broken.value.code == "sealed-broken"


def resumed(store: BlobStore, appending: Appending) -> Appending:
    """Close and go on, as after a stop."""
    appending.sync()
    offset, end = appending.offset, appending.open_end()
    appending.close()
    return store.append(BLOB, KEY, offset=offset, open_end=end)


@given(cuts=st.lists(st.integers(0, 2 * CHUNK_BYTES + 9), max_size=5))
def test_writing_may_be_broken_off_anywhere(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    store = BlobStore.at(tmp_path_factory.mktemp("b") / "blobs", os.urandom)
    content = content_of(2 * CHUNK_BYTES + 9)
    appending = store.append(BLOB, KEY, offset=0, open_end=None)
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(content)], strict=True):
        assert appending.offset == start
        appending.take(content[start:stop])
        appending = resumed(store, appending)
    appending.finish()
    appending.close()
    assert read(store, len(content)) == content


@pytest.mark.parametrize("size", [CHUNK_BYTES, 2 * CHUNK_BYTES])
def test_a_full_last_chunk_waits_in_the_open_end(store: BlobStore, size: int) -> None:
    content = content_of(size)
    with store.append(BLOB, KEY, offset=0, open_end=None) as appending:
        appending.take(content)
        end = appending.open_end()
    assert end is not None
    assert len(end) == STORED_BYTES
    assert store.path(BLOB).stat().st_size == size // CHUNK_BYTES * STORED_BYTES - STORED_BYTES
    with store.append(BLOB, KEY, offset=size, open_end=end) as appending:
        appending.finish()
        appending.finish()  # twice is once
    assert read(store, size) == content


def test_chunks_beyond_what_was_noted_are_written_again_under_a_new_nonce(store: BlobStore) -> None:
    first = content_of(2 * CHUNK_BYTES + 5)
    with store.append(BLOB, KEY, offset=0, open_end=None) as appending:
        appending.take(first)  # two chunks on disk, nothing noted: the node was killed
    before = store.path(BLOB).read_bytes()
    other = content_of(CHUNK_BYTES + 3)
    with store.append(BLOB, KEY, offset=0, open_end=None) as appending:
        appending.take(other)
        appending.finish()
    after = store.path(BLOB).read_bytes()
    assert before[:7] != after[:7]
    assert read(store, len(other)) == other


def test_an_offset_that_does_not_fit_its_open_end_is_refused(store: BlobStore) -> None:
    with store.append(BLOB, KEY, offset=0, open_end=None) as appending:
        appending.take(content_of(CHUNK_BYTES + 50))
        appending.sync()
        end = appending.open_end()
    for offset, open_end in ((CHUNK_BYTES + 49, end), (50, end), (CHUNK_BYTES + 50, None), (2 * CHUNK_BYTES + 50, end)):
        with pytest.raises(StoreError) as broken:
            store.append(BLOB, KEY, offset=offset, open_end=open_end)
        assert broken.value.code == "sealed-broken"
    store.path(BLOB).write_bytes(b"")  # what was acknowledged is gone
    with pytest.raises(StoreError) as broken:
        store.append(BLOB, KEY, offset=CHUNK_BYTES + 50, open_end=end)
    assert broken.value.code == "sealed-broken"


def test_a_stream_over_a_blob_seeks_and_reads_like_a_file(store: BlobStore) -> None:
    content = written(store, content_of(2 * CHUNK_BYTES + 77))
    stream = store.reader(BLOB, KEY, len(content))
    assert stream.seek(-10, os.SEEK_END) == len(content) - 10
    assert stream.read() == content[-10:]
    stream.seek(CHUNK_BYTES - 5)
    assert stream.read(5) + stream.read(7) == content[CHUNK_BYTES - 5 : CHUNK_BYTES + 7]
    assert stream.seek(10, os.SEEK_CUR) == stream.tell() == CHUNK_BYTES + 17
    assert stream.seek(10**12) == len(content)
    assert stream.read(1) == b""
    assert stream.seekable()


def test_present_and_delete(store: BlobStore) -> None:
    written(store, b"x")
    (store.directory / "other.txt").write_text("not a blob")
    assert store.present() == {BLOB}
    store.delete(BLOB)
    store.delete(BLOB)
    assert store.present() == set()
