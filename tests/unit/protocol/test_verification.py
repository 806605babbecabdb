"""The verifier: one bent fact at a time, and exactly the check named fails; exit codes and their precedence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.evidence import ANCHOR_BLOCK, FUND, NEXT_BLOCK, POLICE, World, head, key_set_bytes, sealed, signing_key
from tests.support.fake_view import BLOCK_TIME_S, FOREVER
from xinlian.protocol import sdjwt
from xinlian.protocol.bundle import Bundle, dumps
from xinlian.protocol.errors import InputError
from xinlian.protocol.jwks import KeySet, parse_key_set
from xinlian.protocol.manifest import CONTRACTS
from xinlian.protocol.record import parse_statement
from xinlian.protocol.types import VCT_ACT, VCT_ANSWER, VCT_READ, VCT_SELF_ACCESS, Status, Stream
from xinlian.protocol.verification import (
    AsOf,
    KeySetFrom,
    Outcome,
    Report,
    Verifier,
    checks_of,
    parse_as_of,
    verify_bundle,
    verify_bytes,
)


def verify(world: World, bundle: Bundle, as_of: AsOf | None = None) -> Report:
    """Verify through the file, so that every test goes through the parser, too."""
    return verify_bytes(dumps(bundle), world.deployment, world.view, as_of)


def names(report: Report, outcome: Outcome) -> list[str]:
    return [check.name for check in report.checks if check.outcome is outcome]


def codes(report: Report) -> list[str]:
    return [remark.code for remark in report.remarks]


def with_receipt(bundle: Bundle, **changes: Any) -> Bundle:
    assert bundle.receipt is not None
    return replace(bundle, receipt=replace(bundle.receipt, **changes))


# -- what is in order ---------------------------------------------------------------------------------


def test_a_current_record_is_authentic_and_current() -> None:
    world = World()
    report = verify(world, world.bundle())
    assert (report.exit_code, report.integrity, report.status) == (0, "authentic", Status.CURRENT)
    assert [check.name for check in report.checks] == [
        "format", "deployment", "chain", "ledger-address", "code-hash", "disclosures", "leaf-path", "issuer", "vct",
        "department-active-then", "anchored", "status",
    ]  # fmt: skip
    assert report.values == {"name": "测试甲", "balance_yuan": "120000.00"}
    assert report.verdict == "AUTHENTIC AND CURRENT as of block 100 (2026-02-25T06:15:00Z)"
    assert report.remarks == ()


@pytest.mark.parametrize("index", range(5))
def test_every_record_of_the_batch(index: int) -> None:
    world = World()
    assert verify(world, world.bundle(index)).exit_code == 0


def test_a_signed_record_has_one_check_more() -> None:
    world = World()
    report = verify(world, world.bundle(signed_by=1))
    assert (report.exit_code, report.checks[-1].name) == (0, "signature")


@pytest.mark.parametrize(
    ("stream", "vct", "left_out"),
    [
        (Stream.ANSWERS, VCT_ANSWER, {"status"}),
        (Stream.READS, VCT_READ, {"status", "department-active-then"}),
        (Stream.READS, VCT_ACT, {"status", "department-active-then"}),
        (Stream.READS, VCT_SELF_ACCESS, {"status", "department-active-then"}),
    ],
)
def test_streams_of_the_protocol_leave_checks_out(stream: Stream, vct: str, left_out: set[str]) -> None:
    world = World()
    report = verify(world, world.stream_bundle(stream, vct))
    assert report.exit_code == 0
    assert {check.name for check in report.checks} == set(checks_of(Stream.RECORDS, signed=False)) - left_out
    assert report.verdict.startswith("AUTHENTIC as of block")


def test_an_answer_proves_only_what_the_provider_stated() -> None:
    world = World()
    report = verify(world, world.stream_bundle(Stream.ANSWERS, VCT_ANSWER))
    assert any("what the provider stated" in note for note in report.notes)


def test_an_act_proves_that_it_was_logged() -> None:
    world = World()
    notes = {vct: verify(world, world.stream_bundle(Stream.READS, vct)).notes for vct in (VCT_ACT, VCT_READ)}
    assert "act of one of its persons" in notes[VCT_ACT][0]
    assert "logged this use" in notes[VCT_READ][0]


def test_reads_of_a_suspended_department_count() -> None:
    world = World()
    bundle = world.stream_bundle(Stream.READS, VCT_READ)
    world.view.active[FUND] = []
    assert verify(world, bundle).exit_code == 0


def test_answers_of_a_suspended_department_do_not() -> None:
    world = World()
    bundle = world.stream_bundle(Stream.ANSWERS, VCT_ANSWER)
    world.view.active[FUND] = []
    assert names(verify(world, bundle), Outcome.FAILED) == ["department-active-then"]


# -- one thing bent: exactly the check named fails ------------------------------------------------------


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def other_statement(bundle: Bundle, uscc: str = FUND) -> Bundle:
    record = sealed(head(3, uscc=uscc), name="测试甲", balance_yuan="120000.00", months=2)
    return replace(bundle, statement=parse_statement(record.statement), disclosures=record.disclosures)


def altered_path(bundle: Bundle) -> Bundle:
    assert bundle.receipt is not None
    first, *rest = bundle.receipt.path
    return with_receipt(bundle, path=(flip(first), *rest))


BENT_BUNDLES: dict[str, tuple[Callable[[Bundle], Bundle], set[str]]] = {
    "another chain id": (lambda b: with_receipt(b, chain_id=1), {"chain"}),
    "another genesis": (lambda b: with_receipt(b, genesis_hash="0x" + "12" * 32), {"chain"}),
    "a forged ledger": (lambda b: with_receipt(b, ledger="0x" + "12" * 20), {"ledger-address"}),
    "another statement": (other_statement, {"leaf-path"}),
    "a foreign disclosure": (
        lambda b: replace(b, disclosures=sealed(head(1), name="测试乙").disclosures),
        {"disclosures"},
    ),
    "a disclosure twice": (lambda b: replace(b, disclosures=b.disclosures[:1] * 2), {"disclosures"}),
    "another path": (altered_path, {"leaf-path"}),
    "a path too short": (lambda b: with_receipt(b, path=b.receipt.path[:-1] if b.receipt else ()), {"leaf-path"}),
    "a path too long": (lambda b: with_receipt(b, path=(*(b.receipt.path if b.receipt else ()), bytes(32))), {"leaf-path"}),
    "another index": (lambda b: with_receipt(b, index=3), {"leaf-path"}),
    "another root": (lambda b: with_receipt(b, root=bytes(32)), {"leaf-path", "anchored"}),
    "another size, same path": (lambda b: with_receipt(b, size=6), {"anchored"}),
    "another size": (lambda b: with_receipt(b, size=17), {"leaf-path", "anchored"}),
    "the batch of a later sequence": (lambda b: with_receipt(b, sequence=2), {"anchored", "hint"}),
}


@pytest.mark.parametrize("title", BENT_BUNDLES)
def test_a_bent_bundle_fails_by_name(title: str) -> None:
    world = World()
    bend, expected = BENT_BUNDLES[title]
    report = verify(world, bend(world.bundle()))
    assert set(names(report, Outcome.FAILED)) == expected - {"hint"}
    assert (report.exit_code, report.integrity) == (1, "not-proven")
    assert report.verdict.startswith("NOT PROVEN")


def drop_code(world: World, place: int) -> None:
    del world.view.codes[world.deployment.contracts[CONTRACTS[place]].address]


BENT_CHAINS: dict[str, tuple[Callable[[World], None], str]] = {
    "registry code": (lambda w: drop_code(w, 0), "code-hash"),
    "catalogue code": (lambda w: drop_code(w, 1), "code-hash"),
    "ledger code": (lambda w: drop_code(w, 2), "code-hash"),
    "sharing code": (lambda w: drop_code(w, 3), "code-hash"),
    "case code": (lambda w: drop_code(w, 4), "code-hash"),
    "never published": (lambda w: w.view.published.clear(), "vct"),
    "published later": (lambda w: w.view.published.update({(FUND, 1, 1): [(ANCHOR_BLOCK + 1, FOREVER)]}), "vct"),
    "retired before": (lambda w: w.view.published.update({(FUND, 1, 1): [(3, ANCHOR_BLOCK)]}), "vct"),
    "not registered": (lambda w: w.view.active.clear(), "department-active-then"),
    "suspended then": (lambda w: w.view.active.update({FUND: [(2, 15), (25, FOREVER)]}), "department-active-then"),
    "another root": (lambda w: w.view.anchor((FUND, 1, 1), ANCHOR_BLOCK, bytes(32), 5), "anchored"),
}  # fmt: skip


@pytest.mark.parametrize("title", BENT_CHAINS)
def test_a_bent_chain_fails_by_name(title: str) -> None:
    world = World()
    bend, expected = BENT_CHAINS[title]
    bend(world)
    report = verify(world, world.bundle())
    assert names(report, Outcome.FAILED) == [expected]
    assert names(report, Outcome.NOT_RUN) == []
    assert report.exit_code == 1


def test_what_happens_after_the_anchoring_does_not_matter() -> None:
    world = World()
    world.view.active[FUND] = [(2, ANCHOR_BLOCK + 1)]
    world.view.published[FUND, 1, 1] = [(3, ANCHOR_BLOCK + 1)]
    assert verify(world, world.bundle()).exit_code == 0


def test_a_batch_that_is_not_anchored() -> None:
    world = World()
    world.view.batches.clear()
    report = verify(world, world.bundle())
    assert names(report, Outcome.FAILED) == ["anchored"]
    assert names(report, Outcome.NOT_RUN) == ["vct", "department-active-then", "status"]


def test_a_forged_ledger_with_the_same_department() -> None:
    """Somebody deploys the same contracts, registers the same USCC there and anchors another value."""
    world = World()
    forged = sealed(head(2), name="测试甲", balance_yuan="999999.00", months=2)
    bundle = replace(
        with_receipt(world.bundle(), ledger="0x" + "12" * 20, index=0, size=1, root=forged.leaf, path=()),
        statement=parse_statement(forged.statement),
        disclosures=forged.disclosures,
    )
    assert set(names(verify(world, bundle), Outcome.FAILED)) == {"ledger-address", "anchored"}


def test_anchored_by_another_department_than_the_issuer() -> None:
    world = World()
    record = sealed(head(1), name="测试甲")
    world.anchor([record], (POLICE, Stream.RECORDS, 1), ANCHOR_BLOCK)
    bundle = replace(
        with_receipt(world.bundle(), department=POLICE, index=0, size=1, root=record.leaf, path=()),
        statement=parse_statement(record.statement),
        disclosures=(),
    )
    assert names(verify(world, bundle), Outcome.FAILED) == ["issuer"]


@pytest.mark.parametrize(
    ("stream", "vct"),
    [
        (Stream.RECORDS, VCT_ANSWER),
        (Stream.RECORDS, f"{POLICE}/000001@1"),
        (Stream.ANSWERS, VCT_READ),
        (Stream.ANSWERS, VCT_ACT),
        (Stream.RECORDS, VCT_ACT),
        (Stream.ANSWERS, f"{FUND}/000001@1"),
        (Stream.READS, VCT_ANSWER),
    ],
)
def test_a_type_that_does_not_belong_into_the_stream(stream: Stream, vct: str) -> None:
    world = World()
    if stream is Stream.RECORDS:
        world.view.batches.clear()
    assert names(verify(world, world.stream_bundle(stream, vct)), Outcome.FAILED) == ["vct"]


def test_a_published_record_has_no_extra_claims() -> None:
    world = World()
    record = sealed(replace(head(1), extra=(("note", '"clear"'),)), name="测试甲")
    world.anchor([record], (FUND, Stream.RECORDS, 3), ANCHOR_BLOCK)
    bundle = replace(
        with_receipt(world.bundle(), sequence=3, index=0, size=1, root=record.leaf, path=()),
        statement=parse_statement(record.statement),
        disclosures=(),
    )
    assert names(verify(world, bundle), Outcome.FAILED) == ["format"]


# -- nothing to ask -----------------------------------------------------------------------------------


def test_without_a_view_checks_are_not_run_and_that_fails() -> None:
    world = World()
    report = verify_bundle(world.bundle(), world.deployment, None)
    assert names(report, Outcome.NOT_RUN) == ["chain", "code-hash", "vct", "department-active-then", "anchored", "status"]
    assert (report.exit_code, report.moment, names(report, Outcome.FAILED)) == (1, None, [])


def test_without_a_view_another_chain_is_still_seen() -> None:
    world = World()
    report = verify_bundle(with_receipt(world.bundle(), chain_id=5), world.deployment, None)
    assert names(report, Outcome.FAILED) == ["chain"]


def test_without_a_manifest_nothing_of_the_chain_counts() -> None:
    world = World()
    report = verify_bundle(world.bundle(), None, world.view)
    assert set(names(report, Outcome.PASSED)) == {"format", "disclosures", "leaf-path", "issuer"}
    assert (report.exit_code, names(report, Outcome.FAILED)) == (1, [])


@pytest.mark.parametrize("bend", ["chain", "genesis"])
def test_a_view_of_another_chain_answers_nothing(bend: str) -> None:
    world = World()
    setattr(world.view, bend, 5 if bend == "chain" else "0x" + "99" * 32)
    report = verify(world, world.bundle())
    assert names(report, Outcome.FAILED) == ["chain"]
    assert "anchored" in names(report, Outcome.NOT_RUN)
    assert report.exit_code == 1


DOWN = {
    "chain_id": {"chain", "code-hash", "vct", "department-active-then", "anchored", "status"},
    "head": {"chain", "code-hash", "vct", "department-active-then", "anchored", "status"},
    "code_hash": {"code-hash"},
    "is_published_at": {"vct"},
    "is_active_at": {"department-active-then"},
    "is_anchored": {"anchored"},
    "status_at": {"status"},
    "key_sets": {"signature"},
}


@pytest.mark.parametrize("method", DOWN)
@pytest.mark.parametrize(("code", "outcome"), [("rpc-down", Outcome.NOT_RUN), ("rpc-disagree", Outcome.FAILED)])
def test_a_question_that_is_not_answered(method: str, code: str, outcome: Outcome) -> None:
    world = World()
    bundle = world.bundle(signed_by=1)
    world.view.down, world.view.error = {method}, code
    report = verify(world, bundle)
    not_passed = {check.name for check in report.checks if check.outcome is not Outcome.PASSED}
    assert not_passed == DOWN[method] | ({"signature"} if "chain" in DOWN[method] else set())
    assert names(report, outcome) != []
    assert report.exit_code == 1


@pytest.mark.parametrize(("method", "check"), [("anchoring", "anchored"), ("status_at", "status"), ("key_sets", "signature")])
def test_a_node_that_hides_or_alters_events_fails_the_check_that_reads_them(method: str, check: str) -> None:
    world = World()
    bundle = world.bundle(signed_by=1)
    world.view.down, world.view.error = {method}, "events-differ"
    report = verify(world, bundle)
    assert names(report, Outcome.FAILED) == [check]
    assert report.exit_code == 1


def test_an_unanswered_question_about_a_compromise_is_a_remark() -> None:
    world = World()
    world.view.down = {"is_compromised_at"}
    report = verify(world, world.bundle())
    assert (report.exit_code, codes(report)) == (3, ["not-asked"])


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"format":"xinlian-evidence/2"}'])
def test_a_file_that_is_no_bundle(data: bytes) -> None:
    world = World()
    report = verify_bytes(data, world.deployment, world.view)
    assert (names(report, Outcome.FAILED), report.exit_code, report.values) == (["format"], 1, {})
    assert report.to_json()["statement"] is None


def test_an_index_outside_of_its_batch_has_no_status() -> None:
    world = World()
    report = verify(world, with_receipt(world.bundle(), index=5))
    assert (names(report, Outcome.FAILED), names(report, Outcome.NOT_RUN)) == (["leaf-path"], ["status"])


def test_a_file_may_be_handed_to_either_function() -> None:
    world = World()
    data = dumps(world.bundle())
    assert verify_bundle(data, world.deployment, world.view) == verify_bytes(data, world.deployment, world.view)


def test_remarks_whose_question_is_not_answered_are_told() -> None:
    world = World()
    bundle = replace(world.bundle(), successor=world.successor())
    world.view.down = {"is_compromised_at"}
    assert codes(verify(world, bundle)) == ["not-asked", "successor-not-marked"]


def test_a_superseded_record_read_before_its_successor_is_mined() -> None:
    """The view may lag behind the node that made the bundle: the successor's batch is not there, which is a failed check."""
    world = World()
    bundle = replace(world.bundle(), successor=world.successor())
    del world.view.batches[FUND, 1, 2]
    assert names(verify(world, bundle), Outcome.FAILED) == ["anchored"]


