"""An entry of a log as the person sees it: who used which items, for which case, when, and what came of it."""

from __future__ import annotations

from typing import Any, Final

from xinlian.protocol.bundle import Bundle
from xinlian.protocol.errors import InputError
from xinlian.protocol.statements import parse_read, parse_self_access
from xinlian.protocol.types import VCT_READ, VCT_SELF_ACCESS, Uscc, issuer_of

_PROVEN: Final = frozenset({0, 3})
_PENDING: Final = 7


def shown(department: Uscc, bundle: Bundle, exit_code: int) -> dict[str, Any]:
    """One entry.

    Args:
        department: whose log it came from.
        bundle: with the parts that are disclosed.
        exit_code: what verifying it against this node's own view came to.

    Raises:
        InputError: ``statement-form`` when it is no entry of a read log.
    """
    own = bundle.statement.iss == issuer_of(department)
    verdict = "proven" if exit_code in _PROVEN else "pending" if exit_code == _PENDING else "not-proven"
    told = {disclosure.name: disclosure.value for disclosure in bundle.opened()}
    return {**_words(bundle, told), "verdict": verdict if own else "not-proven"}


def _words(bundle: Bundle, told: dict[str, Any]) -> dict[str, Any]:
    raw = bundle.statement.raw
    if bundle.statement.vct == VCT_READ:
        read = parse_read(raw).clear
        return {
            "kind": "use",
            "rid": read.rid,
            "item": read.item,
            "role": read.role.value,
            "counterparty": read.counterparty,
            "case": None if read.case is None else {"lead": read.case.lead, "case_no": read.case.case_no},
            "time": read.time,
            "outcome": read.outcome.value,
            **{name: told.get(name) for name in ("dataset", "purpose", "mode", "fields", "derived_view")},
        }
    if bundle.statement.vct == VCT_SELF_ACCESS:
        asked = parse_self_access(raw).clear
        return {
            "kind": "self-access",
            "rid": asked.rid,
            "role": asked.role.value,
            "counterparty": asked.counterparty,
            "time": asked.time,
            "outcome": asked.outcome.value,
            "login_issuer": told.get("login_issuer"),
            "login_method": told.get("login_method"),
        }
    raise InputError("statement-form", "expected an entry of a read log", field="vct")
