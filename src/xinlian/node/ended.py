"""What is said of received values that ended because their record was erased where it came from: a stable code, never a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xinlian.protocol.errors import ConflictError, NotFoundError
from xinlian.store.ended_values import RESTRICTED, Seen

ERASED_CODE = "value-erased"
RESTRICTED_CODE = "value-restricted"


def ended_json(ended: Sequence[Seen]) -> list[dict[str, Any]]:
    """One object a copy: its item, ``value-erased`` or ``value-restricted``, whose notice, and which law keeps it until when."""
    return [
        {
            "item": one.item,
            "code": RESTRICTED_CODE if one.state == RESTRICTED else ERASED_CODE,
            "notice": one.notice_id,
            "sender": one.sender,
            "at": one.ended_at,
            "basis": one.basis,
            "until": one.until,
        }
        for one in ended
    ]


def refuse_ended(ended: Sequence[Seen]) -> None:
    """Say why nothing is left of a query; nothing happens when nothing ended.

    Raises:
        NotFoundError: ``value-erased``.
        ConflictError: ``value-restricted`` when a duty still keeps some of it.
    """
    if any(one.state == RESTRICTED for one in ended):
        text = "the records were erased; what a retention duty keeps of them is neither shown nor used"
        raise ConflictError(RESTRICTED_CODE, text, ended=ended_json(ended))
    if ended:
        raise NotFoundError(ERASED_CODE, "the records were erased where they came from, and here", ended=ended_json(ended))