# -- status and successor -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [(Status.SUPERSEDED, 4, "SUPERSEDED"), (Status.REVOKED, 5, "REVOKED"), (Status.ERASED, 6, "ERASED")],
)
def test_status_is_told_apart_from_integrity(status: Status, code: int, word: str) -> None:
    world = World()
    world.view.mark(FUND, 1, 2, 50, status)
    report = verify(world, world.bundle())
    assert (report.exit_code, report.integrity, report.status) == (code, "authentic", status)
    assert word in report.verdict
    assert verify(world, world.bundle(1)).exit_code == 0


def test_a_superseded_record_with_its_successor() -> None:
    world = World()
    world.view.mark(FUND, 1, 2, NEXT_BLOCK, Status.SUPERSEDED)
    report = verify(world, replace(world.bundle(), successor=world.successor()))
    assert (report.exit_code, codes(report)) == (4, [])
    without = verify(world, world.bundle())
    assert (without.exit_code, codes(without)) == (4, ["successor-not-supplied"])


def test_a_successor_that_the_ledger_does_not_mark_yet() -> None:
    world = World()
    bundle = replace(world.bundle(), successor=world.successor())
    report = verify(world, bundle)
    assert (report.exit_code, codes(report)) == (3, ["successor-not-marked"])
    assert verify(world, bundle, AsOf(block=NEXT_BLOCK - 1)).exit_code == 0


