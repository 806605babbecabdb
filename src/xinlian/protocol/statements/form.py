"""What read entries and answer statements have in common: a clear part, a disclosed part, one encoder, one parser.

Rules
1. A form names its type (``vct``) and the members of both parts, in the order they are written.
2. Members are written as exact JSON texts; who makes the texts has checked them with the parsers below.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from xinlian.protocol.errors import EvidenceError
from xinlian.protocol.jsontext import loads_strict, value_text
from xinlian.protocol.members import Where
from xinlian.protocol.record import (
    SealedRecord,
    Statement,
    StatementHead,
    disclosure_digest,
    leaf_of,
    parse_disclosure,
    parse_statement,
    seal,
)
from xinlian.protocol.sheet import Sheet
from xinlian.protocol.types import EpochS, Hash32, RecordId, Uscc, issuer_of, uscc_of_issuer

Texts = tuple[tuple[str, str], ...]
"""Members with their exact JSON texts, in the order they are written."""
ClearT = TypeVar("ClearT")
DisclosedT = TypeVar("DisclosedT")


@dataclass(frozen=True, slots=True)
class StatementIds:
    """What every statement says about itself.

    Args:
        issuer: the department that writes it.
        jti: a fresh record id.
        iat: law time, epoch seconds.
    """

    issuer: Uscc
    jti: RecordId
    iat: EpochS


@dataclass(frozen=True)  # no slots: with them ``Parsed[…](…)`` fails before Python 3.12
class Parsed(Generic[ClearT, DisclosedT]):
    """A parsed statement.

    Args:
        ids: issuer, record id, time of writing.
        clear: the clear part.
        disclosed: the disclosed part; ``None`` unless every disclosure was at hand.
        leaf: its leaf in its stream.
    """

    ids: StatementIds
    clear: ClearT
    disclosed: DisclosedT | None
    leaf: Hash32


@dataclass(frozen=True, slots=True)
class StatementForm:
    """One of the protocol's own statement types.

    Args:
        vct: its fixed type.
        where: names it in errors.
        clear: names of the clear members.
        disclosed: names of the disclosed members.
    """

    vct: str
    where: Where
    clear: tuple[str, ...]
    disclosed: tuple[str, ...]

    def clear_members(self, values: Iterable[object]) -> dict[str, object]:
        """The clear members by name, from their values in order."""
        return dict(zip(self.clear, values, strict=True))

    def disclosed_members(self, values: Iterable[object]) -> dict[str, object]:
        """The disclosed members by name, from their values in order."""
        return dict(zip(self.disclosed, values, strict=True))

    def seal(self, ids: StatementIds, clear: Texts, disclosed: Texts, record_key: bytes) -> SealedRecord:
        """Write a statement.

        Args:
            ids: issuer, record id, time.
            clear: texts of the clear members.
            disclosed: texts of the disclosed members.
            record_key: 32 fresh random bytes for the salts.
        """
        head = StatementHead(issuer_of(ids.issuer), self.vct, ids.jti, ids.iat, 1, None, clear)
        return seal(head, disclosed, record_key)

    def sheet(self, ids: StatementIds, clear: Texts, disclosed: Texts, gaps: Collection[str]) -> Sheet:
        """A sheet for many statements of one issuer and time.

        Args:
            ids: issuer and time; the record id is not looked at.
            clear: texts of the clear members.
            disclosed: texts of the disclosed members.
            gaps: members that differ between the statements.
        """
        head = StatementHead(issuer_of(ids.issuer), self.vct, ids.jti, ids.iat, 1, None, clear)
        return Sheet(head, [n for n in self.clear if n in gaps], disclosed, [n for n in self.disclosed if n in gaps])

    def parse(
        self,
        statement: bytes,
        disclosures: Sequence[str],
        read_clear: Callable[[Mapping[str, object]], ClearT],
        read_disclosed: Callable[[Mapping[str, object]], DisclosedT],
    ) -> Parsed[ClearT, DisclosedT]:
        """Read a statement; the disclosed part only when all its disclosures are given.

        Args:
            statement: its compact JWT text.
            disclosures: of this statement.
            read_clear: checks and reads the clear members.
            read_disclosed: checks and reads the disclosed members.

        Raises:
            InputError: ``statement-form`` and the codes of ``record``.
            EvidenceError: ``statement-foreign-disclosure``.
        """
        parsed = parse_statement(statement)
        if parsed.vct != self.vct or parsed.rev != 1:
            raise self.where.error(f"vct {self.vct}, revision 1")
        values = self._disclosed_values(parsed, disclosures)
        ids = StatementIds(uscc_of_issuer(parsed.iss), RecordId(parsed.jti), EpochS(parsed.iat))
        clear = {name: loads_strict(text.encode("utf-8")) for name, text in parsed.extra}
        disclosed = read_disclosed(values) if values.keys() >= set(self.disclosed) else None
        return Parsed(ids, read_clear(clear), disclosed, leaf_of(parsed.raw))

    def _disclosed_values(self, parsed: Statement, disclosures: Sequence[str]) -> dict[str, object]:
        values: dict[str, object] = {}
        for text in disclosures:
            if disclosure_digest(text) not in parsed.sd:
                raise EvidenceError("statement-foreign-disclosure", "a disclosure does not belong to this statement")
            found = parse_disclosure(text)
            if found.name in values:
                raise self.where.error("every member disclosed once")
            values[found.name] = found.value
        return values


def texts_of(values: Mapping[str, object]) -> Texts:
    """Return every member with its exact JSON text."""
    return tuple((name, value_text(value)) for name, value in values.items())
