"""Which texts the chain shows, about which object, and who takes part: nobody else's event makes a text count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from xinlian.node.chain_state import ChainState, is_about, told_by
from xinlian.node.chain_state.documents import DocumentFacts

OWNER, ASKER, SOURCE, AUTHORITY = "11411599MBDEM00311", "12411599MBDEM00233", "11411599MBDEM0066K", "11411599MBDEM0015B"
NUMBER = 20260924000001
REQUEST, DATASET = f"request {ASKER}/{NUMBER}", f"dataset {OWNER}/000007@2"
DIGEST = bytes(range(1, 33))
WORD = "0x" + DIGEST.hex()
ENTRY = {"owner": OWNER, "serial": 7, "version": 2}


@dataclass(frozen=True, slots=True)
class Fact:
    """An event as the projection reads it."""

    name: str
    args: dict[str, Any]
    block_number: int = 1
    block_time: int = 100


ABOUT: list[tuple[Fact, str, set[str]]] = [
    (Fact("DatasetProposed", {**ENTRY, "round": 1, "proposal": {"headConsent": WORD}}), DATASET, {OWNER}),
    (Fact("DatasetReturned", {**ENTRY, "document": WORD}), DATASET, {OWNER}),
    (Fact("DatasetUpdateOpened", {"owner": OWNER, "serial": 7, "document": WORD}), f"dataset {OWNER}/000007", {OWNER}),
    (
        Fact("RequestSubmitted", {"requester": ASKER, "number": NUMBER, "provider": OWNER, "document": WORD}),
        REQUEST,
        {ASKER, OWNER},
    ),
    (Fact("RequestAgreed", {"requester": ASKER, "number": NUMBER, "document": WORD}), REQUEST, {ASKER}),
    (
        Fact("GrantGiven", {"provider": OWNER, "number": 3, "receiver": ASKER, "request": NUMBER, "document": WORD}),
        REQUEST,
        {ASKER, OWNER},
    ),
    (
        Fact("CorrectionForwarded", {"receiver": ASKER, "number": 4, "source": SOURCE, "document": WORD}),
        f"correction {ASKER}/4",
        {ASKER, SOURCE},
    ),
]


@pytest.mark.parametrize(("event", "ref", "parties"), ABOUT)
def test_an_event_tells_object_parties_and_digest(event: Fact, ref: str, parties: set[str]) -> None:
    told = told_by(event)
    assert told is not None
    assert (told.object_ref, set(told.parties)) == (ref, parties)
    assert [(one.digest, one.object_ref, one.event, one.at_s) for one in told.shown] == [(DIGEST, ref, event.name, 100)]


@pytest.mark.parametrize(
    "event",
    [
        Fact("BatchAnchored", {"department": OWNER, "root": WORD}),
        Fact("CaseOpened", {"lead": ASKER, "caseNo": WORD}),
        Fact("GrantGiven", {"provider": OWNER, "number": 3, "receiver": ASKER}),
        Fact("RequestAgreed", {"requester": ASKER, "number": 2**60, "document": WORD}),
    ],
)
def test_an_event_without_an_object_of_texts_tells_nothing(event: Fact) -> None:
    assert told_by(event) is None


def test_no_digest_is_none_and_whoever_records_a_delay_takes_no_part() -> None:
    told = told_by(Fact("RequestOverdue", {"requester": ASKER, "number": NUMBER, "recordedBy": SOURCE}))
    assert told is not None
    assert (set(told.parties), len(told.shown)) == ({ASKER}, 0)
    zero = told_by(Fact("DatasetReturned", {**ENTRY, "document": "0x" + "00" * 32}))
    assert zero is not None
    assert zero.shown == ()


def test_a_text_counts_for_its_own_object_only_and_first_wins() -> None:
    facts = DocumentFacts()
    stolen = Fact("RequestAgreed", {"requester": SOURCE, "number": NUMBER, "document": WORD})
    facts.apply(stolen)
    assert facts.shown(DIGEST, REQUEST) is None
    for event in (ABOUT[3][0], Fact("RequestAgreed", ABOUT[4][0].args, 2, 200)):
        facts.apply(event)
    first = facts.shown(DIGEST, REQUEST)
    assert first is not None
    assert (first.event, first.at_s) == ("RequestSubmitted", 100)
    assert facts.parties(REQUEST) == {ASKER, OWNER}
    assert [one.event for one in facts.of_object(REQUEST)] == ["RequestSubmitted", "RequestAgreed"]
    assert len(list(facts.everything())) == 3
    assert facts.shown(bytes(32), REQUEST) is None


def test_an_event_about_a_dataset_as_a_whole_shows_texts_about_its_versions() -> None:
    whole = f"dataset {OWNER}/000007"
    assert is_about(DATASET, whole)
    assert is_about(DATASET, DATASET)
    assert not is_about(f"dataset {OWNER}/000007@21", DATASET)
    assert not is_about(f"dataset {OWNER}/000008@2", whole)
    assert not is_about(whole, DATASET)


def test_the_projection_gathers_them_and_forgets_what_a_rollback_takes_back() -> None:
    opened = {"receiver": ASKER, "number": 4, "provider": OWNER, "grantNumber": 1, "serial": 7, "version": 2}
    opening = Fact("CorrectionOpened", {**opened, "target": WORD, "evidence": WORD, "document": WORD})
    forwarding = Fact(
        "CorrectionForwarded", {"receiver": ASKER, "number": 4, "source": SOURCE, "document": "0x" + "22" * 32}, 2, 200
    )
    state = ChainState([opening, forwarding])
    ref = f"correction {ASKER}/4"
    assert state.documents.parties(ref) == {ASKER, OWNER, SOURCE}
    assert state.documents.shown(b"\x22" * 32, ref) is not None
    state.rebuild([opening])
    assert state.documents.parties(ref) == {ASKER, OWNER}
    assert state.documents.shown(b"\x22" * 32, ref) is None
    assert state.documents.shown(DIGEST, ref) is not None


def test_an_event_about_something_unknown_shows_nothing() -> None:
    state = ChainState([Fact("DatasetReturned", {**ENTRY, "document": WORD})])
    assert state.orphans == 1
    assert state.documents.shown(DIGEST, DATASET) is None