BENT_SUCCESSORS: dict[str, tuple[Callable[[World], Bundle], str]] = {
    "of another record": (lambda w: _successor(w, head(3, rev=2, prev=w.records[2].leaf)), "status"),
    "of another revision": (lambda w: _successor(w, head(2, rev=2, prev=w.records[1].leaf)), "status"),
    "two revisions on": (lambda w: _successor(w, head(2, rev=3, prev=w.records[2].leaf)), "status"),
    "of another dataset": (lambda w: _successor(w, head(2, rev=2, prev=w.records[2].leaf, vct=f"{FUND}/000002@1")), "status"),
    "of a version never published": (
        lambda w: _successor(w, head(2, rev=2, prev=w.records[2].leaf, vct=f"{FUND}/000001@7")),
        "vct",
    ),
    "of another issuer": (
        lambda w: _successor(w, head(2, rev=2, prev=w.records[2].leaf, uscc=POLICE)),
        "issuer",
    ),
    "altered": (lambda w: _bent_successor(w, path=(bytes(32),)), "leaf-path"),
    "on a forged ledger": (lambda w: _bent_successor(w, ledger="0x" + "12" * 20), "ledger-address"),
    "on another chain": (lambda w: _bent_successor(w, chain_id=4), "chain"),
    "not anchored": (lambda w: _bent_successor(w, sequence=9), "anchored"),
}


