"""Terms of requests and grants: named by fields and views here, by masks on chain; the dataset version's schema translates.

Rules
1. A mode must be offered by the dataset, and pure lookup fields can never be asked for.
2. The chain takes 16 purposes and 8 scenarios at most; purposes are codes, scenarios 32 bytes in hex.

Source: design 5 (SharingRegistry); Decree 809 art. 20.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xinlian.node.chain_state import Terms, code_word
from xinlian.protocol.dataset import DatasetSchema, Mode
from xinlian.protocol.errors import InputError


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
class ScopeByName:
    """Fields per mode and views: what an answer or the authority's review lets through."""

    verify: tuple[str, ...]
    query: tuple[str, ...]
    answer: tuple[str, ...]
    batch: tuple[str, ...]


def chain_scope(schema: DatasetSchema, scope: TermsByName | ScopeByName) -> dict[str, object]:
    """Masks as the contract takes them (ISharingRegistry.Scope).

    Raises:
        InputError: ``mode-not-offered``, ``field-unknown``, ``view-unknown``, ``field-not-grantable``.
    """
    for offered in Mode:
        if getattr(scope, offered.value) and offered not in schema.catalogue.modes:
            raise InputError("mode-not-offered", f"{schema.alias} does not offer mode {offered.value}", mode=offered.value)
    masks = {mode: schema.mask_of(getattr(scope, mode)) for mode in ("verify", "query", "batch")}
    for mode, mask in masks.items():
        outside = mask & ~schema.grantable_mask
        if outside:
            names = list(schema.names_of(outside))
            raise InputError("field-not-grantable", f"{mode}: these fields serve lookups only: {', '.join(names)}", fields=names)
    return {
        "verifyMask": masks["verify"],
        "queryMask": masks["query"],
        "answerMask": schema.view_mask_of(scope.answer),
        "batchMask": masks["batch"],
    }


def chain_terms(schema: DatasetSchema, terms: TermsByName) -> dict[str, object]:
    """Terms as the contract takes them (ISharingRegistry.Terms).

    Raises:
        InputError: as ``chain_scope``; ``chain-code-form``.
    """
    return {**chain_scope(schema, terms), **_unscoped(terms)}


def known_terms(terms: Terms) -> dict[str, object]:
    """Terms that stand on chain already, as the contract takes them again."""
    return {**known_scope(terms), **_unscoped(terms)}


def _unscoped(terms: Terms | TermsByName) -> dict[str, object]:
    """What masks do not say, as the contract takes it."""
    return {
        "purposes": [code_word(purpose) for purpose in terms.purposes],
        "scenarios": list(terms.scenarios),
        "validFrom": terms.valid_from_s,
        "validTo": terms.valid_to_s,
        "usesPerCase": terms.uses_per_case,
        "standing": terms.standing,
    }


def known_scope(terms: Terms) -> dict[str, object]:
    """Their masks alone (ISharingRegistry.Scope)."""
    return {
        "verifyMask": terms.verify_mask,
        "queryMask": terms.query_mask,
        "answerMask": terms.answer_mask,
        "batchMask": terms.batch_mask,
    }


def names_of(terms: Terms, schema: DatasetSchema) -> ScopeByName:
    """The fields and views that terms on chain cover."""
    return ScopeByName(
        tuple(schema.names_of(terms.verify_mask)),
        tuple(schema.names_of(terms.query_mask)),
        tuple(schema.view_names_of(terms.answer_mask)),
        tuple(schema.names_of(terms.batch_mask)),
    )


def shown_terms(terms: Terms, schema: DatasetSchema | None) -> dict[str, Any]:
    """Terms as the API shows them; field names are there when the dataset's schema is known here."""
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
    if schema is not None:
        names = names_of(terms, schema)
        shown |= {mode.value: list(getattr(names, mode)) for mode in Mode}
    return shown
