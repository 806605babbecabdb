"""Grants: giving, narrowing, revoking, listing.

Rules
1. Terms are named by fields and views here and by masks on chain; the dataset version's schema translates.
2. Numbers are the provider's own, rising from 1; a call takes the next one and holds it until it is mined.
3. Pure lookup fields can never be granted.

Source: design 5 (SharingRegistry); Decree 809 art. 20, 25.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState, GrantState, code_word
from xinlian.node.paging import Page, Window, page_of
from xinlian.node.transactions import Transactions
from xinlian.protocol.codes import check_uscc
from xinlian.protocol.dataset import DatasetSchema, Mode
from xinlian.protocol.errors import InputError, NotFoundError, PeerError


@dataclass(frozen=True, slots=True)
class TermsByName:
    """Terms as people say them: fields per mode, views, purposes, scenarios (0x hex), term in epoch seconds, uses per case."""

    verify: tuple[str, ...]
    query: tuple[str, ...]
    answer: tuple[str, ...]
    batch: tuple[str, ...]
    purposes: tuple[str, ...]
    scenarios: tuple[str, ...]
    valid_from_s: int
    valid_to_s: int
    uses_per_case: int
    standing: bool = False


@dataclass(frozen=True, slots=True)
class GrantInfo:
    """A grant as shown; field names are there when the dataset's schema is known here."""

    provider: str
    number: int
    receiver: str
    code: str
    version: int
    active: bool
    running: bool
    terms: dict[str, Any]