@pytest.mark.parametrize(("stream", "vct"), [(Stream.ANSWERS, VCT_ANSWER), (Stream.READS, VCT_READ), (Stream.READS, VCT_ACT)])
def test_only_a_published_record_has_a_successor(stream: Stream, vct: str) -> None:
    """Elsewhere no check would look at whether it follows, so any anchored record could be passed off as the next one."""
    world = World()
    bundle = replace(world.stream_bundle(stream, vct), successor=world.successor())
    report = verify(world, bundle)
    assert (names(report, Outcome.FAILED), report.exit_code) == (["format"], 1)


def _successor(world: World, statement_head: Any) -> Bundle:
    world.revision = sealed(statement_head, name="测试甲")
    world.anchor([world.revision], (FUND, Stream.RECORDS, 2), NEXT_BLOCK)
    return replace(world.bundle(), successor=world.successor())


def _bent_successor(world: World, **changes: Any) -> Bundle:
    successor = world.successor()
    return replace(world.bundle(), successor=replace(successor, receipt=replace(successor.receipt, **changes)))


@pytest.mark.parametrize("title", BENT_SUCCESSORS)
def test_a_bent_successor_fails_by_name(title: str) -> None:
    world = World()
    world.view.mark(FUND, 1, 2, NEXT_BLOCK, Status.SUPERSEDED)
    bend, expected = BENT_SUCCESSORS[title]
    report = verify(world, bend(world))
    assert names(report, Outcome.FAILED) == [expected]
    assert report.check(expected).detail.startswith("successor: ")
    assert report.exit_code == 1


