"""Proposing a dataset to the catalogue: the department's handler proposes, its head consents, then the chain is told.

The approval's payload is the schema file as text; its object is the dataset's code and version. The digest of the head's consent
goes on chain with the proposal. What the authority sent back is proposed again by the same two steps.

Source: Decree 809 art. 13 (consent of the head before listing); dossier 2.2 (待审核(部门) → 待审核(主管部门)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from xinlian.node.approvals import Approvals, Consented, Kind, Proposal
from xinlian.node.approvals.views import ApprovalInfo
from xinlian.node.catalogue import Catalogue
from xinlian.node.people import Person
from xinlian.protocol.acts import ActWord
from xinlian.protocol.dataset import DatasetSchema, load_schema
from xinlian.protocol.errors import InputError
from xinlian.protocol.objects import dataset_object

KIND: Final = "dataset-propose"


@dataclass(frozen=True, slots=True)
class Proposing:
    """The use case.

    Args:
        catalogue: checks and sends.
        approvals: holds the proposal until it is consented to.
    """

    catalogue: Catalogue
    approvals: Approvals

    def kind(self) -> Kind:
        """The kind, to be registered."""
        return Kind(KIND, self._validate, self._perform, self._find_done, act=ActWord.SUBMITTED)

    async def propose(self, source: bytes, person: Person) -> ApprovalInfo:
        """Propose a schema file to the department's head.

        Raises:
            InputError: ``schema-form``, ``schema-owner``.
            ConflictError: ``dataset-exists``, ``alias-taken``, ``approval-open``.
            AuthError: ``role-missing``.
        """
        schema = self.catalogue.check_proposal(source)
        payload = {"schema": schema.source.decode()}
        return await self.approvals.propose(KIND, _object(schema), payload, person)

    async def _validate(self, proposal: Proposal) -> None:
        schema = self.catalogue.check_proposal(_source(proposal.payload))
        if _object(schema) != proposal.object_ref:
            raise InputError("approval-object", "the schema file is of another dataset or version", expected=_object(schema))

    async def _perform(self, consented: Consented) -> dict[str, object]:
        source = _source(consented.proposal.payload)
        done = await self.catalogue.propose(source, consented.document.digest)
        return {**_named(load_schema(source)), "tx_hash": done.tx_hash}

    async def _find_done(self, consented: Consented) -> dict[str, object] | None:
        schema = load_schema(_source(consented.proposal.payload))
        return _named(schema) if self.catalogue.is_proposed(schema, consented.document.digest) else None


def _named(schema: DatasetSchema) -> dict[str, object]:
    return {"code": schema.code, "version": schema.version}


def _source(payload: Any) -> bytes:
    schema = payload.get("schema")
    if not isinstance(schema, str) or len(payload) != 1:
        raise InputError("approval-payload", "expected exactly the member schema: the schema file as text", field="schema")
    return schema.encode()


def _object(schema: DatasetSchema) -> str:
    return dataset_object(schema.code, schema.version)
