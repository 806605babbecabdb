"""Datasets, people, idempotency, imports, exchange, case files, parked work, meta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.jobs import job
from xinlian.protocol.errors import AuthError, ConflictError, NotFoundError, StoreError
from xinlian.store import case_files, datasets, exchange, idempotency, imports, meta, parked, people, records
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

DATASET = datasets.StoredDataset(0, "12411599MBDEM00233/000001", 1, "GJJ-01", b"{}", bytes(32), "draft", 1)
CASE = "12411599MBDEM00233/CASE-1"


# -- datasets, meta ----------------------------------------------------------------------------------
def test_datasets_by_code_alias_and_version(store: Store) -> None:
    def work(tx: Transaction) -> None:
        for version in (1, 2):
            datasets.insert(tx, replace(DATASET, version=version))
        datasets.set_state(tx, datasets.by_code(tx, DATASET.code, 1).id, "published")

    store.node.submit(work).result(5)
    with store.node.read() as reader:
        assert datasets.by_code(reader, "GJJ-01").version == 2
        first = datasets.by_code(reader, DATASET.code, 1)
        assert first == replace(DATASET, id=first.id, state="published")
        assert datasets.by_id(reader, first.id) == first
        assert [d.version for d in datasets.versions(reader, DATASET.code)] == [1, 2]
        assert len(datasets.listing(reader)) == 2
        with pytest.raises(NotFoundError) as missing:
            datasets.by_code(reader, "GJJ-01", 3)
    assert missing.value.code == "dataset-unknown"


@pytest.mark.parametrize(
    ("again", "code"), [(DATASET, "dataset-exists"), (replace(DATASET, code="12411599MBDEM00233/000002"), "alias-taken")]
)
def test_a_dataset_version_and_an_alias_are_taken_once(store: Store, again: datasets.StoredDataset, code: str) -> None:
    store.node.submit(lambda tx: datasets.insert(tx, DATASET)).result(5)
    with pytest.raises(ConflictError) as caught:
        store.node.submit(lambda tx: datasets.insert(tx, again)).result(5)
    assert caught.value.code == code


def test_a_version_that_was_sent_back_gives_way_unless_records_are_of_it(store: Store) -> None:
    first = store.node.submit(lambda tx: datasets.insert(tx, DATASET)).result(5)
    other = replace(DATASET, alias="GJJ-09", schema=b'{"a":1}', schema_hash=b"\x01" * 32, state="proposed", created_at=9)
    store.node.submit(lambda tx: datasets.replace(tx, first.id, other)).result(5)
    with store.node.read() as reader:
        assert datasets.by_code(reader, DATASET.code, 1) == replace(other, id=first.id)
    taken = replace(DATASET, code="12411599MBDEM00233/000002", alias="GJJ-02")
    store.node.submit(lambda tx: datasets.insert(tx, taken)).result(5)
    with pytest.raises(ConflictError) as alias:
        store.node.submit(lambda tx: datasets.replace(tx, first.id, replace(other, alias="GJJ-02"))).result(5)
    assert alias.value.code == "alias-taken"
    row = (bytes(16), 1, first.id, 1, None, bytes(32), b"ct", "rec/1", 1)
    store.node.submit(lambda tx: records.insert_many(tx, [row])).result(5)
    with pytest.raises(ConflictError) as used:
        store.node.submit(lambda tx: datasets.replace(tx, first.id, DATASET)).result(5)
    assert used.value.code == "dataset-exists"


def test_meta_values_are_replaced_and_removed(store: Store) -> None:
    for value in ("1", "2"):
        store.node.submit(job(meta.put, "chain", value)).result(5)
    with store.node.read() as reader:
        assert (meta.get(reader, "chain"), meta.get(reader, "other")) == ("2", None)
    store.node.submit(lambda tx: meta.remove(tx, "chain")).result(5)
    with store.node.read() as reader:
        assert meta.get(reader, "chain") is None


# -- people ------------------------------------------------------------------------------------------
USER = people.User(0, "P-001", "测试丁", "科员", ("publish", "audit"), 1_000, 10, None)


def _user_with_token(tx: Transaction) -> people.User:
    user = people.insert(tx, USER)
    people.add_token(tx, "t0ken", people.TokenTerms(user.id, "laptop", 10, 500))
    return user


def test_a_token_stands_for_its_user_while_both_count(store: Store, tmp_path: Path) -> None:
    user = store.node.submit(_user_with_token).result(5)
    assert user.roles == ("audit", "publish")
    with store.node.read() as reader:
        assert people.user_of_token(reader, "t0ken", 499) == user
        assert people.by_person_id(reader, "P-001") == people.by_id(reader, user.id) == people.listing(reader)[0]
        for token, now_s in (("t0ken", 500), ("other", 20)):
            with pytest.raises(AuthError) as caught:
                people.user_of_token(reader, token, now_s)
            assert caught.value.code == "token-unknown"
    store.node.checkpoint().result(5)
    assert b"t0ken" not in (tmp_path / "data" / "node.db").read_bytes()


@pytest.mark.parametrize("how", ["revoke", "revoke-all", "disable", "expire"])
def test_a_token_ends_with_itself_or_its_user(store: Store, how: str) -> None:
    user = store.node.submit(_user_with_token).result(5)
    end = {
        "revoke": lambda tx: people.revoke_token(tx, "t0ken", 20),
        "revoke-all": lambda tx: people.revoke_tokens_of(tx, user.id, 20),
        "disable": lambda tx: people.disable(tx, user.id, 20),
        "expire": lambda tx: people.change(tx, user.id, post="处长", roles=["audit"], expires_at=30),
    }[how]
    store.node.submit(end).result(5)
    with store.node.read() as reader, pytest.raises(AuthError) as caught:
        people.user_of_token(reader, "t0ken", 30)
    assert caught.value.code == "token-unknown"
    with store.node.read() as reader:
        assert people.by_id(reader, user.id).is_active_at(30) == (how in ("revoke", "revoke-all"))


def test_a_person_is_a_user_once(store: Store) -> None:
    store.node.submit(lambda tx: people.insert(tx, USER)).result(5)
    with pytest.raises(ConflictError) as caught:
        store.node.submit(lambda tx: people.insert(tx, USER)).result(5)
    assert caught.value.code == "user-exists"
    with pytest.raises(NotFoundError) as missing:
        store.node.submit(lambda tx: people.change(tx, 99, post="", roles=[], expires_at=0)).result(5)
    assert missing.value.code == "user-unknown"


# -- idempotency, imports ----------------------------------------------------------------------------
def test_the_first_answer_is_kept_and_another_body_refused(store: Store, sealer: Sealer) -> None:
    slot = idempotency.Slot(1, "POST /records", "key", b"a" * 32)
    kept = idempotency.Kept(201, b'{"id": "x"}', 100)
    store.node.submit(lambda tx: idempotency.keep(tx, sealer, slot, kept)).result(5)
    with store.node.read() as reader:
        assert idempotency.find(reader, sealer, slot) == kept
        assert idempotency.find(reader, sealer, replace(slot, key="other")) is None
        assert idempotency.find(reader, sealer, replace(slot, user_id=2)) is None
        with pytest.raises(ConflictError) as caught:
            idempotency.find(reader, sealer, replace(slot, body_tag=b"b" * 32))
    assert caught.value.code == "idempotency-mismatch"
    with pytest.raises(StoreError) as twice:
        store.node.submit(lambda tx: idempotency.keep(tx, sealer, slot, kept)).result(5)
    assert twice.value.code == "store-constraint"
    assert store.node.submit(lambda tx: idempotency.forget_before(tx, 100)).result(5) == 0
    assert store.node.submit(lambda tx: idempotency.forget_before(tx, 101)).result(5) == 1


def test_an_open_request_notes_what_it_did_and_ends_once(store: Store, sealer: Sealer) -> None:
    slot = idempotency.Slot(1, "POST /grants", "key", b"a" * 32)

    def now(work: Callable[[Transaction], Any]) -> Any:
        return store.node.submit(work).result(5)

    def found() -> idempotency.Kept | None:
        with store.node.read() as reader:
            return idempotency.find(reader, sealer, slot)

    too_early: list[Callable[[Transaction], None]] = [
        lambda tx: idempotency.note(tx, sealer, slot, b"{}"),
        lambda tx: idempotency.finish(tx, sealer, slot, 201, b"{}"),
    ]
    for work in too_early:
        with pytest.raises(ConflictError) as caught:
            now(work)
        assert caught.value.code == "idempotency-race", "a request that was not begun"
    now(lambda tx: idempotency.begin(tx, slot, 100))
    assert found() == idempotency.Kept(idempotency.OPEN, None, 100)
    assert now(lambda tx: idempotency.release(tx, slot)) is True
    assert found() is None
    now(lambda tx: idempotency.begin(tx, slot, 100))
    now(lambda tx: idempotency.note(tx, sealer, slot, b'{"a": 1}'))
    assert now(lambda tx: idempotency.release(tx, slot)) is False, "something was done"
    assert found() == idempotency.Kept(idempotency.OPEN, b'{"a": 1}', 100)
    with pytest.raises(ConflictError) as mismatch, store.node.read() as reader:
        idempotency.find(reader, sealer, replace(slot, body_tag=b"b" * 32))
    assert mismatch.value.code == "idempotency-mismatch", "of an open request, too"
    now(lambda tx: idempotency.finish(tx, sealer, slot, 201, b'{"number": 7}'))
    assert found() == idempotency.Kept(201, b'{"number": 7}', 100)
    with pytest.raises(ConflictError):
        now(lambda tx: idempotency.finish(tx, sealer, slot, 201, b"{}"))
    assert now(lambda tx: idempotency.release(tx, slot)) is False


def test_a_file_is_imported_once_but_a_refused_one_again(store: Store, sealer: Sealer, dataset_id: int) -> None:
    def attempt(state: str) -> int:
        def work(tx: Transaction) -> int:
            import_id = imports.begin(tx, b"f" * 32, dataset_id, 1, 5)
            imports.put_rows(tx, sealer, import_id, [(2, None, b"[1]")])
            imports.finish(tx, sealer, import_id, imports.ImportEnd(state, 7, None, b"report"))
            return import_id

        return store.node.submit(work).result(5)

    attempt("refused")
    done = attempt("done")
    with store.node.read() as reader:
        expected = imports.Import(done, b"f" * 32, dataset_id, "done", 7, None, None, b"report", 1, 5)
        assert imports.by_id(reader, sealer, done) == expected
        assert imports.rows_of(reader, sealer, done) == [(2, None, b"[1]")]
        with pytest.raises(NotFoundError) as missing:
            imports.by_id(reader, sealer, done + 1)
    assert missing.value.code == "record-unknown"
    with pytest.raises(ConflictError) as caught:
        attempt("done")
    assert (caught.value.code, caught.value.fields) == ("import-exists", {"import_id": done})


# -- exchange ----------------------------------------------------------------------------------------
OUT = exchange.Outgoing("rid-1", "P", "query", "P/1", CASE, "attempted", b"q" * 32, None, None, 10, None, 1)
IN = exchange.Incoming("rid-1", "R", b"q" * 32, 200, b"sealed", "{}", b"a" * 32, 10)


def test_a_request_is_attempted_once_and_ends_once(store: Store) -> None:
    store.node.submit(lambda tx: exchange.attempt(tx, OUT)).result(5)
    with pytest.raises(ConflictError) as caught:
        store.node.submit(lambda tx: exchange.attempt(tx, OUT)).result(5)
    assert caught.value.code == "rid-exists"
    with store.node.read() as reader:
        assert exchange.outgoing_in(reader, "attempted") == [OUT]
    silent, received = exchange.Ending("no-answer", 20, None, "peer-down"), exchange.Ending("received", 30, b"a" * 32)
    store.node.submit(lambda tx: exchange.finish(tx, "rid-1", silent)).result(5)
    store.node.submit(lambda tx: exchange.finish(tx, "rid-1", received)).result(5)
    with pytest.raises(NotFoundError) as ended:
        store.node.submit(lambda tx: exchange.finish(tx, "rid-1", silent)).result(5)
    assert ended.value.code == "record-unknown"
    with store.node.read() as reader:
        assert exchange.outgoing_of_case(reader, CASE) == [exchange.outgoing(reader, "rid-1")]
        assert exchange.outgoing(reader, "rid-1") == replace(OUT, state="received", finished_at=30, answer_digest=b"a" * 32)
        assert exchange.outgoing(reader, "rid-2") is None


def test_the_same_request_gets_the_same_answer_and_another_a_conflict(store: Store) -> None:
    store.node.submit(lambda tx: exchange.keep_answer(tx, IN)).result(5)
    with store.node.read() as reader:
        assert exchange.answered(reader, "rid-1", "R", b"q" * 32) == IN
        assert exchange.answered(reader, "rid-2", "R", b"q" * 32) is None
        for requester, digest in (("R", b"x" * 32), ("someone else", b"q" * 32)):
            with pytest.raises(ConflictError) as caught:
                exchange.answered(reader, "rid-1", requester, digest)
            assert caught.value.code == "rid-exists"
    assert store.node.submit(lambda tx: exchange.forget_answers_before(tx, 11)).result(5) == 1
    with store.node.read() as reader:
        assert exchange.answered(reader, "rid-1", "R", b"q" * 32) == replace(IN, answer=None)


P, Q = b"p" * 32, b"q" * 32


def test_counts_above_the_limit_are_not_counted(store: Store) -> None:
    def attempt(limit: int) -> None:
        def work(tx: Transaction) -> None:
            exchange.use(tx, "P/1", CASE)
            exchange.count_attempts(tx, CASE, [(P, "name"), (Q, "name"), (Q, "name")])
            if exchange.attempts_of(tx, CASE, [P])[P, "name"] > limit:
                raise ConflictError("rid-exists", "too many")

        store.node.submit(work).result(5)

    for _ in range(2):
        attempt(2)
    with pytest.raises(ConflictError):
        attempt(2)
    with store.node.read() as reader:
        assert exchange.attempts_of(reader, CASE, [P]) == {(P, "name"): 2}
        assert exchange.attempts_of(reader, CASE, [P, Q]) == {(P, "name"): 2, (Q, "name"): 4}
        assert exchange.attempts_of(reader, "L/other", [P, Q]) == {}
        assert exchange.uses_of(reader, "P/1", CASE) == 2
        assert exchange.uses_of(reader, "P/2", CASE) == 0


# -- case files --------------------------------------------------------------------------------------
def test_a_case_file_is_sealed_and_disposed_of_without_a_trace(store: Store, sealer: Sealer, tmp_path: Path) -> None:
    secret = "411599198001010011"
    subject = case_files.CaseSubject(0, secret, b"p" * 32)
    value = case_files.Received(CASE, "rid-1", 0, "P", "vct", secret.encode(), "pending", 5, 1_000)

    def work(tx: Transaction) -> None:
        case_files.put_subjects(tx, sealer, CASE, [subject])
        case_files.put_received(tx, sealer, [value, replace(value, item=1)])

    store.node.submit(work).result(5)
    with store.node.read() as reader:
        assert case_files.subjects(reader, sealer, CASE) == [subject]
        assert case_files.cases_of_pseudonym(reader, b"p" * 32) == [CASE]
        assert [v.verdict for v in case_files.received_of_case(reader, sealer, CASE)] == ["pending", "pending"]
        assert [v.content for v in case_files.received_of_rid(reader, sealer, "rid-1")] == [secret.encode()] * 2
        sealed = reader.fetch("SELECT content_sealed FROM received_values UNION ALL SELECT disclosure_sealed FROM case_subjects")
    assert store.node.submit(lambda tx: case_files.dispose(tx, 999)).result(5) == 0
    store.node.submit(lambda tx: case_files.set_disposal(tx, CASE, 800)).result(5)
    store.node.checkpoint().result(5)
    before = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert secret.encode() not in before
    assert all(row[0] in before for row in sealed)
    assert store.node.submit(lambda tx: case_files.dispose(tx, 800)).result(5) == 3
    store.node.checkpoint().result(5)
    after = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert not any(row[0] in after for row in sealed)


# -- parked work -------------------------------------------------------------------------------------
def test_parked_work_waits_until_it_is_released(store: Store) -> None:
    for now_s in (5, 9):
        store.node.submit(job(parked.park, "anchor", "1/4", f"reason {now_s}", now_s)).result(5)
    with store.node.read() as reader:
        (item,) = parked.page(reader, 0, 10)
        assert parked.count(reader) == 1
        assert parked.page(reader, item.id, 10) == []
        assert parked.is_parked(reader, "anchor", "1/4")
    assert item == parked.Parked(item.id, "anchor", "1/4", "reason 9", 5, 2)
    assert store.node.submit(lambda tx: parked.release(tx, item.id)).result(5)
    assert not store.node.submit(lambda tx: parked.release(tx, item.id)).result(5)
