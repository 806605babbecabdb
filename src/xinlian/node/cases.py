"""Cases (minimal): opened by this department as lead, with participants and salted subjects.

Rules
1. Salts and subjects are stored, encrypted, before the root goes on chain; a crash in between leaves an unused draft.
2. Only the salted root stands on chain; openings go inside sealed requests.

Source: design 5 (CaseLedger), 4.5.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from xinlian.node.chain_state import CaseState, ChainState, code_word
from xinlian.node.paging import Page, Window, page_of
from xinlian.node.reads import Reads
from xinlian.node.transactions import Transactions
from xinlian.protocol.codes import check_uscc
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError, RefusedError
from xinlian.protocol.subjects import Opening, Subject, SubjectsTree, build, from_disclosures, read_subject
from xinlian.protocol.subjects import add_subject as extend
from xinlian.store import case_files as table
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Writer

SALT_BYTES = 16
_OPENED_CASES = 64
"""Cases whose openings are kept in memory."""


class Cases:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        sealer: encrypts the subjects.
        state: the chain's cases.
        transactions: signs with the LAW key.
        reads: this department's pseudonyms.
    """

    def __init__(
        self,
        department: str,
        writer: Writer,
        sealer: Sealer,
        state: ChainState,
        transactions: Transactions,
        reads: Reads,
    ) -> None:
        self._department = department
        self._writer = writer
        self._sealer = sealer
        self._state = state
        self._transactions = transactions
        self._reads = reads
        self._opened: dict[tuple[str, bytes], Mapping[Subject, Opening]] = {}

    def page(self, window: Window) -> Page[CaseState]:
        """Cases that this department leads or takes part in, in order of opening."""
        mine = (case for case in self._state.cases.values() if case.takes_part(self._department))
        return page_of(mine, window, lambda case: (case.opened_block, case.lead, case.case_no))

    def get(self, lead: str, case_no: str) -> CaseState:
        """One case.

        Raises:
            NotFoundError: ``case-unknown``.
        """
        case = self._state.cases.get((lead, case_no))
        if case is None:
            raise NotFoundError("case-unknown", f"there is no case {case_no} of {lead}", case=case_no, lead=lead)
        return case

    async def open(
        self, case_no: str, scenario: str, participants: Sequence[str], subjects: Sequence[Subject]
    ) -> tuple[CaseState, str]:
        """Open a case.

        Returns:
            The case and the hash of its transaction.

        Raises:
            InputError: ``chain-code-form``, ``case-subjects`` for none or a repeated one.
            ConflictError: ``case-exists``.
            ChainError: ``tx-reverted``, or when the chain cannot be reached.
        """
        word = code_word(case_no)
        for participant in participants:
            check_uscc(participant)
        if not subjects or len(set(subjects)) != len(subjects):
            raise InputError("case-subjects", "a case has at least one subject, and each only once")
        done = await self._transactions.earlier("CaseLedger", "open")
        if done is None:
            if (self._department, case_no) in self._state.cases:
                raise ConflictError("case-exists", f"case {case_no} exists already", case=case_no)
            tree = await self._drafted(f"{self._department}/{case_no}", subjects)
            root = "0x" + tree.root.hex()
            done = await self._transactions.law("CaseLedger", "open", word, scenario, list(participants), root, tree.size)
        return self.get(self._department, case_no), done.tx_hash

    async def _drafted(self, ref: str, subjects: Sequence[Subject]) -> SubjectsTree:
        """The tree of a new case's subjects, stored; the one of an earlier attempt when it was for the same subjects."""
        tree = self._draft(ref, subjects)
        if tree is None:
            tree = build(subjects, [os.urandom(SALT_BYTES) for _ in subjects])
            await self._keep(ref, tree, 0)
        return tree

    async def add_subject(self, case_no: str, subject: Subject) -> tuple[CaseState, str]:
        """Add a subject to an own open case.

        Raises:
            NotFoundError: ``case-unknown``.
            InputError: ``case-subjects`` when the subject is in the case already.
            ChainError: ``tx-reverted`` when the case is closed.
        """
        case = self.get(self._department, case_no)
        done = await self._transactions.earlier("CaseLedger", "addSubject")
        if done is None:
            longer = await self._extended(case, subject)
            done = await self._transactions.law("CaseLedger", "addSubject", code_word(case_no), "0x" + longer.root.hex())
        return self.get(self._department, case_no), done.tx_hash

    async def _extended(self, case: CaseState, subject: Subject) -> SubjectsTree:
        """The tree of a case with one more subject, stored."""
        tree = self._tree(case)
        if subject in [read_subject(opening) for opening in tree.openings]:
            raise InputError("case-subjects", "this subject is in the case already")
        longer = self._draft(case.ref, [*(read_subject(o) for o in tree.openings), subject])
        if longer is None:
            longer = extend(tree, subject, os.urandom(SALT_BYTES))
            await self._keep(case.ref, longer, tree.size)
        return longer

    async def close(self, case_no: str, outcome: int) -> tuple[CaseState, str]:
        """Close an own case.

        Raises:
            NotFoundError: ``case-unknown``.
            ChainError: ``tx-reverted`` when it is closed already.
        """
        self.get(self._department, case_no)
        done = await self._transactions.law("CaseLedger", "close", code_word(case_no), outcome)
        return self.get(self._department, case_no), done.tx_hash

    def openings_of(self, case: CaseState, subjects: Sequence[Subject]) -> tuple[Opening, ...]:
        """The openings that prove subjects to be in a case, in their order.

        Raises:
            RefusedError: ``refused-subject-in-case`` when one of them is not; nothing leaves this node then.
        """
        known = self._openings(case)
        openings = [known.get(subject) for subject in subjects]
        found = tuple([opening for opening in openings if opening is not None])
        if len(found) < len(openings):
            raise RefusedError(
                "refused-subject-in-case", "this subject is not in the case; nothing was sent", check="subject-in-case"
            )
        return found

    def opening_with(self, case: CaseState, pseudonym: bytes) -> Opening | None:
        """The opening of the subject that this department calls by a pseudonym (32 bytes), None when none is in the case.

        Raises:
            RefusedError: ``refused-subject-in-case`` when this node does not hold the openings.
        """
        found = self._openings(case).items()
        return next((opening for subject, opening in found if self._reads.pseudonym_bytes(subject) == pseudonym), None)

    def _openings(self, case: CaseState) -> Mapping[Subject, Opening]:
        """The openings under the root on chain, kept in memory while the store holds them and the case is open."""
        for kept in [kept for kept in self._opened if not self._is_open(kept[0])]:
            del self._opened[kept]
        key = case.ref, case.subjects_root
        with self._writer.read() as reader:
            held = table.subject_count(reader, case.ref)
        if key not in self._opened or held < case.subject_count:
            self._opened.pop(key, None)
            openings = {read_subject(opening): opening for opening in reversed(self._tree(case).openings)}
            if not self._is_open(case.ref):
                return openings
            while len(self._opened) >= _OPENED_CASES:
                self._opened.pop(next(iter(self._opened)))
            self._opened[key] = openings
        return self._opened[key]

    def _is_open(self, case_ref: str) -> bool:
        lead, _, case_no = case_ref.partition("/")
        case = self._state.cases.get((lead, case_no))
        return case is not None and case.is_open

    def _tree(self, case: CaseState) -> SubjectsTree:
        with self._writer.read() as reader:
            kept = table.subjects(reader, self._sealer, case.ref)
        disclosures = [subject.disclosure for subject in kept[: case.subject_count]]
        tree = from_disclosures(disclosures) if disclosures else None
        if tree is None or tree.root != case.subjects_root:
            raise RefusedError(
                "refused-subject-in-case",
                "this node does not hold the openings of the case's subjects; ask the lead",
                check="subject-in-case",
            )
        return tree

    def _draft(self, case_ref: str, subjects: Sequence[Subject]) -> SubjectsTree | None:
        """The tree that an earlier call kept for exactly these subjects but may not have put on chain; its salts count."""
        with self._writer.read() as reader:
            kept = [subject.disclosure for subject in table.subjects(reader, self._sealer, case_ref)]
        if len(kept) != len(subjects):
            return None
        tree = from_disclosures(kept)
        return tree if [read_subject(opening) for opening in tree.openings] == list(subjects) else None

    async def _keep(self, case_ref: str, tree: SubjectsTree, first: int) -> None:
        rows = [
            table.CaseSubject(o.index, o.disclosure, self._reads.pseudonym_bytes(read_subject(o))) for o in tree.openings[first:]
        ]
        await self._writer.write(lambda tx: table.put_subjects(tx, self._sealer, case_ref, rows))
