"""Texts at rest: sealed, found by digest and object, received ones unconfirmed until the chain shows them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.jobs import job
from xinlian.node.documents import Documents, brief
from xinlian.node.paging import Window
from xinlian.protocol.documents import make_document
from xinlian.protocol.errors import EvidenceError, InputError, NotFoundError, StoreError
from xinlian.store import documents as table
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

USCC = "12411599MBDEM00233"
REF = f"request {USCC}/20260924000001"
ANSWER = make_document("consent", REF, {"reason": "只有两个部门知道"}, os.urandom(32))


def use_case(store: Store, sealer: Sealer, now: int = 5) -> Documents:
    return Documents(store.node, sealer, os.urandom, lambda: now)


def test_a_text_is_sealed_and_opens_by_its_digest(store: Store, sealer: Sealer, tmp_path: Path) -> None:
    assert store.node.submit(job(table.put, sealer, ANSWER, None, 5)).result(5)
    assert not store.node.submit(job(table.put, sealer, ANSWER, None, 6)).result(5)
    store.node.checkpoint().result(5)
    raw = (tmp_path / "data" / "node.db").read_bytes()
    assert "只有两个部门知道".encode() not in raw
    assert ANSWER.salt not in raw
    assert use_case(store, sealer).opened(ANSWER.digest) == ANSWER
    with pytest.raises(NotFoundError) as missing:
        use_case(store, sealer).opened(bytes(32))
    assert missing.value.code == "document-unknown"
    with pytest.raises(StoreError) as other:
        use_case(store, Sealer(os.urandom(32), os.urandom)).opened(ANSWER.digest)
    assert other.value.code == "sealed-broken"


def test_a_text_that_was_exchanged_by_whoever_holds_the_key_is_found_out(store: Store, sealer: Sealer) -> None:
    digest = bytes(ANSWER.digest)
    forged = make_document("consent", REF, {"reason": "另一份"}, os.urandom(32))

    def exchange(tx: Transaction) -> None:
        table.put(tx, sealer, ANSWER, None, 5)
        sealed = sealer.seal(f"documents {digest.hex()}", forged.salt + forged.text)
        tx.run("UPDATE documents SET content_sealed = ? WHERE digest = ?", (sealed, digest))

    store.node.submit(exchange).result(5)
    with pytest.raises(EvidenceError) as caught:
        use_case(store, sealer).opened(digest)
    assert caught.value.code == "document-mismatch"


def test_a_received_text_counts_once_the_chain_shows_it(store: Store, sealer: Sealer) -> None:
    digest = bytes(ANSWER.digest)
    store.node.submit(job(table.put, sealer, ANSWER, USCC, 5)).result(5)
    documents = use_case(store, sealer)
    assert documents.info(digest)["state"] == "unconfirmed"
    with store.node.read() as reader:
        assert [one.digest for one in table.unconfirmed(reader)] == [digest]
    assert store.node.submit(job(table.confirm, digest, 9)).result(5)
    assert not store.node.submit(job(table.confirm, digest, 10)).result(5)
    assert documents.info(digest)["state"] == "confirmed"
    with store.node.read() as reader:
        assert table.by_digest(reader, digest).confirmed_at == 9
        assert table.unconfirmed(reader) == []
    with pytest.raises(NotFoundError) as missing:
        documents.info(bytes(32))
    assert missing.value.code == "document-unknown"


async def test_texts_are_listed_by_object_and_page(store: Store, sealer: Sealer) -> None:
    made = [await use_case(store, sealer, now).put("consent", REF, {"n": now}) for now in (3, 1, 1, 2)]
    await use_case(store, sealer).put("consent", f"department {USCC}", {"n": 0})
    documents, seen, window = use_case(store, sealer), list[str](), Window(1)
    while True:
        page = documents.page(window, REF)
        seen += [brief(one)["digest"] for one in page.items]
        if page.next is None:
            break
        window = Window(1, page.next)
    assert seen[2:] == [made[3].digest.hex(), made[0].digest.hex()]
    assert set(seen) == {one.digest.hex() for one in made}
    assert len(documents.page(Window(10), None).items) == 5


def test_a_text_of_a_known_form_is_checked_before_it_is_written(store: Store, sealer: Sealer) -> None:
    documents = use_case(store, sealer)
    with pytest.raises(InputError) as caught:
        documents.write("dispute", REF, {"request_no": "GX20260924000001", "claim": "请求协调"})
    assert caught.value.code == "facts-missing"
    good = documents.write("dispute", REF, {"request_no": "GX20260924000001", "claim": "请求协调", "facts": "x"})
    assert good.kind == "dispute"
    assert replace(good, salt=bytes(32)).digest != good.digest
