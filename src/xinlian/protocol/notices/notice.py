"""The notice itself: what is told once and for all, and the message that carries it to its receiver.

A notice's bytes are made once; every attempt to tell it seals them anew, into a message that is of its time (60 s) and has a
reply key of its own. The receiver knows a notice again by its id and its bytes, whatever message they come in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.envelope import KID_FORM, RID_FORM, USCC_FORM, Direction, EnvelopeHeader, Rid
from xinlian.protocol.errors import InputError, RefusedError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages import ProviderCheck
from xinlian.protocol.notices.corrected import Corrected
from xinlian.protocol.notices.document import HandedText
from xinlian.protocol.notices.erased import Erased
from xinlian.protocol.notices.finding import ToldFinding
from xinlian.protocol.notices.words import (
    ID_FORM,
    MAX_DEPTH,
    MAX_LIFE_S,
    MAX_MESSAGE_BYTES,
    MAX_NOTICE_BYTES,
    MAX_WINDOW_S,
    VERSION,
    NoticeId,
    NoticeKind,
)
from xinlian.protocol.types import EpochS, KeyId, Uscc

Body = Erased | HandedText | Corrected | ToldFinding
"""The bodies of all kinds."""

_BODIES: Final[Mapping[NoticeKind, Callable[[object, Where], Body]]] = MappingProxyType(
    {
        NoticeKind.ERASED: Erased.of,
        NoticeKind.DOCUMENT: HandedText.of,
        NoticeKind.CORRECTED: Corrected.of,
        NoticeKind.FINDING: ToldFinding.of,
    }
)
_NOTICE: Final = ("v", "notice", "from", "to", "kind", "created", "expires", "body")
_MESSAGE: Final = ("v", "rid", "from", "to", "signing_key", "sealing_key", "reply_key", "created", "expires", "notice")
_WHERE: Final = Where("notice-form", "notice")


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to one receiver.

    Args:
        id: 32 hex.
        from_uscc: who tells.
        to_uscc: who is told.
        created: epoch seconds, wall clock.
        expires: epoch seconds, at most 366 days after ``created``.
        body: of its kind.
    """

    id: NoticeId
    from_uscc: Uscc
    to_uscc: Uscc
    created: EpochS
    expires: EpochS
    body: Body

    @property
    def kind(self) -> NoticeKind:
        """What it says."""
        return self.body.kind


def dumps_notice(notice: Notice) -> bytes:
    """Return a notice's bytes, after the same checks as ``parse_notice``.

    Raises:
        InputError: as ``parse_notice``.
    """
    raw = dumps_canonical(
        {
            "v": VERSION,
            "notice": notice.id,
            "from": notice.from_uscc,
            "to": notice.to_uscc,
            "kind": notice.kind.value,
            "created": notice.created,
            "expires": notice.expires,
            "body": notice.body.to_json(),
        }
    )
    parse_notice(raw)
    return raw


def parse_notice(raw: bytes) -> Notice:
    """Read a notice.

    Args:
        raw: UTF-8 JSON, at most ``MAX_NOTICE_BYTES``.

    Raises:
        InputError: ``notice-form`` (also for a kind that is not known here), ``notice-too-large``, ``json-*``.
    """
    if len(raw) > MAX_NOTICE_BYTES:
        raise InputError("notice-too-large", f"a notice has at most {MAX_NOTICE_BYTES} bytes")
    members = Members.of(loads_strict(raw, max_bytes=MAX_NOTICE_BYTES, max_depth=MAX_DEPTH), _NOTICE, _WHERE)
    members.integer("v", VERSION, VERSION)
    created, expires = members.integer("created", 0), members.integer("expires", 0)
    if not 0 < expires - created <= MAX_LIFE_S:
        raise _WHERE.at("expires").error(f"1 to {MAX_LIFE_S} s after created")
    read = _BODIES[members.choice("kind", NoticeKind)]
    return Notice(
        NoticeId(members.text("notice", ID_FORM)),
        Uscc(members.text("from", USCC_FORM)),
        Uscc(members.text("to", USCC_FORM)),
        EpochS(created),
        EpochS(expires),
        read(members.values["body"], _WHERE.at("body")),
    )


