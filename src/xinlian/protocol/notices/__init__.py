"""Notices between nodes: one department's node tells another's about something that concerns it, and is told what was done.

Rules
1. A notice travels like a request (signed, HPKE sealed to the receiver's registered key), but under a label, a direction and a
   tag of its own: what was made as the one never passes as the other. Nothing is negotiated.
2. A notice has an id of 128 random bits, a kind out of a closed list, and a body with exactly the members of its kind. Its bytes
   never change; how often it is told, and in which message, does not matter.
3. The acknowledgement is signed and sealed to a key made for it, covers the ciphertext of the message, and says what was done, or
   the one check that failed. Given twice, it says the same.
4. Parsing checks shape and bounds only; whether a notice is followed is decided by the receiver's ``NoticeCheck``s.

A further kind: a member of ``NoticeKind``, a body and a result class beside ``erased``, an entry in ``notice`` and in
``acknowledgement``.

Codes: ``notice-form``, ``notice-too-large``, ``acknowledgement-form``, ``acknowledgement-mismatch``, ``request-expired``,
``refused-notice-*``.

Example::

    message = parse_message(open_request(header, body, key))
    notice = parse_notice(message.notice)
    check_carried(message, header, notice)

Source: design 4.4; docs/protocol-exchange.md; PIPL art. 47.
"""

from xinlian.protocol.notices.acknowledgement import (
    Acknowledgement,
    Facts,
    Result,
    check_acknowledges,
    dumps_acknowledgement,
    dumps_facts,
    parse_acknowledgement,
    parse_facts,
)
from xinlian.protocol.notices.corrected import Corrected, Noted
from xinlian.protocol.notices.document import HandedText, StoredText
from xinlian.protocol.notices.erased import Concerned, Done, Erased, Kept
from xinlian.protocol.notices.finding import KnownFinding, ToldFinding
from xinlian.protocol.notices.notice import (
    Body,
    Notice,
    NoticeMessage,
    check_carried,
    check_message_time,
    dumps_message,
    dumps_notice,
    parse_message,
    parse_notice,
)
from xinlian.protocol.notices.words import (
    BASIS_FORM,
    MAX_LIFE_S,
    MAX_REVISIONS,
    MAX_RIDS,
    NoticeCheck,
    NoticeId,
    NoticeKind,
    NoticeOutcome,
    notice_refusal,
)

__all__ = [
    "BASIS_FORM",
    "MAX_LIFE_S",
    "MAX_REVISIONS",
    "MAX_RIDS",
    "Acknowledgement",
    "Body",
    "Concerned",
    "Corrected",
    "Done",
    "Erased",
    "Facts",
    "HandedText",
    "Kept",
    "KnownFinding",
    "Noted",
    "Notice",
    "NoticeCheck",
    "NoticeId",
    "NoticeKind",
    "NoticeMessage",
    "NoticeOutcome",
    "Result",
    "StoredText",
    "ToldFinding",
    "check_acknowledges",
    "check_carried",
    "check_message_time",
    "dumps_acknowledgement",
    "dumps_facts",
    "dumps_message",
    "dumps_notice",
    "notice_refusal",
    "parse_acknowledgement",
    "parse_facts",
    "parse_message",
    "parse_notice",
]
