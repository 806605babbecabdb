"""Handing over: own texts that the chain shows go once to everybody who takes part, and nothing else goes anywhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest

from xinlian.node.chain_state import ChainState
from xinlian.node.documents import Documents, Sides
from xinlian.node.handing import Handing
from xinlian.protocol.documents import Document, make_document
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError
from xinlian.protocol.notices import HandedText, parse_notice
from xinlian.protocol.types import Uscc
from xinlian.store import documents as table
from xinlian.store import notices, parked
from xinlian.store.notices import Answered
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction

PROVIDER, RECEIVER, SOURCE = "11411599MBDEM00311", "12411599MBDEM00233", "11411599MBDEM0066K"
AUTHORITY, STRANGER = "11411599MBDEM0015B", "11411599MBDEM0074E"
REF = f"correction {RECEIVER}/4"
NOW = 1_793_500_000


@dataclass(frozen=True, slots=True)
class Fact:
    """An event as the projection reads it."""

    name: str
    args: dict[str, Any]
    block_number: int = 1
    block_time: int = 100


def opened(document: bytes, number: int = 4, receiver: str = RECEIVER) -> Fact:
    args = {"receiver": receiver, "number": number, "provider": PROVIDER, "grantNumber": 1, "serial": 7, "version": 2}
    word = "0x" + document.hex()
    return Fact("CorrectionOpened", {**args, "target": word, "evidence": word, "document": word})


def forwarded(document: bytes) -> Fact:
    return Fact("CorrectionForwarded", {"receiver": RECEIVER, "number": 4, "source": SOURCE, "document": "0x" + document.hex()})


@dataclass(slots=True)
class Office:
    """The node of the receiver of a correction."""

    store: Store
    sealer: Sealer
    department: str = RECEIVER
    authority: str | None = AUTHORITY
    state: ChainState = field(default_factory=ChainState)

    @property
    def handing(self) -> Handing:
        sides = Sides(Uscc(self.department), None if self.authority is None else Uscc(self.authority))
        documents = Documents(sides, self.store.node, self.sealer, os.urandom, lambda: 5, self.state)
        return Handing(documents, lambda: float(NOW))

    def keep(self, kind: str = "correction-application", ref: str = REF, sender: str | None = None) -> Document:
        document = make_document(kind, ref, {"text": "只有双方知道"}, os.urandom(32))
        self.store.node.submit(lambda tx: table.put(tx, self.sealer, document, sender, 5)).result(5)
        return document

    def follow(self, *events: Fact) -> None:
        """One step of the follower."""
        self.store.node.submit(lambda tx: self.handing.followed(tx, events)).result(5)
        for event in events:
            self.state.apply(event)

    def told(self, document: Document) -> list[str]:
        with self.store.node.read() as reader:
            return [row.recipient for row in notices.of_document(reader, document.digest)]

    def run(self, job: Any) -> Any:
        return self.store.node.submit(job).result(5)


@pytest.fixture
def office(store: Store, sealer: Sealer) -> Office:
    return Office(store, sealer)


def test_an_own_text_goes_to_every_party_and_the_authority_once(office: Office) -> None:
    document = office.keep()
    assert office.told(document) == []
    office.follow(opened(document.digest))
    assert office.told(document) == [AUTHORITY, PROVIDER]
    with office.store.node.read() as reader:
        row = notices.of_document(reader, document.digest)[1]
        notice = parse_notice(notices.raw_of(office.sealer, row))
    assert notice.body == HandedText(bytes(document.digest), document.salt, document.text)
    assert (notice.from_uscc, notice.to_uscc) == (RECEIVER, PROVIDER)
    office.follow(opened(document.digest))  # the same events again, after a rollback
    assert office.told(document) == [AUTHORITY, PROVIDER]


def test_who_joins_later_gets_what_was_shown_before(office: Office) -> None:
    first = office.keep()
    office.follow(opened(first.digest))
    office.follow(forwarded(b"\x22" * 32))
    assert office.told(first) == [AUTHORITY, PROVIDER, SOURCE]


def test_one_step_with_several_events_is_the_same_as_several_steps(office: Office) -> None:
    first = office.keep()
    office.follow(opened(first.digest), forwarded(b"\x22" * 32))
    assert sorted(office.told(first)) == sorted([AUTHORITY, PROVIDER, SOURCE])


def test_without_an_authoritys_department_only_the_parties_get_it(store: Store, sealer: Sealer) -> None:
    office = Office(store, sealer, authority=None)
    document = office.keep()
    office.follow(opened(document.digest))
    assert office.told(document) == [PROVIDER]


def test_the_authority_hands_its_own_texts_to_the_parties(store: Store, sealer: Sealer) -> None:
    office = Office(store, sealer, department=AUTHORITY)
    document = office.keep()
    office.follow(opened(document.digest))
    assert office.told(document) == [PROVIDER, RECEIVER]


def test_what_is_foreign_internal_or_about_something_else_goes_nowhere(office: Office) -> None:
    foreign = office.keep(sender=PROVIDER)
    internal = [office.keep(kind) for kind in ("proposal", "sent-back")]
    other = office.keep(ref=f"correction {RECEIVER}/5")
    for document in (foreign, *internal, other):
        office.follow(opened(document.digest))
    stolen = office.keep()
    office.follow(opened(stolen.digest, receiver=STRANGER))  # another department repeats the digest in an event of its own
    assert [office.told(document) for document in (foreign, *internal, other, stolen)] == [[]] * 5


def test_a_text_whose_row_was_altered_stops_nothing(office: Office) -> None:
    broken, good = office.keep(), office.keep()
    office.run(lambda tx: tx.run("UPDATE documents SET content_sealed = x'00' WHERE digest = ?", (bytes(broken.digest),)))
    office.follow(opened(broken.digest), forwarded(good.digest))
    assert office.told(broken) == []
    assert sorted(office.told(good)) == sorted([AUTHORITY, PROVIDER, SOURCE])


# -- by hand ---------------------------------------------------------------------------------------------


async def test_a_text_is_handed_over_again_to_who_takes_part(office: Office) -> None:
    document = office.keep()
    office.follow(opened(document.digest))

    def settle(tx: Transaction) -> None:
        rows = notices.of_document(tx, document.digest)
        notices.answered(tx, rows[1].id, Answered(notices.REFUSED, "refused", "{}", "refused-notice-unshown", NOW))
        parked.park(tx, notices.PARKED_KIND, rows[1].notice_id, "refused-notice-unshown", NOW)

    office.run(settle)
    before = office.handing.deliveries(document.digest)
    assert [(one["recipient"], one["state"], one["parked"]) for one in before] == [
        (AUTHORITY, "to-tell", False),
        (PROVIDER, "refused", True),
    ]
    again = await office.handing.again(document.digest, PROVIDER)
    assert (again["state"], again["attempts"], again["parked"]) == ("to-tell", 0, False)
    assert again["notice"] != before[1]["notice"]
    assert office.told(document) == [AUTHORITY, PROVIDER]
    with office.store.node.read() as reader:
        assert parked.count(reader) == 0
        assert len(notices.due(reader, NOW, 9)) == 2


async def test_a_text_that_never_went_out_is_handed_over_by_hand(store: Store, sealer: Sealer) -> None:
    """The setting named no authority's department when the chain showed it."""
    office = Office(store, sealer, authority=None)
    document = office.keep()
    office.follow(opened(document.digest))
    office.authority = AUTHORITY
    assert (await office.handing.again(document.digest, AUTHORITY))["recipient"] == AUTHORITY
    assert office.told(document) == [PROVIDER, AUTHORITY]


async def test_by_hand_a_text_goes_to_nobody_else(office: Office) -> None:
    shown, foreign, internal, waiting = office.keep(), office.keep(sender=PROVIDER), office.keep("proposal"), office.keep()
    office.follow(opened(shown.digest), forwarded(internal.digest))
    wrong: list[tuple[bytes, str, type[Exception], str]] = [
        (shown.digest, STRANGER, InputError, "document-recipient"),
        (shown.digest, RECEIVER, InputError, "document-recipient"),
        (foreign.digest, PROVIDER, ConflictError, "document-not-own"),
        (internal.digest, PROVIDER, ConflictError, "document-not-own"),
        (waiting.digest, PROVIDER, ConflictError, "document-not-shown"),
        (bytes(32), PROVIDER, NotFoundError, "document-unknown"),
    ]
    for digest, recipient, kind, code in wrong:
        with pytest.raises(kind) as caught:
            await office.handing.again(digest, recipient)
        assert getattr(caught.value, "code", None) == code
    with pytest.raises(NotFoundError) as unknown:
        office.handing.deliveries(bytes(32))
    assert unknown.value.code == "document-unknown"
    assert office.told(shown) == [AUTHORITY, PROVIDER, SOURCE]
