"""The acknowledgement: which notice, what the receiver did about it, bound to the message that carried the notice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from xinlian.protocol.envelope import RID_FORM, Rid
from xinlian.protocol.errors import PeerError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.notices.corrected import Noted
from xinlian.protocol.notices.document import StoredText
from xinlian.protocol.notices.erased import Done
from xinlian.protocol.notices.finding import KnownFinding
from xinlian.protocol.notices.notice import Notice
from xinlian.protocol.notices.words import (
    ID_FORM,
    LEAF_FORM,
    MAX_DEPTH,
    MAX_MESSAGE_BYTES,
    VERSION,
    NoticeCheck,
    NoticeId,
    NoticeKind,
    NoticeOutcome,
)
from xinlian.protocol.types import EpochS

Result = Done | StoredText | Noted | KnownFinding
"""What is said of what was done, of all kinds."""

_RESULTS: Final[Mapping[NoticeKind, Callable[[object, Where], Result]]] = MappingProxyType(
    {
        NoticeKind.ERASED: Done.of,
        NoticeKind.DOCUMENT: StoredText.of,
        NoticeKind.CORRECTED: Noted.of,
        NoticeKind.FINDING: KnownFinding.of,
    }
)
_MEMBERS: Final = ("v", "rid", "notice_digest", "notice", "kind", "outcome", "check", "time", "body")
_WHERE: Final = Where("acknowledgement-form", "acknowledgement")


@dataclass(frozen=True, slots=True)
class Facts:
    """What an acknowledgement says however often it is given.

    Args:
        notice: id of the notice.
        kind: of the notice.
        outcome: what was done.
        check: the failed check; ``None`` unless refused.
        time: epoch seconds, when it was done.
        result: of the kind; ``None`` when refused.
    """

    notice: NoticeId
    kind: NoticeKind
    outcome: NoticeOutcome
    check: NoticeCheck | None
    time: EpochS
    result: Result | None

    @classmethod
    def done(cls, notice: Notice, result: Result, time: EpochS) -> Facts:
        """Say what was done."""
        return cls(notice.id, notice.kind, result.outcome, None, time, result)

    @classmethod
    def refused(cls, notice: Notice, check: NoticeCheck, time: EpochS) -> Facts:
        """Say why nothing was done."""
        return cls(notice.id, notice.kind, NoticeOutcome.REFUSED, check, time, None)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The sealed answer to a notice.

    Args:
        rid: of the message.
        notice_digest: SHA-256 of the message's ciphertext, 32 bytes.
        facts: what it says.
    """

    rid: Rid
    notice_digest: bytes
    facts: Facts


def dumps_acknowledgement(acknowledgement: Acknowledgement) -> bytes:
    """Return the bytes of an acknowledgement, after the same checks as ``parse_acknowledgement``.

    Raises:
        InputError: as ``parse_acknowledgement``.
    """
    facts = acknowledgement.facts
    raw = dumps_canonical(
        {
            "v": VERSION,
            "rid": acknowledgement.rid,
            "notice_digest": acknowledgement.notice_digest.hex(),
            "notice": facts.notice,
            "kind": facts.kind.value,
            "outcome": facts.outcome.value,
            "check": None if facts.check is None else facts.check.value,
            "time": facts.time,
            "body": None if facts.result is None else facts.result.to_json(),
        }
    )
    parse_acknowledgement(raw)
    return raw


def parse_acknowledgement(raw: bytes) -> Acknowledgement:
    """Read an acknowledgement.

    Args:
        raw: UTF-8 JSON, at most ``MAX_MESSAGE_BYTES``.

    Raises:
        InputError: ``acknowledgement-form``, ``json-*``, ``too-large``.
    """
    members = Members.of(loads_strict(raw, max_bytes=MAX_MESSAGE_BYTES, max_depth=MAX_DEPTH), _MEMBERS, _WHERE)
    members.integer("v", VERSION, VERSION)
    return Acknowledgement(
        Rid(members.text("rid", RID_FORM)), bytes.fromhex(members.text("notice_digest", LEAF_FORM)), _facts(members)
    )


def _facts(members: Members) -> Facts:
    kind, outcome = members.choice("kind", NoticeKind), members.choice("outcome", NoticeOutcome)
    check = None if members.values["check"] is None else members.choice("check", NoticeCheck)
    body = members.values["body"]
    result = None if body is None else _RESULTS[kind](body, _WHERE.at("body"))
    is_refused = outcome is NoticeOutcome.REFUSED
    if (check is not None, result is None) != (is_refused, is_refused):
        raise _WHERE.error("a check when refused, a body otherwise")
    if result is not None and result.outcome is not outcome:
        raise _WHERE.at("outcome").error("the outcome that the body gives")
    notice, time = NoticeId(members.text("notice", ID_FORM)), EpochS(members.integer("time", 0))
    return Facts(notice, kind, outcome, check, time, result)


def dumps_facts(facts: Facts) -> bytes:
    """Return the facts alone, as they are kept."""
    return dumps_acknowledgement(Acknowledgement(_NO_RID, bytes(32), facts))


def parse_facts(raw: bytes) -> Facts:
    """Read what ``dumps_facts`` wrote."""
    return parse_acknowledgement(raw).facts


_NO_RID: Final = Rid("A" * 22)


def check_acknowledges(acknowledgement: Acknowledgement, notice: Notice, rid: Rid, ciphertext: bytes) -> None:
    """Check that an acknowledgement is of this notice and of the message that carried it.

    Raises:
        PeerError: ``acknowledgement-mismatch`` naming the member.
    """
    for member, agrees in (
        ("rid", acknowledgement.rid == rid),
        ("notice_digest", acknowledgement.notice_digest == hashlib.sha256(ciphertext).digest()),
        ("notice", acknowledgement.facts.notice == notice.id),
        ("kind", acknowledgement.facts.kind is notice.kind),
    ):
        if not agrees:
            text = f"{member}: the acknowledgement does not belong to this notice"
            raise PeerError("acknowledgement-mismatch", text, member=member)
