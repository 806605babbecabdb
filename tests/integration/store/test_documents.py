"""Texts at rest: sealed, found by digest and object, received ones unconfirmed until the chain shows them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.jobs import job
from xinlian.node.chain_state import ChainState
from xinlian.node.documents import Documents, Sides
from xinlian.node.paging import Window
from xinlian.protocol.documents import make_document
from xinlian.protocol.errors import EvidenceError, InputError, NotFoundError, StoreError
from xinlian.protocol.types import Uscc
from xinlian.store import documents as table
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

USCC, OTHER, THIRD = "12411599MBDEM00233", "11411599MBDEM00311", "11411599MBDEM0015B"
REF = f"request {USCC}/20260924000001"
ANSWER = make_document("consent", REF, {"reason": "只有两个部门知道"}, os.urandom(32))


@dataclass(frozen=True, slots=True)
class Fact:
    """An event as the projection reads it."""

    name: str
    args: dict[str, Any]
    block_number: int
    block_time: int


def use_case(
    store: Store, sealer: Sealer, now: int = 5, *, chain: ChainState | None = None, sides: Sides | None = None
) -> Documents:
    who = sides or Sides(Uscc(USCC), None)
    return Documents(who, store.node, sealer, os.urandom, lambda: now, chain or ChainState())


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


def shown(digest: bytes, number: int, at_s: int = 9) -> Fact:
    """An answer to a request of this department, with the digest of its text."""
    args = {"requester": USCC, "number": number, "provider": OTHER, "document": "0x" + digest.hex()}
    return Fact("ExtensionAsked", args, at_s, at_s)


def chain(*events: Fact) -> ChainState:
    """What the chain shows of texts."""
    state = ChainState()
    for event in events:
        state.documents.apply(event)
    return state


def test_a_received_text_counts_while_the_chain_shows_it_about_its_object(store: Store, sealer: Sealer) -> None:
    digest = bytes(ANSWER.digest)
    store.node.submit(job(table.put, sealer, ANSWER, OTHER, 5)).result(5)

    def state(*events: Fact) -> tuple[str, int | None]:
        info = use_case(store, sealer, chain=chain(*events)).info(digest)
        return info["state"], info["on_chain_at"]

    assert state() == ("unconfirmed", None)
    assert state(shown(digest, 20260924000002)) == ("unconfirmed", None)
    assert state(shown(bytes(ANSWER.salt), 20260924000001)) == ("unconfirmed", None)
    assert state(shown(digest, 20260924000001), shown(digest, 20260924000001, 20)) == ("confirmed", 9)
    with pytest.raises(NotFoundError) as missing:
        use_case(store, sealer).info(bytes(32))
    assert missing.value.code == "document-unknown"


def test_an_own_text_is_own_whatever_the_chain_shows(store: Store, sealer: Sealer) -> None:
    store.node.submit(job(table.put, sealer, ANSWER, None, 5)).result(5)
    state = chain(shown(bytes(ANSWER.digest), 20260924000001))
    info = use_case(store, sealer, chain=state).info(ANSWER.digest)
    assert (info["state"], info["on_chain_at"]) == ("own", 9)


def test_what_the_chain_shows_and_is_not_here_is_missing_for_who_takes_part(store: Store, sealer: Sealer) -> None:
    digest = bytes(ANSWER.digest)
    store.node.submit(job(table.put, sealer, ANSWER, OTHER, 5)).result(5)
    gone = [bytes([n]) * 32 for n in (3, 2, 1)]
    events = [shown(one, 20260924000001, at) for one, at in ((digest, 5), (gone[0], 6), (gone[1], 6), (gone[2], 5), (gone[2], 7))]
    foreign = Fact("DatasetReturned", {"owner": OTHER, "serial": 1, "version": 1, "document": "0x" + "ee" * 32}, 8, 8)
    known = chain(*events, foreign)

    def missing(sides: Sides, limit: int) -> list[str]:
        documents, found, window = use_case(store, sealer, chain=known, sides=sides), list[str](), Window(limit)
        while True:
            page = documents.missing(window)
            found += [one.digest.hex()[:2] for one in page.items]
            if page.next is None:
                return found
            window = Window(limit, page.next)

    assert missing(Sides(Uscc(USCC), None), 50) == missing(Sides(Uscc(USCC), None), 1) == ["01", "02", "03"]
    assert missing(Sides(Uscc(THIRD), None), 50) == []
    assert missing(Sides(Uscc(THIRD), Uscc(THIRD)), 2) == ["01", "02", "03", "ee"]


def test_the_last_texts_of_a_sender_are_found(store: Store, sealer: Sealer) -> None:
    made = [make_document("consent", REF, {"n": n}, os.urandom(32)) for n in range(4)]

    def keep(tx: Transaction) -> None:
        for number, document in enumerate(made):
            table.put(tx, sealer, document, OTHER if number != 2 else None, number)

    store.node.submit(keep).result(5)
    with store.node.read() as reader:
        last = table.newest_of(reader, OTHER, 2)
        assert table.newest_of(reader, THIRD, 2) == []
    assert [one.digest for one in last] == [bytes(made[3].digest), bytes(made[1].digest)]


async def test_texts_are_listed_by_object_and_page(store: Store, sealer: Sealer) -> None:
    made = [await use_case(store, sealer, now).put("consent", REF, {"n": now}) for now in (3, 1, 1, 2)]
    await use_case(store, sealer).put("consent", f"department {USCC}", {"n": 0})
    documents, seen, window = use_case(store, sealer), list[str](), Window(1)
    while True:
        page = documents.page(window, REF)
        seen += [documents.brief(one)["digest"] for one in page.items]
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
