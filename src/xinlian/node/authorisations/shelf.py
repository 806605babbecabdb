"""What a question has to show: the authorisations that this department recorded, chosen by subject, dataset and case.

Rules
1. A caller may name them; else, where the use needs them, the node shows for every subject the newest one of this case that
   allows the use, or the newest one of it at all, so that the refusal says what is wrong with it.
2. What this node can see to be refused is refused here, and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xinlian.node.authorisations.bases import Bases
from xinlian.node.authorisations.checking import Known, Use, check_authorisations, needs_authorisation
from xinlian.node.chain_state import ChainState
from xinlian.node.reads import Reads
from xinlian.protocol.errors import RefusedError
from xinlian.protocol.messages import Request, ShownAuthorisation
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import Uscc
from xinlian.store import authorisations as table
from xinlian.store.authorisations import Recorded, Ref
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Shelf:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        sealer: opens forms.
        state: the chain as followed.
        reads: this department's pseudonyms.
        bases: on which basis grants were asked for.
    """

    department: Uscc
    writer: Writer
    sealer: Sealer
    state: ChainState
    reads: Reads
    bases: Bases

    def authorised(self, use: Use, named: Sequence[bytes]) -> Request:
        """The request of a use, with the authorisations it shows.

        Args:
            use: its request shows none yet.
            named: ids (32 bytes) of own authorisations; empty to have them chosen.

        Raises:
            NotFoundError: ``authorisation-unknown`` when this department recorded no such one.
            RefusedError: ``authorisation-…``; nothing is sent.
        """
        rows = self._named(named) if named else self._chosen(use)
        request = replace(use.request, authorisations=tuple(self._shown(row) for row in rows))
        self._check(replace(use, request=request))
        return request

    def shown_with(self, rid: str) -> tuple[ShownAuthorisation, ...]:
        """Those that an earlier request of this node showed."""
        with self.writer.read() as reader:
            ids = [authorisation for _, authorisation in table.shown_with(reader, rid)]
        return tuple(self._shown(row) for row in self._named(ids))

    def known(self, request: Request) -> Known:
        """What this node knows beside the chain that a request has to be checked with."""
        withdrawn: frozenset[Ref] = frozenset()
        if request.authorisations:
            with self.writer.read() as reader:
                withdrawn = table.withdrawn_among(reader, refs_of(request))
        return Known(withdrawn, self.bases.is_consent)

    def _check(self, use: Use) -> None:
        check_authorisations(use, self.state, self.known(use.request))

    def _named(self, ids: Sequence[bytes]) -> list[Recorded]:
        with self.writer.read() as reader:
            return [table.by_id(reader, self.sealer, one) for one in dict.fromkeys(ids)]

    def _chosen(self, use: Use) -> list[Recorded]:
        if not needs_authorisation(use.schema, use.grant, self.known(use.request)):
            return []
        chosen: dict[bytes, Recorded] = {}
        for subject in dict.fromkeys(use.subjects):
            best = self._best(use, subject)
            if best is not None:
                chosen[best.id] = best
        return list(chosen.values())

    def _best(self, use: Use, subject: Subject) -> Recorded | None:
        pseudonym = self.reads.pseudonym_bytes(subject)
        with self.writer.read() as reader:
            rows = table.of_subject(reader, self.sealer, pseudonym, use.schema.code, _case_ref(use.request))
        alone = replace(use, subjects=(subject,))
        return next((row for row in rows if self._allows(alone, row)), rows[0] if rows else None)

    def _allows(self, use: Use, row: Recorded) -> bool:
        try:
            self._check(replace(use, request=replace(use.request, authorisations=(self._shown(row),))))
        except RefusedError:
            return False
        return True

    def _shown(self, row: Recorded) -> ShownAuthorisation:
        return ShownAuthorisation(self.department, row.id, row.salt, row.text)


def _case_ref(request: Request) -> str | None:
    return None if request.case is None else f"{request.case.lead}/{request.case.case_no}"


def refs_of(request: Request) -> list[Ref]:
    """Recorder and id of what a request shows."""
    return [(one.recorder, one.id) for one in request.authorisations]
