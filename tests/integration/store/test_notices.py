"""The outbox and inbox of notices, retention duties, what ended, and the index from a record to what was given of it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from xinlian.protocol.errors import ConflictError, NotFoundError, StoreError
from xinlian.store import case_files, duties, ended_values, exchange, notices, parked, read_records, statuses, streams
from xinlian.store import chain_cache as chain
from xinlian.store.case_files import Received
from xinlian.store.duties import Duty
from xinlian.store.migrations import migrate
from xinlian.store.notices import Answered, NewIncoming, NewNotice
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

TAG, OTHER = b"t" * 32, b"o" * 32
CASE = "12411599MBDEM00233/C-1"


def new(number: int, recipient: str = "D02") -> NewNotice:
    return NewNotice(f"{number:032x}", recipient, "erased", bytes(16), None, b"{}")


# -- outbox ------------------------------------------------------------------------------------------
def test_what_is_due_comes_until_it_is_settled_or_parked(store: Store, sealer: Sealer) -> None:
    write = store.node.submit
    write(lambda tx: notices.put(tx, sealer, [new(1), new(2), new(3)], 100)).result(5)

    def due(now_s: int) -> list[str]:
        with store.node.read() as reader:
            return [row.notice_id[-1] for row in notices.due(reader, now_s, 10)]

    assert (due(99), due(100)) == ([], ["1", "2", "3"])
    write(lambda tx: notices.attempt(tx, 1, 200)).result(5)
    assert (due(100), due(200)) == (["2", "3"], ["2", "3", "1"])
    write(lambda tx: notices.missed(tx, 1, "peer-down", None)).result(5)
    write(lambda tx: notices.missed(tx, 2, "peer-timeout", 150)).result(5)
    with store.node.read() as reader:
        down, timed_out = [notices.by_id(reader, new(number).notice_id) for number in (1, 2)]
    assert down is not None
    assert timed_out is not None
    assert (down.state, down.attempts, down.told_at, down.last_code) == (notices.TO_TELL, 1, None, "peer-down")
    assert (timed_out.state, timed_out.told_at) == (notices.TOLD, 150)
    write(lambda tx: notices.missed(tx, 2, "peer-down", None)).result(5)  # what reached it once stays told
    write(lambda tx: parked.park(tx, notices.PARKED_KIND, new(1).notice_id, "peer-down", 5)).result(5)
    write(lambda tx: notices.answered(tx, 3, Answered(notices.ACKNOWLEDGED, "deleted", "{}", None, 160))).result(5)
    assert due(10_000) == ["2"]
    write(lambda tx: parked.release(tx, 1)).result(5)
    write(lambda tx: notices.reopen(tx, new(1).notice_id, 300)).result(5)
    write(lambda tx: notices.reopen(tx, new(3).notice_id, 300)).result(5)  # the recipient's word stands
    with store.node.read() as reader:
        rows = notices.page(reader, 0, 10, open_only=False)
        assert [(row.state, row.attempts) for row in rows] == [("to-tell", 0), ("told", 0), ("acknowledged", 0)]
        assert [row.id for row in notices.page(reader, 0, 10, open_only=True)] == [1, 2]
        assert [row.id for row in notices.page(reader, 1, 1, open_only=False)] == [2]
        assert [row.id for row in notices.of_record(reader, bytes(16))] == [1, 2, 3]
        assert notices.by_id(reader, "00") is None


def test_a_refused_notice_is_told_again_under_a_fresh_id(store: Store, sealer: Sealer) -> None:
    def job(tx: Transaction) -> None:
        notices.put(tx, sealer, [new(1)], 100)
        notices.answered(tx, 1, Answered(notices.REFUSED, "refused", "{}", "refused-notice-reused", 150))

    store.node.submit(job).result(5)
    with store.node.read() as reader:
        assert notices.due(reader, 10_000, 5) == []
    store.node.submit(lambda tx: notices.reopen(tx, new(1).notice_id, 200)).result(5)
    fresh = replace(new(1), notice_id="ff" * 16, body=b"[]")
    store.node.submit(lambda tx: notices.renew(tx, sealer, 1, fresh)).result(5)
    with store.node.read() as reader:
        (row,) = notices.due(reader, 200, 5)
    assert (row.notice_id, row.state, row.last_code) == ("ff" * 16, "told", "refused-notice-reused")
    assert notices.raw_of(sealer, row) == b"[]"


def test_what_a_duty_keeps_is_asked_about_again_once(store: Store, sealer: Sealer) -> None:
    def job(tx: Transaction) -> None:
        notices.put(tx, sealer, [new(1)], 100)
        notices.answered(tx, 1, Answered(notices.ACKNOWLEDGED, "kept-by-duty", "{}", None, 150, 500))

    store.node.submit(job).result(5)
    with store.node.read() as reader:
        assert notices.to_ask_again(reader, 499) == []
        assert [row.id for row in notices.to_ask_again(reader, 500)] == [1]
    store.node.submit(lambda tx: notices.asked_again(tx, 1)).result(5)
    with store.node.read() as reader:
        assert notices.to_ask_again(reader, 500) == []


def bringing(number: int, recipient: str = "D02") -> NewNotice:
    return replace(new(number, recipient), kind="document", jti=None, document=b"t" * 32, body=b"SECRET TEXT")


def test_a_text_is_sealed_in_the_outbox_and_told_to_each_recipient_by_one_row(
    store: Store, sealer: Sealer, tmp_path: Path
) -> None:
    write = store.node.submit
    write(lambda tx: notices.put(tx, sealer, [bringing(1), bringing(2, "D03")], 100)).result(5)
    store.node.checkpoint().result(5)
    assert b"SECRET TEXT" not in (tmp_path / "data" / "node.db").read_bytes()
    with pytest.raises(StoreError):
        write(lambda tx: notices.put(tx, sealer, [bringing(3)], 100)).result(5)
    with store.node.read() as reader:
        assert [row.recipient for row in notices.of_document(reader, b"t" * 32)] == ["D02", "D03"]
        assert [notices.has_document(reader, b"t" * 32, one) for one in ("D02", "D03", "D05")] == [True, True, False]
        (one, other) = notices.of_document(reader, b"t" * 32)
        assert notices.raw_of(sealer, one) == b"SECRET TEXT"
        with pytest.raises(StoreError) as moved:
            notices.raw_of(sealer, replace(other, body=one.body))
    assert moved.value.code == "sealed-broken"


def test_what_was_acknowledged_is_told_again_from_the_beginning(store: Store, sealer: Sealer) -> None:
    def job(tx: Transaction) -> None:
        notices.put(tx, sealer, [bringing(1)], 100)
        notices.attempt(tx, 1, 200)
        notices.answered(tx, 1, Answered(notices.ACKNOWLEDGED, "stored", "{}", None, 150))
        notices.tell_again(tx, sealer, 1, bringing(7), 300)

    store.node.submit(job).result(5)
    with store.node.read() as reader:
        assert notices.due(reader, 299, 5) == []
        (row,) = notices.due(reader, 300, 5)
    assert (row.notice_id, row.state, row.attempts) == (bringing(7).notice_id, notices.TO_TELL, 0)
    assert (row.told_at, row.acknowledged_at, row.outcome, row.facts, row.last_code) == (None, None, None, None, None)


# -- inbox and what ended ------------------------------------------------------------------------------
def test_a_notice_is_known_again_by_its_sender_and_id(store: Store) -> None:
    one = NewIncoming("D03", "ab" * 16, b"d" * 32, "erased", 100)

    def job(tx: Transaction) -> int:
        row_id = notices.keep(tx, one)
        notices.say(tx, row_id, '{"outcome":"deleted"}')
        return row_id

    assert store.node.submit(job).result(5) == 1
    assert store.node.submit(lambda tx: notices.keep(tx, replace(one, sender="D06"))).result(5) == 2
    with store.node.read() as reader:
        known = notices.found(reader, "D03", "ab" * 16)
        assert known is not None
        assert (known.digest, known.facts, known.wiped) == (one.digest, '{"outcome":"deleted"}', 0)
        assert notices.found(reader, "D07", "ab" * 16) is None
        assert notices.newest_unwiped(reader) == 2
        assert [row.id for row in notices.received_page(reader, 1, 5)] == [2]
    store.node.submit(lambda tx: notices.wiped(tx, 1)).result(5)
    with store.node.read() as reader:
        assert notices.newest_unwiped(reader) == 2
    store.node.submit(lambda tx: notices.wiped(tx, 2)).result(5)
    with store.node.read() as reader:
        assert notices.newest_unwiped(reader) == 0


def duty(until: int, basis: str = "某法第十条", case_ref: str = CASE) -> Duty:
    return Duty(0, case_ref, basis, until, 1, 50)


def test_the_longest_running_duty_of_a_case_counts(store: Store) -> None:
    def job(tx: Transaction) -> None:
        for one in (duty(300), duty(500, "某法第二条"), duty(900, case_ref="other/C")):
            duties.record(tx, one)

    store.node.submit(job).result(5)
    with store.node.read() as reader:
        running = duties.running(reader, CASE, 100)
        assert running is not None
        assert (running.until, running.basis) == (500, "某法第二条")
        assert duties.running(reader, CASE, 500) is None
        assert duties.cases_held(reader, 400) == {CASE, "other/C"}
        assert duties.cases_held(reader, 600) == {"other/C"}
        assert [one.id for one in duties.page(reader, 1, 5)] == [2, 3]
    store.node.submit(lambda tx: duties.end(tx, 2, 7, 200)).result(5)
    with store.node.read() as reader:
        left = duties.running(reader, CASE, 250)
        assert left is not None
        assert left.until == 300
        ended = duties.by_id(reader, 2)
        assert (ended.ended_by, ended.ended_at) == (7, 200)
    for number, kind, code in ((2, ConflictError, "duty-ended"), (9, NotFoundError, "duty-unknown")):
        with pytest.raises(kind) as caught:
            store.node.submit(lambda tx, n=number: duties.end(tx, n, 7, 200)).result(5)  # type: ignore[misc]
        assert caught.value.code == code
    with pytest.raises(ConflictError) as over:
        store.node.submit(lambda tx: duties.end(tx, 1, 7, 300)).result(5)
    assert over.value.code == "duty-ended"


def test_a_kept_copy_is_sealed_and_goes_when_no_duty_runs(store: Store, sealer: Sealer, tmp_path: Path) -> None:
    secret = b"the value of a person"

    def job(tx: Transaction) -> None:
        notices.keep(tx, NewIncoming("D03", "ab" * 16, b"d" * 32, "erased", 100))
        for one in (duty(300), duty(500, "某法第二条")):
            duties.record(tx, one)
        ended_values.put(tx, sealer, ended_values.Ended(1, "r", 0, bytes(16), CASE, 1, secret), 120)
        ended_values.put(tx, sealer, ended_values.Ended(1, "r", 1, bytes(16), CASE), 120)

    store.node.submit(job).result(5)
    with store.node.read() as reader:
        kept, gone = ended_values.of_rid(reader, "r")
        assert (kept.state, kept.basis, kept.until, kept.sender) == ("restricted", "某法第十条", 300, "D03")
        assert (gone.state, gone.basis, gone.until) == ("erased", None, None)
        (sealed,) = [row[0] for row in reader.fetch("SELECT content_sealed FROM ended_values WHERE item = 0")]
        assert ended_values.restricted_cases(reader) == [CASE]
    assert secret not in sealed
    assert store.node.submit(lambda tx: ended_values.release(tx, 350)).result(5) == 0  # another duty keeps it now
    with store.node.read() as reader:
        assert ended_values.of_rid(reader, "r")[0].until == 500
    assert store.node.submit(lambda tx: ended_values.release(tx, 500)).result(5) == 1
    store.node.checkpoint().result(5)
    with store.node.read() as reader:
        assert [one.state for one in ended_values.of_rid(reader, "r")] == ["erased", "erased"]
        assert ended_values.restricted_cases(reader) == []
    assert not any(sealed in path.read_bytes() for path in (tmp_path / "data").iterdir())


def test_content_is_replaced_only_where_it_is_still_what_was_read(store: Store, sealer: Sealer) -> None:
    one = Received(CASE, "r", 0, "D03", "v", b"first", "proven", 1, 9)
    store.node.submit(lambda tx: case_files.put_received(tx, sealer, [one])).result(5)

    def put(content: bytes, before: bytes) -> bool:
        job = store.node.submit(lambda tx: case_files.replace_content(tx, sealer, replace(one, content=content), before))
        return bool(job.result(5))

    assert put(b"second", b"first")
    assert not put(b"third", b"first")
    with store.node.read() as reader:
        assert [kept.content for kept in case_files.received_of_rid(reader, sealer, "r")] == [b"second"]
    store.node.submit(lambda tx: case_files.remove(tx, "r", 0)).result(5)
    assert not put(b"fourth", b"second")
    with store.node.read() as reader:
        assert case_files.received_of_rid(reader, sealer, "r") == []


# -- from a record to what was given of it ------------------------------------------------------------
def entry(rid: str, item: int, tag: bytes | None, *tags: bytes, role: str = "provider") -> streams.ReadEntry:
    leaf = sha256(f"{rid} {item} {role}".encode()).digest()
    entry = streams.ReadEntry(leaf, b"st", "x", rid, role, "D02", "P/1", CASE, 5, "answer", tag, None, item)
    return replace(entry, record_tags=tags)


def test_a_record_is_found_alone_and_among_others_and_its_answers_are_shredded(store: Store, sealer: Sealer) -> None:
    entries = [
        entry("r1", 0, TAG),
        entry("r2", 0, b"s" * 32, TAG, OTHER),
        entry("r2", 1, OTHER),
        entry("r3", 0, None),
        entry("r4", 0, TAG, role="requester"),
    ]
    answers = [streams.Answer(e.leaf, b"st", f"secret {e.rid}", e.rid, e.item, 5) for e in entries[:3]]

    def job(tx: Transaction) -> None:
        streams.insert_reads(tx, sealer, entries)
        streams.insert_answers(tx, sealer, answers)
        for rid in ("r1", "r2", "r3"):
            exchange.keep_answer(tx, exchange.Incoming(rid, "D02", b"d" * 32, 200, b"sealed", "{}", b"a" * 32, 5))

    store.node.submit(job).result(5)
    with store.node.read() as reader:
        assert [(use.rid, use.item) for use in read_records.uses(reader, TAG, "provider")] == [("r1", 0), ("r2", 0)]
        assert [(use.rid, use.item) for use in read_records.uses(reader, OTHER, "provider")] == [("r2", 0), ("r2", 1)]
        assert [use.rid for use in read_records.uses(reader, TAG, "requester")] == ["r4"]
        assert read_records.uses(reader, b"n" * 32, "provider") == []
        assert read_records.requester_outcomes(reader, "r4") == [(0, "answer")]
    assert store.node.submit(lambda tx: read_records.shred(tx, TAG)).result(5) == 4
    assert store.node.submit(lambda tx: read_records.shred(tx, TAG)).result(5) == 0
    with store.node.read() as reader:
        left = [streams.answer_at(reader, sealer, position).disclosures for position in (1, 2, 3)]
        assert left == [None, None, "secret r2"]
        kept = {row[0]: row[1] for row in reader.fetch("SELECT rid, answer FROM exchange_in")}
        assert kept == {"r1": None, "r2": None, "r3": b"sealed"}
        assert len(streams.leaves(reader, streams.ANSWERS, 1, 3)) == 96


def test_batches_that_are_not_known_continue_after_the_last_one_known(store: Store) -> None:
    """Sizes 2 and 3 are known here, 4 and 5 only to the chain; what stands between known ones is somebody else's."""

    def on_chain(sequence: int, size: int, root: bytes) -> chain.ChainBatch:
        return chain.ChainBatch("D03", 1, sequence, root, size, 1, sequence, 5, "0x")

    def job(tx: Transaction) -> None:
        for sequence, first, size in ((1, 1, 2), (3, 3, 3)):
            columns = "stream, sequence, first_position, size, root, state, sealed_at"
            values = (sequence, first, size, bytes([sequence]) * 32)
            tx.run(f"INSERT INTO batches ({columns}) VALUES (1, ?, ?, ?, ?, 'final', 1)", values)
        head = chain.Block(9, "0x", 9)
        batches = [on_chain(s, n, bytes([s]) * 32) for s, n in ((1, 2), (2, 7), (3, 3), (4, 4), (5, 5))]
        chain.apply(tx, chain.Step([head], [], batches, [], chain.Progress(head, 1)))

    store.node.submit(job).result(5)
    with store.node.read() as reader:
        assert statuses.first_positions(reader, "D03") == {1: 1, 3: 3, 4: 6, 5: 10}
        assert statuses.first_positions(reader, "D06") == {}


# -- migration ------------------------------------------------------------------------------------------
def test_answers_stay_when_an_older_database_is_brought_up(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    columns = "position, leaf, statement, disclosures_sealed, rid, item, time"
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrate.__code__.co_filename).parent / "node"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text(f"INSERT INTO answers ({columns}) VALUES (1, x'01', x'02', x'03', 'r', 0, 5)"))
    migrate(engine)
    with engine.begin() as connection:
        rows = connection.execute(
            text("SELECT position, leaf, statement, disclosures_sealed, rid, item, time FROM answers")
        ).fetchall()
        assert [tuple(row) for row in rows] == [(1, b"\1", b"\2", b"\3", "r", 0, 5)]
        connection.execute(text("UPDATE answers SET disclosures_sealed = NULL"))
    engine.dispose()