class Sharing:
    """The use case.

    Args:
        department: USCC of this node.
        state: the chain's grants.
        catalogue: datasets.
        transactions: signs with the LAW key.
        law_s: law time, epoch seconds.
    """

    def __init__(
        self,
        department: str,
        state: ChainState,
        catalogue: Catalogue,
        transactions: Transactions,
        law_s: Callable[[], int],
    ) -> None:
        self._department = department
        self._state = state
        self._catalogue = catalogue
        self._transactions = transactions
        self._law_s = law_s
        self._numbering = asyncio.Lock()

    async def give(self, receiver: str, dataset: str, version: int | None, terms: TermsByName) -> tuple[GrantInfo, str]:
        """Give a grant.

        Returns:
            The grant and the hash of its transaction.

        Raises:
            InputError: ``field-unknown``, ``view-unknown``, ``field-not-grantable``, ``chain-code-form``, ``code-form``.
            NotFoundError: ``dataset-unknown``.
            ChainError: ``tx-reverted`` with the contract's reason, or when the chain cannot be reached.
        """
        check_uscc(receiver)
        local = self._catalogue.own(dataset, version)
        self._catalogue.require_published(local)
        schema = local.schema
        on_chain = chain_terms(schema, terms)
        done = await self._transactions.earlier("SharingRegistry", "grant")
        if done is None:
            async with self._numbering:
                number = self._state.newest_grant_number(self._department) + 1
                arguments = number, receiver, schema.serial, schema.version, on_chain
                done = await self._transactions.law("SharingRegistry", "grant", *arguments, facts={"number": number})
        return await self.info(self._department, done.facts["number"]), done.tx_hash

    async def narrow(self, number: int, terms: TermsByName) -> tuple[GrantInfo, str]:
        """Narrow an own grant.

        Raises:
            NotFoundError: ``grant-unknown``.
            ChainError: ``tx-reverted`` when a term would become wider.
        """
        grant = self._own(number)
        schema = self._catalogue.own(f"{grant.provider}/{grant.serial:06d}", grant.version).schema
        done = await self._transactions.law("SharingRegistry", "narrow", number, chain_terms(schema, terms))
        return await self.info(self._department, number), done.tx_hash

    async def revoke(self, number: int, reason: int) -> tuple[GrantInfo, str]:
        """Revoke an own grant.

        Raises:
            NotFoundError: ``grant-unknown``.
            ChainError: ``tx-reverted`` when it is revoked already.
        """
        self._own(number)
        done = await self._transactions.law("SharingRegistry", "revoke", number, reason)
        return await self.info(self._department, number), done.tx_hash

    def _own(self, number: int) -> GrantState:
        grant = self._state.grants.get((self._department, number))
        if grant is None:
            raise NotFoundError("grant-unknown", f"this department gave no grant {number}", grant=number)
        return grant

    async def info(self, provider: str, number: int) -> GrantInfo:
        """One grant.

        Raises:
            NotFoundError: ``grant-unknown``.
        """
        grant = self._state.grants.get((provider, number))
        if grant is None:
            raise NotFoundError("grant-unknown", f"there is no grant {number} of {provider}", grant=number, provider=provider)
        return await self._info(grant)

    async def page(self, direction: str, window: Window) -> Page[GrantInfo]:
        """Grants this department gave, received, or both (given, received, all), by provider and number."""
        wanted = (
            grant
            for grant in self._state.grants.values()
            if (direction in ("given", "all") and grant.provider == self._department)
            or (direction in ("received", "all") and grant.receiver == self._department)
        )
        page = page_of(wanted, window, lambda grant: (grant.provider, grant.number))
        return Page([await self._info(grant) for grant in page.items], page.next)

    async def _info(self, grant: GrantState) -> GrantInfo:
        terms = grant.terms
        shown: dict[str, Any] = {
            "purposes": list(terms.purposes),
            "scenarios": list(terms.scenarios),
            "valid_from": terms.valid_from_s,
            "valid_to": terms.valid_to_s,
            "uses_per_case": terms.uses_per_case,
            "standing": terms.standing,
            "masks": {
                "verify": hex(terms.verify_mask),
                "query": hex(terms.query_mask),
                "answer": hex(terms.answer_mask),
                "batch": hex(terms.batch_mask),
            },
        }
        schema = await self._schema(grant)
        if schema is not None:
            shown["verify"] = list(schema.names_of(terms.verify_mask))
            shown["query"] = list(schema.names_of(terms.query_mask))
            shown["answer"] = list(schema.view_names_of(terms.answer_mask))
        running = grant.is_running_at(self._law_s())
        active = grant.revoked_block is None
        code = f"{grant.provider}/{grant.serial:06d}"
        return GrantInfo(grant.provider, grant.number, grant.receiver, code, grant.version, active, running, shown)

    async def _schema(self, grant: GrantState) -> DatasetSchema | None:
        entry = self._state.dataset(grant.provider, grant.serial, grant.version)
        try:
            return None if entry is None else await self._catalogue.schema_at(entry)
        except PeerError:  # the owner's node is down: masks only
            return None


def chain_terms(schema: DatasetSchema, terms: TermsByName) -> dict[str, object]:
    """Terms as the contract takes them.

    Raises:
        InputError: ``mode-not-offered``, ``field-unknown``, ``view-unknown``, ``field-not-grantable``, ``chain-code-form``.
    """
    for offered in Mode:
        if getattr(terms, offered.value) and offered not in schema.catalogue.modes:
            raise InputError("mode-not-offered", f"{schema.alias} does not offer mode {offered.value}", mode=offered.value)
    masks = {mode: schema.mask_of(getattr(terms, mode)) for mode in ("verify", "query", "batch")}
    for mode, mask in masks.items():
        outside = mask & ~schema.grantable_mask
        if outside:
            names = list(schema.names_of(outside))
            raise InputError("field-not-grantable", f"{mode}: these fields serve lookups only: {', '.join(names)}", fields=names)
    return {
        "verifyMask": masks["verify"],
        "queryMask": masks["query"],
        "answerMask": schema.view_mask_of(terms.answer),
        "batchMask": masks["batch"],
        "purposes": [code_word(purpose) for purpose in terms.purposes],
        "scenarios": list(terms.scenarios),
        "validFrom": terms.valid_from_s,
        "validTo": terms.valid_to_s,
        "usesPerCase": terms.uses_per_case,
        "standing": terms.standing,
    }
