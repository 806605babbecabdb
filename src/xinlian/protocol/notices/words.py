"""Words that notices and their acknowledgements share: kinds, outcomes, named refusals, forms, bounds."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NewType

from xinlian.protocol.errors import RefusedError

NoticeId = NewType("NoticeId", str)
"""128 random bits as 32 characters of lower-case hex."""

VERSION: Final = 1
MAX_NOTICE_BYTES: Final = 640 << 10
MAX_MESSAGE_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 8
MAX_LIFE_S: Final = 366 * 86_400
"""A notice may be told for at most so long after it was made."""
MAX_WINDOW_S: Final = 60
"""The message that carries it: as requests."""
MAX_RIDS: Final = 2_000
MAX_REVISIONS: Final = 2_000
MAX_BASIS_CHARS: Final = 200
MAX_FIELDS: Final = 256

ID_FORM: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
RECORD_FORM: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
LEAF_FORM: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
BASIS_FORM: Final = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{MAX_BASIS_CHARS}}}")
"""A legal basis: one line that people read."""


class NoticeKind(StrEnum):
    """What a notice says. The list is closed; each kind has a body with its own members, and its own outcomes."""

    ERASED = "erased"
    """The sender erased a record that the receiver got: every copy goes."""
    DOCUMENT = "document"
    """The sender hands over a text behind a step of the law that both take part in: it is kept."""
    CORRECTED = "corrected"
    """The sender corrected a record that the receiver got: every copy is marked as replaced."""
    FINDING = "finding"
    """The sender's node sees a breach that no other sees: the authority's lists it."""


class NoticeOutcome(StrEnum):
    """What the receiver did."""

    DELETED = "deleted"
    NOTHING_HELD = "nothing-held"
    KEPT_BY_DUTY = "kept-by-duty"
    """At least one copy stays because a law says so; it is restricted from then on."""
    STORED = "stored"
    """The text is kept."""
    NOTED = "noted"
    """The copies are marked: a later revision is right."""
    LISTED = "listed"
    """The finding is listed."""
    REFUSED = "refused"
    """A ``NoticeCheck`` failed; nothing was done."""


class NoticeCheck(StrEnum):
    """What the receiver checks of an authenticated notice, in this order; a refusal names the first that fails."""

    REUSED = "notice-reused"
    """Its id was used with other bytes."""
    EXPIRED = "notice-expired"
    """It came after its end."""
    SOURCE = "notice-source"
    """What the requests named brought came from another department, not from the sender."""
    RECEIVED = "notice-received"
    """This node never received the record under these requests."""
    TEXT = "notice-text"
    """The text is not of the digest named, or no document."""
    UNSHOWN = "notice-unshown"
    """None of the last texts of this sender is on chain: no further one is kept before."""
    FINDING = "notice-finding"
    """The finding is not for this node, or not for this sender to tell."""

    @property
    def code(self) -> str:
        """The error code of this refusal."""
        return f"refused-{self.value}"


def notice_refusal(check: NoticeCheck, message: str) -> RefusedError:
    """Return the error of a failed check."""
    return RefusedError(check.code, message, check=check.value)