@dataclass(frozen=True, slots=True)
class NoticeMessage:
    """The sealed text that carries a notice.

    Args:
        rid: id of this message, fresh for every attempt.
        from_uscc: sender.
        to_uscc: receiver.
        signing_kid: the sender's signing key.
        sealing_kid: the receiver's key it is sealed to.
        reply_key: fresh X25519 public key, 32 bytes, for this acknowledgement only.
        created: epoch seconds, wall clock.
        expires: epoch seconds, at most 60 s after ``created``.
        notice: the notice's exact bytes.
    """

    rid: Rid
    from_uscc: Uscc
    to_uscc: Uscc
    signing_kid: KeyId
    sealing_kid: KeyId
    reply_key: bytes
    created: EpochS
    expires: EpochS
    notice: bytes


def dumps_message(message: NoticeMessage) -> bytes:
    """Return the bytes of a message, after the same checks as ``parse_message``.

    Raises:
        InputError: as ``parse_message``.
    """
    raw = dumps_canonical(
        {
            "v": VERSION,
            "rid": message.rid,
            "from": message.from_uscc,
            "to": message.to_uscc,
            "signing_key": message.signing_kid,
            "sealing_key": message.sealing_kid,
            "reply_key": b64u(message.reply_key),
            "created": message.created,
            "expires": message.expires,
            "notice": b64u(message.notice),
        }
    )
    parse_message(raw)
    return raw


def parse_message(raw: bytes) -> NoticeMessage:
    """Read a message; what it carries is read by ``parse_notice``.

    Args:
        raw: UTF-8 JSON, at most ``MAX_MESSAGE_BYTES``.

    Raises:
        InputError: ``notice-form``, ``notice-too-large``, ``json-*``, ``base64-form``.
    """
    if len(raw) > MAX_MESSAGE_BYTES:
        raise InputError("notice-too-large", f"a message has at most {MAX_MESSAGE_BYTES} bytes")
    where = Where("notice-form", "message")
    members = Members.of(loads_strict(raw, max_bytes=MAX_MESSAGE_BYTES, max_depth=MAX_DEPTH), _MESSAGE, where)
    members.integer("v", VERSION, VERSION)
    created, expires = members.integer("created", 0), members.integer("expires", 0)
    if not 0 < expires - created <= MAX_WINDOW_S:
        raise where.at("expires").error(f"1 to {MAX_WINDOW_S} s after created")
    carried = members.values["notice"]
    if not isinstance(carried, str):
        raise where.at("notice").error("the notice's bytes as base64url")
    return NoticeMessage(
        Rid(members.text("rid", RID_FORM)),
        Uscc(members.text("from", USCC_FORM)),
        Uscc(members.text("to", USCC_FORM)),
        KeyId(members.text("signing_key", KID_FORM)),
        KeyId(members.text("sealing_key", KID_FORM)),
        unb64u(members.text("reply_key", KID_FORM)),
        EpochS(created),
        EpochS(expires),
        unb64u(carried),
    )


def check_carried(message: NoticeMessage, header: EnvelopeHeader, notice: Notice) -> None:
    """Check that envelope, message and notice speak of the same parties, keys and call.

    Raises:
        InputError: ``envelope-mismatch`` naming the member.
    """
    for member, agrees in (
        ("direction", header.direction is Direction.NOTICE),
        ("rid", message.rid == header.rid),
        ("from", message.from_uscc == header.from_uscc == notice.from_uscc),
        ("to", message.to_uscc == header.to_uscc == notice.to_uscc),
        ("signing_key", message.signing_kid == header.from_kid),
        ("sealing_key", message.sealing_kid == header.to_kid),
    ):
        if not agrees:
            raise InputError("envelope-mismatch", f"{member}: notice and envelope disagree", member=member)


def check_message_time(message: NoticeMessage, now_s: int, skew_s: int) -> None:
    """Check that a message is of this time: ``created - skew <= now < expires + skew``.

    Raises:
        RefusedError: ``request-expired`` with check ``expired``.
    """
    if not message.created - skew_s <= now_s < message.expires + skew_s:
        raise RefusedError("request-expired", "the message is not of this time", check=ProviderCheck.EXPIRED.value)
