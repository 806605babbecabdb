"""The table of attachments and their keys: states, uses, tags, and what is left on disk after an end."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from xinlian.protocol.errors import ConflictError, NotFoundError, StoreError
from xinlian.store import attachments as table
from xinlian.store import blob_keys, erasures
from xinlian.store import records as records_table
from xinlian.store.attachments import COMPLETE, DESTROYING, RECEIVED, RECORD, REFUSED, UPLOADING, Attachment, Completed, Use
from xinlian.store.opening import Store
from xinlian.store.record_keys import Vault
from xinlian.store.sealing import Sealer

PDF = "application/pdf"
TAG = b"t" * 32
DIGEST = b"d" * 32


def new(**changes: object) -> Attachment:
    made = Attachment(os.urandom(16), "own", UPLOADING, PDF, "测试授权书.pdf", 100, 0, DIGEST, None, None, None, 7, 1_000, 1_000)
    return replace(made, **changes)  # type: ignore[arg-type]  # tests name real fields


def insert(store: Store, sealer: Sealer, made: Attachment) -> bytes:
    store.node.submit(lambda tx: table.insert(tx, sealer, made)).result()
    return made.id


def complete(store: Store, sealer: Sealer, blob: bytes, tag: bytes = TAG) -> None:
    found = Completed(100, DIGEST, tag, "clean")
    store.node.submit(lambda tx: table.complete(tx, sealer, blob, found, 2_000)).result()


def get(store: Store, sealer: Sealer, blob: bytes) -> Attachment:
    with store.node.read() as reader:
        return table.by_id(reader, sealer, blob)


def test_an_upload_is_kept_grows_and_completes(store: Store, sealer: Sealer) -> None:
    made = new()
    blob = insert(store, sealer, made)
    assert get(store, sealer, blob) == replace(made, number=1)
    store.node.submit(lambda tx: table.progress(tx, blob, 60, b"sealed end", 1_500)).result()
    with store.node.read() as reader:
        assert table.tail_of(reader, blob) == b"sealed end"
        assert table.unfinished_of(reader, 7) == 1
        assert table.unfinished_of(reader, 8) == 0
    complete(store, sealer, blob)
    found = get(store, sealer, blob)
    assert (found.state, found.taken, found.length, found.digest, found.scan) == (COMPLETE, 100, 100, DIGEST, "clean")
    assert found.expected is None
    with store.node.read() as reader:
        assert table.tail_of(reader, blob) is None
        assert table.unfinished_of(reader, 7) == 0


def test_names_and_digests_stand_nowhere_in_clear(store: Store, sealer: Sealer) -> None:
    blob = insert(store, sealer, new())
    complete(store, sealer, blob)
    with store.node.read() as reader:
        raw = repr(reader.fetch("SELECT * FROM attachments"))
    assert "授权书" not in raw
    assert "授权书".encode() not in raw.encode("latin-1", "replace")
    assert repr(DIGEST)[2:-1] not in raw


def test_what_is_not_an_upload_neither_grows_nor_completes(store: Store, sealer: Sealer) -> None:
    blob = insert(store, sealer, new())
    complete(store, sealer, blob)
    with pytest.raises(ConflictError) as refused:
        store.node.submit(lambda tx: table.progress(tx, blob, 5, None, 1)).result()
    assert refused.value.code == "attachment-state"
    with pytest.raises(ConflictError) as refused:
        complete(store, sealer, blob)
    assert refused.value.code == "attachment-state"
    store.node.submit(lambda tx: table.refuse(tx, blob, "attachment-type", 1)).result()
    assert get(store, sealer, blob).state == COMPLETE


def test_a_refused_upload_tells_why(store: Store, sealer: Sealer) -> None:
    blob = insert(store, sealer, new())
    store.node.submit(lambda tx: table.refuse(tx, blob, "attachment-infected", 9)).result()
    found = get(store, sealer, blob)
    assert (found.state, found.reason, found.touched_at) == (REFUSED, "attachment-infected", 9)


def test_a_length_is_noted_once(store: Store, sealer: Sealer) -> None:
    blob = insert(store, sealer, new(length=None))
    for length in (50, 60):
        store.node.submit(lambda tx, length=length: table.announce(tx, blob, length)).result()  # type: ignore[misc]
    assert get(store, sealer, blob).length == 50


def test_the_newest_complete_own_one_of_a_permitted_type_is_found_by_content(store: Store, sealer: Sealer) -> None:
    first, second = insert(store, sealer, new()), insert(store, sealer, new())
    for blob in (first, second, insert(store, sealer, new(origin=RECEIVED)), insert(store, sealer, new(media_type="image/png"))):
        complete(store, sealer, blob)
    insert(store, sealer, new())  # not complete
    with store.node.read() as reader:
        found = table.by_digest(reader, sealer, TAG, (PDF,))
        assert found is not None
        assert found.id == second
        assert table.by_digest(reader, sealer, TAG, ("image/tiff",)) is None
        assert table.by_digest(reader, sealer, b"x" * 32, (PDF,)) is None


def _record(store: Store, dataset_id: int, jti: bytes) -> int:
    row = (jti, 1, dataset_id, 1, None, os.urandom(32), b"sealed", "rec/1", 1)
    token = [("#key", 1, os.urandom(16))]
    return store.node.submit(lambda tx: records_table.insert_many(tx, [row], [token])).result()


def test_what_is_used_is_not_deleted_and_goes_with_its_last_record(store: Store, sealer: Sealer, dataset_id: int) -> None:
    blob = insert(store, sealer, new())
    with pytest.raises(ConflictError) as refused:
        store.node.submit(lambda tx: table.use(tx, blob, Use(RECORD, "1", "scan"))).result()
    assert refused.value.code == "attachment-state"  # it is not complete yet
    complete(store, sealer, blob)
    one, two = _record(store, dataset_id, bytes(16)), _record(store, dataset_id, b"\1" * 16)
    for position in (one, two):
        store.node.submit(lambda tx, p=position: table.use(tx, blob, Use(RECORD, str(p), "scan"))).result()  # type: ignore[misc]
        store.node.submit(lambda tx, p=position: table.use(tx, blob, Use(RECORD, str(p), "scan"))).result()  # type: ignore[misc]
    with pytest.raises(ConflictError) as refused:
        store.node.submit(lambda tx: table.refuse_used(tx, blob)).result()
    assert refused.value.code == "attachment-used"
    with store.node.read() as reader:
        assert table.used_by(reader, RECORD, str(one)) == table.used_by(reader, RECORD, str(two), "scan") == [blob]
        assert table.used_by(reader, RECORD, str(one), "other") == []
        assert len(table.uses_of(reader, blob)) == 2
    store.node.submit(lambda tx: erasures.intend(tx, one, 1, 1, 1)).result()
    with store.node.read() as reader:
        assert table.only_erased(reader, one) == []  # the second record still needs it
    store.node.submit(lambda tx: erasures.intend(tx, two, 1, 1, 1)).result()
    with store.node.read() as reader:
        assert table.only_erased(reader, one) == table.only_erased(reader, two) == [blob]
    store.node.submit(lambda tx: table.use(tx, blob, Use("correction", "x", "evidence"))).result()
    with store.node.read() as reader:
        assert table.only_erased(reader, one) == []


def test_destroying_hides_and_forgetting_removes(store: Store, sealer: Sealer) -> None:
    blob = insert(store, sealer, new())
    complete(store, sealer, blob)
    store.node.submit(lambda tx: table.use(tx, blob, Use("other", "x", "f"))).result()
    store.node.submit(lambda tx: table.begin_destroying(tx, [blob])).result()
    with pytest.raises(NotFoundError) as gone:
        get(store, sealer, blob)
    assert gone.value.code == "attachment-unknown"
    with store.node.read() as reader:
        assert table.page(reader, sealer, 0, 10) == []
        assert table.destroying(reader) == [blob]
        assert table.known(reader) == {blob: DESTROYING}
        assert table.by_digest(reader, sealer, TAG, (PDF,)) is None
    store.node.submit(lambda tx: table.forget(tx, [blob])).result()
    with store.node.read() as reader:
        assert table.known(reader) == {}
        assert table.uses_of(reader, blob) == []


def test_what_nobody_needs_is_found_by_state_and_age(store: Store, sealer: Sealer) -> None:
    old, young, used, received = (
        insert(store, sealer, made) for made in (new(), new(touched_at=5_000), new(), new(origin=RECEIVED))
    )
    assert set(_stale(store, {UPLOADING: 2_000})) == {old, used, received}
    for blob in (old, used, received):
        complete(store, sealer, blob)
    store.node.submit(lambda tx: table.use(tx, used, Use("other", "x", "f"))).result()
    assert _stale(store, {COMPLETE: 3_000}) == [old]
    assert _stale(store, {COMPLETE: 2_000}) == []
    assert _stale(store, {UPLOADING: 5_001}) == [young]


def _stale(store: Store, before: dict[str, int]) -> list[bytes]:
    with store.node.read() as reader:
        return table.stale(reader, before)


def test_pages_follow_the_order_of_beginning(store: Store, sealer: Sealer) -> None:
    blobs = [insert(store, sealer, new()) for _ in range(5)]
    with store.node.read() as reader:
        first = table.page(reader, sealer, 0, 3)
        rest = table.page(reader, sealer, first[-1].number, 3)
    assert [one.id for one in (*first, *rest)] == blobs


def test_a_key_is_bound_to_its_blob_and_destroyed_for_good(store: Store, vault: Vault) -> None:
    blob, other, key = os.urandom(16), os.urandom(16), os.urandom(32)
    store.keys.submit(lambda tx: blob_keys.put(tx, vault, blob, key)).result()
    with store.keys.read() as reader:
        assert blob_keys.get(reader, vault, blob) == key
        assert not blob_keys.is_destroyed(reader, blob)
        raw = reader.fetch("SELECT wrapped FROM blob_keys")[0][0]
    store.keys.submit(lambda tx: tx.run("INSERT INTO blob_keys (blob, kek, wrapped) VALUES (?, 1, ?)", (other, raw))).result()
    with store.keys.read() as reader, pytest.raises(StoreError) as broken:
        blob_keys.get(reader, vault, other)  # a wrapped key moved to another blob does not open
    assert broken.value.code == "sealed-broken"
    assert store.keys.submit(lambda tx: blob_keys.destroy(tx, [blob, blob, os.urandom(16)])).result() == 1
    store.keys.checkpoint().result()
    with store.keys.read() as reader, pytest.raises(NotFoundError) as gone:
        blob_keys.get(reader, vault, blob)
    assert gone.value.code == "record-key-missing"
    with pytest.raises(StoreError) as twice:
        store.keys.submit(lambda tx: blob_keys.put(tx, vault, blob, key)).result()
    assert twice.value.code == "store-constraint"


def test_keys_without_an_attachment_are_swept_once(store: Store, vault: Vault, sealer: Sealer) -> None:
    kept = insert(store, sealer, new())
    orphan = os.urandom(16)
    for blob in (kept, orphan):
        store.keys.submit(lambda tx, b=blob: blob_keys.put(tx, vault, b, os.urandom(32))).result()  # type: ignore[misc]
    assert blob_keys.sweep_orphans(store.keys, store.node) == 1
    assert blob_keys.sweep_orphans(store.keys, store.node) == 0
    with store.keys.read() as reader:
        assert blob_keys.is_destroyed(reader, orphan)
        assert not blob_keys.is_destroyed(reader, kept)
