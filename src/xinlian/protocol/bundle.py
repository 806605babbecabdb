"""Evidence bundles, ``xinlian-evidence/1``: everything about one leaf that a verifier needs beside the chain.

Rules
1. A bundle is one JSON object with exactly the members shown below; ``signed`` may be left out. Order and blanks are free,
   keys are not: an unknown, missing or doubled one is refused.
2. Nothing in it is trusted: this module reads the form, ``verification`` proves the content.
3. Statement and disclosures are the exact bytes of ``rec/1``.

Example::

    {"format": "xinlian-evidence/1", "statement": "<base64url>", "disclosures": ["…"], "signed": "<JWS, optional>",
     "receipt": {…} | null, "successor": null | {"statement": "<base64url>", "receipt": {…}}, "issued_at": 1800000000}

Source: issue 1, Protocol; design.md 4.6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from xinlian.protocol import sdjwt
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import Disclosure, Statement, parse_disclosure, parse_statement
from xinlian.protocol.types import MAX_EXACT_INT, EpochS

FORMAT: Final = "xinlian-evidence/1"
MAX_BUNDLE_BYTES: Final = 4 * 1024 * 1024
MAX_DISCLOSURES: Final = 10_000

_REQUIRED: Final = frozenset({"format", "statement", "disclosures", "receipt", "successor", "issued_at"})
_OPTIONAL: Final = frozenset({"signed"})


@dataclass(frozen=True, slots=True)
class Successor:
    """The revision that replaced a record: its statement and its receipt."""

    statement: Statement
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Bundle:
    """An evidence bundle.

    Args:
        statement: the parsed statement (its ``raw`` are the exact bytes).
        disclosures: chosen disclosures, in any order.
        receipt: None while the record is not anchored.
        signed: the statement as a compact JWS, or None.
        successor: the next revision when the record is superseded, or None.
        issued_at: when the bundle was made, epoch seconds; a hint.

    The disclosures are parsed once, when they are first asked for.
    """

    statement: Statement
    disclosures: tuple[str, ...]
    receipt: Receipt | None
    signed: str | None
    successor: Successor | None
    issued_at: EpochS
    _opened: tuple[Disclosure, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def opened(self) -> tuple[Disclosure, ...]:
        """Return the parsed disclosures, in the bundle's order.

        Raises:
            InputError: ``disclosure-form`` when one is not of its form.
        """
        if self._opened is None:
            object.__setattr__(self, "_opened", tuple(parse_disclosure(text) for text in self.disclosures))
        return self._opened or ()


def dumps(bundle: Bundle) -> bytes:
    """Return the bundle as one line of JSON, UTF-8."""
    return dumps_canonical(to_json(bundle))


def to_json(bundle: Bundle) -> dict[str, object]:
    """Return the bundle's JSON members, in the order in which they are written."""
    members: dict[str, object] = {
        "format": FORMAT,
        "statement": b64u(bundle.statement.raw),
        "disclosures": list(bundle.disclosures),
    }
    if bundle.signed is not None:
        members["signed"] = bundle.signed
    members["receipt"] = None if bundle.receipt is None else bundle.receipt.to_json()
    members["successor"] = None if bundle.successor is None else _successor_json(bundle.successor)
    members["issued_at"] = bundle.issued_at
    return members


def parse(data: bytes) -> Bundle:
    """Read a bundle.

    Raises:
        InputError: ``bundle-format`` for anything that is not exactly this format; the message names the part.
    """
    try:
        return _parse(loads_strict(data, max_bytes=MAX_BUNDLE_BYTES, max_depth=8))
    except InputError as error:
        fields = {key: value for key, value in error.fields.items() if key == "field"}
        raise InputError("bundle-format", f"not an evidence bundle: {error.message}", cause=error.code, **fields) from error


def _parse(members: object) -> Bundle:
    if not isinstance(members, dict):
        raise InputError("bundle-format", "expected a JSON object")
    names = set(members)
    odd = sorted((_REQUIRED - names) | (names - _REQUIRED - _OPTIONAL))
    if odd:
        raise InputError("bundle-format", f"missing or unknown: {odd[0][:64]}", field=odd[0][:64])
    if members["format"] != FORMAT:
        raise InputError("bundle-format", f"format: expected {FORMAT}", field="format")
    bundle = Bundle(
        statement=_parse_statement(members["statement"]),
        disclosures=_parse_disclosures(members["disclosures"]),
        receipt=None if members["receipt"] is None else Receipt.from_json(members["receipt"]),
        signed=_parse_signed(members["signed"]) if "signed" in members else None,
        successor=None if members["successor"] is None else _parse_successor(members["successor"]),
        issued_at=_parse_time(members["issued_at"]),
    )
    bundle.opened()
    return bundle


def _parse_statement(text: object) -> Statement:
    if not isinstance(text, str):
        raise InputError("bundle-format", "statement: expected base64url", field="statement")
    return parse_statement(unb64u(text))


def _parse_disclosures(items: object) -> tuple[str, ...]:
    if not isinstance(items, list) or len(items) > MAX_DISCLOSURES:
        raise InputError("bundle-format", "disclosures: expected a list", field="disclosures")
    for item in items:
        if not isinstance(item, str):
            raise InputError("bundle-format", "disclosures: expected texts", field="disclosures")
    return tuple(items)


def _parse_signed(text: object) -> str:
    if not isinstance(text, str):
        raise InputError("bundle-format", "signed: expected a compact JWS", field="signed")
    sdjwt.kid_of(text)
    return text


def _parse_successor(members: object) -> Successor:
    if not isinstance(members, dict) or set(members) != {"statement", "receipt"}:
        raise InputError("bundle-format", "successor: expected statement and receipt", field="successor")
    return Successor(_parse_statement(members["statement"]), Receipt.from_json(members["receipt"]))


def _parse_time(value: object) -> EpochS:
    if type(value) is not int or not 0 <= value <= MAX_EXACT_INT:
        raise InputError("bundle-format", "issued_at: expected epoch seconds", field="issued_at")
    return EpochS(value)


def _successor_json(successor: Successor) -> dict[str, object]:
    return {"statement": b64u(successor.statement.raw), "receipt": successor.receipt.to_json()}