# -- pending --------------------------------------------------------------------------------------------


def test_pending_waits_for_the_receipt() -> None:
    world = World()
    report = verify(world, world.pending())
    assert names(report, Outcome.PASSED) == ["format", "deployment", "chain", "code-hash", "disclosures", "signature"]
    assert names(report, Outcome.PENDING) == [
        "ledger-address", "leaf-path", "issuer", "vct", "department-active-then", "anchored", "status",
    ]  # fmt: skip
    assert (report.exit_code, report.integrity) == (7, "pending")
    assert report.verdict.startswith("PENDING: not anchored as of block 100")


def test_pending_without_signature_fails() -> None:
    world = World()
    report = verify(world, world.pending(signed_by=None))
    assert (report.exit_code, names(report, Outcome.FAILED)) == (1, ["signature"])


def test_pending_without_a_view_fails() -> None:
    world = World()
    report = verify_bundle(world.pending(), world.deployment, None)
    assert (report.exit_code, names(report, Outcome.NOT_RUN)) == (1, ["chain", "code-hash", "signature"])


def test_pending_of_a_foreign_catalogue_entry_fails_at_once() -> None:
    world = World()
    record = sealed(head(1, vct=f"{POLICE}/000001@1"), name="测试甲")
    bundle = replace(
        world.pending(),
        statement=parse_statement(record.statement),
        disclosures=(),
        signed=sdjwt.sign(record.statement, signing_key(1)),
    )
    assert names(verify(world, bundle), Outcome.FAILED) == ["vct"]


