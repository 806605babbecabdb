"""Steps of the law as webhook events: what became final on chain about objects that this department takes part in.

Rules
1. Told once, in the transaction in which the step's block becomes final, so a reorganisation takes nothing back. What was final
   before the node first looked is not told.
2. The authority's node is told of every department's steps.
3. An authorisation concerns its recorder, and every department at which it was shown with a use.

Source: issue "2 of 5", Everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from xinlian.node.chain_rows import StoredFact
from xinlian.node.chain_state import ChainFact, ChainState, Told, told_by
from xinlian.node.webhooks.events import Event, Events
from xinlian.protocol.objects import ObjectKind, authorisation_object, object_kind
from xinlian.store import authorisations, chain_cache, meta
from xinlian.store.writer import Transaction

_TOLD_TO: Final = "webhooks told to block"
_CONTRACTS: Final = ("SharingRegistry", "CorrectionRegistry", "DatasetCatalog", "AuthorisationRegistry")
_TYPES: Final = {
    ObjectKind.REQUEST: "request.step",
    ObjectKind.CORRECTION: "correction.step",
    ObjectKind.DATASET: "catalogue.step",
    ObjectKind.AUTHORISATION: "authorisation.step",
}


def step_events(events: Events, state: ChainState, department: str, *, is_authority: bool) -> Callable[[Transaction, int], None]:
    """Tell of steps once their block is final.

    Args:
        events: the outbox.
        state: who takes part in what.
        department: USCC of this node.
        is_authority: whether everything is told.

    Returns:
        A function of the follower's transaction and the newest final block.
    """

    def final(tx: Transaction, block: int) -> None:
        told = meta.get(tx, _TOLD_TO)
        if told is not None and int(told) >= block:
            return
        for event in () if told is None else _steps(tx, state, None if is_authority else department, (int(told), block)):
            events.emit(tx, event)
        meta.put(tx, _TOLD_TO, str(block))

    return final


def _steps(tx: Transaction, state: ChainState, department: str | None, blocks: tuple[int, int]) -> Iterator[Event]:
    """Steps after the first block up to the second; None as department for everybody's."""
    for row in chain_cache.between(tx, _CONTRACTS, *blocks):
        fact = StoredFact.of(row)
        told = _authorisation(tx, fact, department) if row.name.startswith("Authorisation") else told_by(fact)
        if told is None:
            continue
        parties = told.parties | state.documents.parties(told.object_ref)
        if department is None or department in parties:
            data = {"object": told.object_ref, "step": row.name, "block_number": row.block_number, "at": row.block_time}
            yield Event(_TYPES[object_kind(told.object_ref)], {**data, "tx_hash": row.tx_hash})


def _authorisation(tx: Transaction, fact: ChainFact, department: str | None) -> Told:
    """What an event of an authorisation concerns."""
    recorder, authorisation = str(fact.args["recorder"]), bytes.fromhex(str(fact.args["id"])[2:])
    parties = {recorder}
    if department is not None and authorisations.uses_of(tx, (recorder, authorisation), 1):
        parties.add(department)
    return Told(authorisation_object(recorder, authorisation), frozenset(parties), ())
