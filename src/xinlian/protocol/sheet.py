"""Statements written from one sheet: what many of them share is checked and written once, the rest fills its gaps.

Rules
1. A sheet gives byte for byte what ``record.seal`` gives for the same claims, names and key.
2. The shared part is checked when the sheet is made; texts for gaps are exact JSON texts that their caller has checked.

Example::

    sheet = Sheet(head, ("item",), fields, ("subjects",))
    sealed = sheet.seal(jti, ("3",), ('["…"]',), record_key)

Source: RFC 9901 §4.2; design.md 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from xinlian.protocol.record import SealedRecord, StatementHead, check_jti, disclose, encode_statement
from xinlian.protocol.suite import leaf_hash

_GAP: Final = '"\x00"'
"""Stands where a gap is; no JSON text holds a raw NUL."""
_JTI: Final = "00000000-0000-7000-8000-000000000000"


class Sheet:
    """A statement with gaps.

    Args:
        head: the clear claims; the id, and the texts of the claims named in ``clear_gaps``, are not looked at.
        clear_gaps: names of extra claims that every statement fills, in the head's order.
        fields: (name, exact JSON text) of what is disclosed; texts of ``disclosed_gaps`` are not looked at.
        disclosed_gaps: names of fields that every statement fills, in the fields' order.

    Raises:
        InputError: ``statement-form`` when the head breaks a rule.
    """

    def __init__(
        self,
        head: StatementHead,
        clear_gaps: Sequence[str],
        fields: Sequence[tuple[str, str]],
        disclosed_gaps: Sequence[str],
    ) -> None:
        extra = tuple((name, _GAP if name in clear_gaps else text) for name, text in head.extra)
        text = encode_statement(replace(head, jti=_JTI, extra=extra), [_GAP.strip('"')]).decode()
        self._before, _, rest = text.partition(_JTI)
        self._clear = tuple(rest.split(_GAP))
        self._names = tuple(name for name, _ in fields)
        self._texts = [text for _, text in fields]
        self._places = [self._names.index(name) for name in disclosed_gaps]

    def seal(self, jti: str, clear: Sequence[str], disclosed: Sequence[str], record_key: bytes) -> SealedRecord:
        """Write one statement.

        Args:
            jti: record id, UUIDv7 text.
            clear: exact JSON texts of the clear gaps.
            disclosed: exact JSON texts of the disclosed gaps.
            record_key: 32 fresh random bytes.

        Raises:
            InputError: ``statement-form`` when the id or the key is not of its form.
        """
        check_jti(jti)
        texts = self._texts.copy()
        for place, text in zip(self._places, disclosed, strict=True):
            texts[place] = text
        tokens, digests = disclose(self._names, texts, record_key)
        parts = [self._before, jti, self._clear[0]]
        for gap, after in zip((*clear, f'"{digests}"'), self._clear[1:], strict=True):
            parts += (gap, after)
        statement = "".join(parts).encode()
        return SealedRecord(statement, tokens, leaf_hash(statement))