def test_pending_with_a_successor_is_no_bundle() -> None:
    world = World()
    report = verify(world, replace(world.pending(), successor=world.successor()))
    assert names(report, Outcome.FAILED) == ["format"]


def test_pending_of_a_suspended_department_is_remarked() -> None:
    world = World()
    world.view.active[FUND] = [(2, 50)]
    report = verify(world, world.pending())
    assert (report.exit_code, codes(report)) == (7, ["department-not-active"])


def test_pending_answers_have_no_status() -> None:
    world = World()
    record = sealed(head(7, vct=VCT_ANSWER), result="none")
    bundle = replace(
        world.pending(),
        statement=parse_statement(record.statement),
        disclosures=(),
        signed=sdjwt.sign(record.statement, signing_key(1)),
    )
    report = verify(world, bundle)
    assert (report.exit_code, report.stream, [c.name for c in report.checks if c.name == "status"]) == (7, Stream.ANSWERS, [])


def test_a_batch_that_is_not_final_is_pending() -> None:
    world = World()
    world.deployment = replace(world.deployment, confirmations=81)
    report = verify(world, world.bundle())
    assert (report.exit_code, names(report, Outcome.PENDING)) == (7, ["vct", "department-active-then", "anchored", "status"])
    world.deployment = replace(world.deployment, confirmations=80)
    assert verify(world, world.bundle()).exit_code == 0


# -- as of ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "code"),
    [
        (AsOf(block=ANCHOR_BLOCK - 1), 7),
        (AsOf(block=ANCHOR_BLOCK), 0),
        (AsOf(block=49), 0),
        (AsOf(block=50), 5),
        (AsOf(block=100), 5),
        (AsOf(time=BLOCK_TIME_S + 19), 7),
        (AsOf(time=BLOCK_TIME_S + 20), 0),
        (AsOf(time=BLOCK_TIME_S + 49), 0),
        (AsOf(time=BLOCK_TIME_S + 50), 5),
        (None, 5),
    ],
)
def test_as_of_then(as_of: AsOf | None, code: int) -> None:
    world = World()
    world.view.mark(FUND, 1, 2, 50, Status.REVOKED)
    assert verify(world, world.bundle(), as_of).exit_code == code


