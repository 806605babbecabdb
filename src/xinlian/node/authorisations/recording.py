"""Recording an authorisation: the form is kept, encrypted, before its digest goes on chain; the person gets the secret."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xinlian.chain.authorisations import commitment
from xinlian.node.acts import Actor, Acts
from xinlian.node.attachments import Keeping
from xinlian.node.authorisations.checking import KIND, covered_names, sensitive_names, term_of
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState, DatasetState
from xinlian.node.idempotency import current_journal
from xinlian.node.people import Person
from xinlian.node.reads import Reads
from xinlian.node.transactions import Transactions
from xinlian.protocol.acts import ActorRole, ActWord
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.documents import SALT_BYTES, make_document
from xinlian.protocol.errors import ConflictError, InputError, NotFoundError
from xinlian.protocol.forms import read_form
from xinlian.protocol.forms.authorisation import Authorisation
from xinlian.protocol.objects import authorisation_object
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import Uscc
from xinlian.store import attachments
from xinlian.store import authorisations as table
from xinlian.store.authorisations import Recorded
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction, Writer

ID_BYTES = 32
_NOTED = "authorisation"
_STATED = "authorisation act"
_SCANNED = "authorisation"
"""Kind of the use of an attachment."""


@dataclass(frozen=True, slots=True)
class NewAuthorisation:
    """What the counter hands in: the form's members; the receiver is this department."""

    form: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """The use case.

    Args:
        department: USCC of this node.
        writer: node.db.
        sealer: encrypts form and secret.
        state: the chain's catalogue.
        catalogue: schemas of other departments' datasets.
        reads: this department's pseudonyms.
        transactions: signs with the LAW key.
        law_s: law time, epoch seconds.
        acts: who recorded it goes into the anchored log.
        keeping: the scans.
    """

    department: Uscc
    writer: Writer
    sealer: Sealer
    state: ChainState
    catalogue: Catalogue
    reads: Reads
    transactions: Transactions
    law_s: Callable[[], int]
    acts: Acts
    keeping: Keeping

    async def record(self, new: NewAuthorisation, person: Person) -> tuple[Recorded, str]:
        """Record a signed authorisation.

        Returns:
            It with its secret, which goes to the person, and the transaction's hash.

        Raises:
            InputError: what the form's reader finds; ``field-unknown``, ``separate-consent-missing``, ``authorisation-expired``,
                the codes of a subject.
            NotFoundError: ``dataset-unknown``, ``attachment-unknown``.
            ConflictError: ``department-suspended``, ``attachment-state``.
            ChainError: when the chain cannot be reached.
        """
        journal = current_journal()
        journal.answer_from_notes()  # the answer holds the secret
        row = self._noted(journal.noted(_NOTED)) or await self._kept(new, person)
        try:
            done = await self.transactions.law(
                "AuthorisationRegistry",
                "record",
                "0x" + row.id.hex(),
                "0x" + row.digest.hex(),
                "0x" + commitment(row.secret).hex(),
                row.expires_at,
            )
        except (InputError, ConflictError):
            await self.writer.write(lambda tx: self._forget(tx, row))
            raise
        if journal.noted(_STATED) is None:
            await self.writer.write(lambda tx: self._state(tx, row, person))
        return row, done.tx_hash

    def _state(self, tx: Transaction, row: Recorded, person: Person) -> None:
        ref = authorisation_object(self.department, row.id)
        self.acts.write(tx, ActWord.AUTHORISED, ref, row.digest, Actor(person, ActorRole.HANDLER))
        current_journal().note(tx, _STATED, row.id.hex())

    def _forget(self, tx: Transaction, row: Recorded) -> None:
        table.remove(tx, row.id)
        attachments.end_uses(tx, _SCANNED, authorisation_object(self.department, row.id))

    def _noted(self, noted: str | None) -> Recorded | None:
        if noted is None:
            return None
        with self.writer.read() as reader:
            return table.found(reader, self.sealer, bytes.fromhex(noted))

    async def _kept(self, new: NewAuthorisation, person: Person) -> Recorded:
        content = {"objects": [], **new.form, "receiver": self.department}
        scan = attachment_of(content.get("scan"))
        if scan is not None:
            content["scan"] = self.keeping.evidence(scan)
        form: Authorisation = read_form(KIND, content)
        subjects = [Subject(one.kind, one.value) for one in (form.subject, *form.objects)]
        check_items(form, await self._schema(form.catalog_code))
        expires_at = term_of(form)[1]
        if expires_at <= self.law_s():
            raise InputError("authorisation-expired", "the authorisation's last day is over", field="valid_to")
        authorisation = os.urandom(ID_BYTES)
        ref = authorisation_object(self.department, authorisation)
        document = make_document(KIND, ref, content, os.urandom(SALT_BYTES))
        case = None if form.case is None else f"{form.case.lead}/{form.case.case_no}"
        row = Recorded(
            authorisation,
            bytes(document.digest),
            form.catalog_code,
            case,
            expires_at,
            self.law_s(),
            person.id,
            document.salt,
            document.text,
            os.urandom(ID_BYTES),
        )
        pseudonyms = [self.reads.pseudonym_bytes(subject) for subject in subjects]
        journal = current_journal()

        def job(tx: Transaction) -> None:
            table.put(tx, self.sealer, row, pseudonyms)
            journal.note(tx, _NOTED, row.id.hex())
            if scan is not None:
                attachments.use(tx, bytes.fromhex(scan), attachments.Use(_SCANNED, ref, "scan"))

        await self.writer.write(job)
        return row

    async def _schema(self, code: str) -> DatasetSchema:
        owner, _, serial = code.partition("/")
        entry = newest_published(self.state, owner, int(serial))
        if entry is None:
            raise NotFoundError("dataset-unknown", "no published dataset has this catalogue code", dataset=code)
        return await self.catalogue.schema_at(entry)


def attachment_of(scan: object) -> str | None:
    """The id of ``{"attachment": "<id>"}``, None for anything else."""
    is_named = isinstance(scan, Mapping) and set(scan) == {"attachment"}
    return str(scan["attachment"]) if is_named and isinstance(scan, Mapping) else None


def newest_published(state: ChainState, owner: str, serial: int) -> DatasetState | None:
    """The newest published version of a catalogue entry, None when there is none."""
    found = [e for (o, s, _), e in state.datasets.items() if (o, s) == (owner, serial) and e.state == "published"]
    return max(found, key=lambda entry: entry.version, default=None)


def check_items(form: Authorisation, schema: DatasetSchema) -> None:
    """Compare a form's items with the dataset.

    Raises:
        InputError: ``field-unknown``, ``separate-consent-missing``.
    """
    views = {view.name for view in schema.views}
    for item in form.items:
        if item.name_en not in views:
            schema.mask_of([item.name_en])
    named = covered_names(form, schema, with_separate_consent=False)
    boxed = covered_names(form, schema, with_separate_consent=True)
    without = sorted((named & sensitive_names(schema)) - boxed)
    if without:
        raise InputError(
            "separate-consent-missing", "sensitive items without a box of their own: " + ", ".join(without), items=without
        )
