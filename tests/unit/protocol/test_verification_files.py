"""Files beside a bundle: one further check, only when asked, on proven values alone."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tests.support.evidence import ANCHOR_BLOCK, FUND, World, head, receipt, sealed
from tests.support.fake_view import BLOCK_TIME_S
from xinlian.protocol.attachments import PDF, PNG, FileValue
from xinlian.protocol.bundle import Bundle, dumps
from xinlian.protocol.record import parse_statement
from xinlian.protocol.report import Outcome, Report
from xinlian.protocol.types import EpochS, Status, Stream
from xinlian.protocol.verification import checks_of, verify_bytes
from xinlian.protocol.verification_files import GivenFile, with_files

SCAN = FileValue(sha256(b"scan").hexdigest(), 4, PDF, "授权书.pdf")
PHOTO = FileValue(sha256(b"photo").hexdigest(), 5, PNG, "照片.png")
GOOD = GivenFile("a.pdf", SCAN.sha256, 4)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def bundle(world: World) -> Bundle:
    """A record that discloses two files, and does not disclose a third."""
    kept = FileValue(sha256(b"kept").hexdigest(), 4, PDF, "x.pdf")
    values = {"no": "1", "scan": SCAN.to_json(), "photo": PHOTO.to_json(), "kept": kept.to_json()}
    record = sealed(head(8), **values)
    slot = (FUND, Stream.RECORDS, 3)
    world.anchor([record], slot, ANCHOR_BLOCK)
    proof = receipt([record], 0, slot, ANCHOR_BLOCK)
    return Bundle(parse_statement(record.statement), record.disclosures[:3], proof, None, None, EpochS(BLOCK_TIME_S + 60))


def verified(world: World, bundle: Bundle) -> Report:
    return verify_bytes(dumps(bundle), world.deployment, world.view)


def test_a_report_lists_the_files_that_proven_values_name(world: World, bundle: Bundle) -> None:
    report = verified(world, bundle)
    assert report.attachments == (("scan", SCAN), ("photo", PHOTO))
    assert report.to_json()["attachments"] == [{"field": "scan", **SCAN.to_json()}, {"field": "photo", **PHOTO.to_json()}]
    assert verified(world, world.bundle()).to_json()["attachments"] == []


def test_without_files_nothing_is_added(world: World, bundle: Bundle) -> None:
    report = verified(world, bundle)
    assert with_files(report, []) == report
    assert tuple(check.name for check in report.checks) == checks_of(Stream.RECORDS, signed=False)


def test_files_that_proven_values_name_pass(world: World, bundle: Bundle) -> None:
    report = with_files(verified(world, bundle), [GOOD, GivenFile("b.png", PHOTO.sha256, 5)])
    assert (report.exit_code, report.check("attachment").outcome) == (0, Outcome.PASSED)
    assert report.check("attachment").detail == "a.pdf is scan; b.png is photo"
    assert [check.name for check in report.checks[:-1]] == list(checks_of(Stream.RECORDS, signed=False))


@pytest.mark.parametrize(
    "strange",
    [
        replace(GOOD, sha256=sha256(b"Scan").hexdigest()),
        replace(GOOD, bytes=5),
        GivenFile("x.pdf", sha256(b"kept").hexdigest(), 4),
    ],
    ids=["other content", "other length", "not disclosed"],
)
def test_a_file_that_no_value_names_fails(world: World, bundle: Bundle, strange: GivenFile) -> None:
    report = with_files(verified(world, bundle), [GOOD, strange])
    assert (report.exit_code, report.check("attachment").outcome) == (1, Outcome.FAILED)
    assert report.check("attachment").detail == f"no disclosed value names {strange.label}"
    assert report.verdict == "NOT PROVEN: checks failed: attachment; checks not run: none"


def test_a_bundle_without_file_values_names_no_file(world: World) -> None:
    report = with_files(verified(world, world.bundle()), [GOOD])
    assert (report.exit_code, report.check("attachment").outcome) == (1, Outcome.FAILED)


def test_a_right_file_does_not_outweigh_the_status(world: World, bundle: Bundle) -> None:
    world.view.mark(FUND, 3, 0, 30, int(Status.REVOKED))
    assert with_files(verified(world, bundle), [GOOD]).exit_code == 5


@pytest.mark.parametrize("spoil", ["disclosures", "format"])
def test_nothing_counts_while_the_values_are_not_proven(world: World, bundle: Bundle, spoil: str) -> None:
    foreign = sealed(head(9), scan=PHOTO.to_json()).disclosures
    spoilt = dumps(replace(bundle, disclosures=(*bundle.disclosures[:1], *foreign)))
    data = spoilt if spoil == "disclosures" else b"{}"
    report = with_files(verify_bytes(data, world.deployment, world.view), [GivenFile("b.png", PHOTO.sha256, 5)])
    assert report.attachments == ()
    assert (report.exit_code, report.check("attachment").outcome) == (1, Outcome.NOT_RUN)