@pytest.mark.parametrize("as_of", [AsOf(block=101), AsOf(time=BLOCK_TIME_S + 101)])
def test_the_future_is_not_known(as_of: AsOf) -> None:
    world = World()
    with pytest.raises(InputError) as caught:
        verify(world, world.bundle(), as_of)
    assert caught.value.code == "as-of-future"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", AsOf(block=0)),
        ("123", AsOf(block=123)),
        ("@1772000000", AsOf(time=1_772_000_000)),
        ("2026-02-25T06:13:20Z", AsOf(time=1_772_000_000)),
        ("2026-02-25T14:13:20+08:00", AsOf(time=1_772_000_000)),
    ],
)
def test_as_of_is_read(text: str, expected: AsOf) -> None:
    assert parse_as_of(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-25T06:13:20", "2026-02-25", "-1", "@", "@-1", "１２", "9" * 20])
def test_as_of_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_as_of(text)
    assert caught.value.code == "as-of-form"


@pytest.mark.parametrize("arguments", [{}, {"block": 1, "time": 1}])
def test_as_of_is_one_of_two(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="either"):
        AsOf(**arguments)


# -- signature and rotation -----------------------------------------------------------------------------


def test_a_signature_over_other_bytes() -> None:
    world = World()
    bundle = replace(world.bundle(), signed=sdjwt.sign(world.records[1].statement, signing_key(1)))
    assert names(verify(world, bundle), Outcome.FAILED) == ["signature"]


def test_a_signature_with_a_key_of_nobody() -> None:
    world = World()
    assert names(verify(world, world.bundle(signed_by=5)), Outcome.FAILED) == ["signature"]


def test_a_signature_of_another_department() -> None:
    world = World()
    assert names(verify(world, world.bundle(signed_by=2)), Outcome.FAILED) == ["signature"]


def test_an_altered_signature() -> None:
    world = World()
    jws = sdjwt.sign(world.records[2].statement, signing_key(1))
    body, _, mark = jws.rpartition(".")
    bundle = replace(world.bundle(), signed=f"{body}.{'B' if mark[0] == 'A' else 'A'}{mark[1:]}")
    assert names(verify(world, bundle), Outcome.FAILED) == ["signature"]


@pytest.mark.parametrize(
    ("sets", "signed_by", "code"),
    [
        ([(2, (1,)), (30, (3,))], 1, 0),
        ([(2, (1,)), (30, (3,))], 3, 0),
        ([(2, (1,)), (30, (3, 1))], 1, 0),
        ([(2, (1,)), (20, (3,))], 1, 1),
        ([(2, (1,)), (21, (3,))], 1, 0),
        ([(21, (1,))], 1, 0),
        ([(101, (1,))], 1, 1),
        ([(2, (1,)), (2, (3,))], 1, 1),
        ([], 1, 1),
    ],
)
def test_rotated_keys_keep_proving_what_was_anchored_while_they_ran(
    sets: list[tuple[int, tuple[int, ...]]], signed_by: int, code: int
) -> None:
    world = World()
    world.view.keys[FUND] = [KeySetFrom(block, key_set_bytes(FUND, *seeds)) for block, seeds in sets]
    assert verify(world, world.bundle(signed_by=signed_by)).exit_code == code


def test_a_key_registered_after_the_moment_of_interest() -> None:
    world = World()
    world.view.keys[FUND] = [KeySetFrom(2, key_set_bytes(FUND, 1)), KeySetFrom(60, key_set_bytes(FUND, 3))]
    assert verify(world, world.bundle(signed_by=3), AsOf(block=59)).exit_code == 1
    assert verify(world, world.bundle(signed_by=3), AsOf(block=60)).exit_code == 0


def test_pending_needs_a_key_registered_now() -> None:
    world = World()
    world.view.keys[FUND] = [KeySetFrom(2, key_set_bytes(FUND, 1)), KeySetFrom(60, key_set_bytes(FUND, 3))]
    assert verify(world, world.pending(signed_by=1)).exit_code == 1
    assert verify(world, world.pending(signed_by=3)).exit_code == 7


@pytest.mark.parametrize("broken", ["text", "no proof", "proof of another department"])
def test_a_key_set_without_possession_registers_no_key(broken: str) -> None:
    world = World()
    without = KeySet(parse_key_set(key_set_bytes(FUND, 1)).keys)
    data = {"text": b"{}", "no proof": without.serialise(), "proof of another department": key_set_bytes(POLICE, 1)}[broken]
    world.view.keys[FUND] = [KeySetFrom(2, data)]
    assert names(verify(world, world.bundle(signed_by=1)), Outcome.FAILED) == ["signature"]


# -- remarks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hint", [{"block_number": 21}, {"block_time": 1}, {"tx_hash": "0x" + "00" * 32}])
def test_a_wrong_hint_is_a_remark(hint: dict[str, Any]) -> None:
    world = World()
    report = verify(world, with_receipt(world.bundle(), **hint))
    assert (report.exit_code, codes(report)) == (3, ["hint-wrong"])
    assert "WITH A REMARK" in report.verdict


def test_compromised_since_before_the_anchoring() -> None:
    world = World()
    world.view.compromised[FUND] = ANCHOR_BLOCK
    assert codes(verify(world, world.bundle())) == ["compromised"]
    world.view.compromised[FUND] = ANCHOR_BLOCK + 1
    assert verify(world, world.bundle()).exit_code == 0


@pytest.mark.parametrize(
    ("delay_s", "expected"), [(86_400, []), (86_401, ["anchored-late"]), (-300, []), (-301, ["issued-after-anchoring"])]
)
def test_the_time_between_issue_and_anchoring(delay_s: int, expected: list[str]) -> None:
    world = World()
    record = sealed(replace(head(1), iat=BLOCK_TIME_S + ANCHOR_BLOCK - delay_s), name="测试甲")
    world.anchor([record], (FUND, Stream.RECORDS, 3), ANCHOR_BLOCK)
    bundle = replace(
        with_receipt(world.bundle(), sequence=3, index=0, size=1, root=record.leaf, path=()),
        statement=parse_statement(record.statement),
        disclosures=(),
    )
    assert [code for code in codes(verify(world, bundle)) if code != "hint-wrong"] == expected


def test_a_wrong_hint_of_the_successor_is_a_remark() -> None:
    world = World()
    world.view.mark(FUND, 1, 2, NEXT_BLOCK, Status.SUPERSEDED)
    report = verify(world, _bent_successor(world, block_number=3))
    assert (report.exit_code, codes(report)) == (4, ["hint-wrong"])


def test_precedence_of_exit_codes() -> None:
    world = World()
    world.view.mark(FUND, 1, 2, 50, Status.ERASED)
    remarked = with_receipt(world.bundle(), block_number=21)
    assert verify(world, remarked).exit_code == 6
    assert verify(world, remarked, AsOf(block=10)).exit_code == 7
    assert verify(world, with_receipt(remarked, chain_id=9)).exit_code == 1
    assert verify(world, with_receipt(remarked, chain_id=9), AsOf(block=10)).exit_code == 1


# -- the report ------------------------------------------------------------------------------------------


def test_no_verdict_says_valid_alone() -> None:
    world = World()
    world.view.mark(FUND, 1, 1, 50, Status.REVOKED)
    bundles = [world.bundle(), world.bundle(1), world.pending(), with_receipt(world.bundle(), chain_id=9)]
    for bundle in bundles:
        assert "valid" not in verify(world, bundle).verdict.lower()


def test_the_json_form_is_stable() -> None:
    world = World()
    members = verify(world, world.bundle()).to_json()
    assert list(members) == [
        "format", "verdict", "exit_code", "integrity", "status", "stream", "statement", "checks", "remarks", "notes", "values",
        "as_of", "anchored", "attachments",
    ]  # fmt: skip
    assert json.loads(json.dumps(members)) == members
    assert members["as_of"] == {"block_number": 100, "block_hash": world.view.block(100).hash, "block_time": BLOCK_TIME_S + 100}


def test_values_are_shown_only_when_they_belong_to_the_statement() -> None:
    world = World()
    report = verify(world, replace(world.bundle(), disclosures=sealed(head(1), name="测试乙").disclosures))
    assert report.values == {}
    assert "测试乙" not in "\n".join(report.lines())
    assert '  balance_yuan = "120000.00"' in verify(world, world.bundle()).lines()


def test_an_unknown_check_is_named() -> None:
    world = World()
    with pytest.raises(KeyError):
        verify(world, world.bundle()).check("signature")


# -- many bundles against one view ----------------------------------------------------------------------


def _bent(bundle: Bundle) -> list[Bundle]:
    """A bundle and its neighbours, each with one thing bent."""
    receipt = bundle.receipt
    assert receipt is not None
    return [
        bundle,
        with_receipt(bundle, index=(receipt.index + 1) % receipt.size),
        with_receipt(bundle, index=receipt.size + 7),
        with_receipt(bundle, path=(bytes(32), *receipt.path[1:])),
        with_receipt(bundle, root=bytes(32)),
        with_receipt(bundle, size=receipt.size + 1),
        with_receipt(bundle, sequence=receipt.sequence + 40),
        with_receipt(bundle, block_number=receipt.block_number + 1),
        with_receipt(bundle, tx_hash="0x" + "00" * 32),
        with_receipt(bundle, chain_id=receipt.chain_id + 1),
        with_receipt(bundle, genesis_hash="0x" + "00" * 32),
        with_receipt(bundle, ledger="0x" + "00" * 20),
        with_receipt(bundle, department=POLICE),
        with_receipt(bundle, stream=Stream.ANSWERS),
        with_receipt(bundle, stream=Stream.READS),
        replace(bundle, disclosures=bundle.disclosures[:1]),
        replace(bundle, disclosures=bundle.disclosures[:1] * 2),
        replace(bundle, receipt=None),
    ]


@pytest.mark.parametrize("state", ["in order", "revoked and compromised", "inactive"])
def test_a_verifier_of_many_says_of_each_what_is_said_of_it_alone(state: str) -> None:
    """Whatever was verified before, in whatever order: what is shared is never another batch's, issuer's or type's."""
    world = World()
    bundles = [bent for index in range(5) for bent in _bent(world.bundle(index))]
    bundles += [world.bundle(signed_by=1), *(replace(world.bundle(i), statement=world.bundle(0).statement) for i in range(1, 3))]
    bundles += [world.stream_bundle(Stream.ANSWERS, VCT_ANSWER), world.stream_bundle(Stream.READS, VCT_READ)]
    bundles += [world.stream_bundle(Stream.READS, VCT_ACT)]
    if state == "inactive":
        world.view.active[FUND] = []
    if state == "revoked and compromised":
        world.view.compromised[FUND] = ANCHOR_BLOCK
        world.view.mark(FUND, 1, 2, ANCHOR_BLOCK + 1, 2)
    alone = [verify_bundle(bundle, world.deployment, world.view) for bundle in bundles]
    assert len({report.verdict for report in alone}) >= 3
    for order in (list(range(len(bundles))), list(reversed(range(len(bundles))))):
        verifier = Verifier(world.deployment, world.view)
        for place in order:
            assert verifier.verify(bundles[place]) == alone[place]


def test_a_verifier_without_manifest_or_view_runs_nothing() -> None:
    world = World()
    for deployment, view in ((None, world.view), (world.deployment, None)):
        verifier = Verifier(deployment, view)
        for index in range(3):
            assert verifier.verify(world.bundle(index)) == verify_bundle(world.bundle(index), deployment, view)
