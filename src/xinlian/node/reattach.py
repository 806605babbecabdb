"""``chain reattach``: going on with a new chain after the old one is gone. A deliberate act of a person, never automatic.

Rules
1. The new deployment's manifest is given by the person and checked against the chain behind the RPC URL first.
2. One transaction drops the chain cache, takes every batch and mark back to the start, and notes what must stand on the new
   chain before anything is anchored again. Records, leaves, roots and sequences stay as they are: the same roots are anchored
   from sequence 1.
3. What people did on the old chain they do again: registration, catalogue, grants, open cases. The node lists it; it cannot do
   it, for it needs the authority's key and officials' decisions.
4. Nothing is anchored before this department is registered and its catalogue entries that were published are published again,
   else old records would stand under entries that "then" did not exist.
5. Afterwards the node is started anew: no part of it goes on with the old deployment.

Example: ``xinlian chain reattach --deployment new.json`` (node stopped) or ``POST /api/v1/chain/reattach`` (alarm on).

Source: design 6.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import structlog

from xinlian.chain.rpc import AsksChain, Rpc, check_chain, check_code
from xinlian.node.chain_rows import stored_facts
from xinlian.node.chain_state import RUNNING, ChainState
from xinlian.node.following import Following
from xinlian.protocol import manifest
from xinlian.protocol.errors import ConfigError, ConflictError
from xinlian.protocol.manifest import Deployment
from xinlian.store import anchoring, chain_cache, meta
from xinlian.store import exchange as exchange_table
from xinlian.store.opening import open_store
from xinlian.store.writer import Reader, Transaction, Writer

_log = structlog.get_logger(__name__)
_WAITING = "reattach-waits-for"


@dataclass(frozen=True, slots=True)
class Redo:
    """What people must do again on the new chain.

    Args:
        register: whether this department was registered.
        datasets: own catalogue versions that were published, ``<code>@<version>``.
        grants: own grants that ran, ``<receiver> <dataset> (was number n)``.
        cases: own open cases, by number.
        authorisations: own ones that were in force, by id; the persons' forms are kept, and recorded anew when signed anew.
        calendar_years: years of the working-day calendar that were loaded; the authority loads them (and declares outages) again.
    """

    register: bool
    datasets: tuple[str, ...]
    grants: tuple[str, ...]
    cases: tuple[str, ...]
    calendar_years: tuple[int, ...] = ()
    authorisations: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the API and the command line show it."""
        return {
            "register": self.register,
            "datasets": list(self.datasets),
            "grants": list(self.grants),
            "cases": list(self.cases),
            "calendar_years": list(self.calendar_years),
            "authorisations": list(self.authorisations),
        }


@dataclass(frozen=True, slots=True)
class Reattached:
    """What reattaching did: the new chain, how many batches and marks wait for it, what people redo."""

    chain_id: int
    genesis_hash: str
    batches: int
    marks: int
    redo: Redo

    def to_json(self) -> dict[str, Any]:
        """As the API and the command line show it."""
        return {
            "chain_id": self.chain_id,
            "genesis_hash": self.genesis_hash,
            "batches": self.batches,
            "marks": self.marks,
            "redo": self.redo.to_json(),
            "restart": True,
        }


def redo_of(department: str, state: ChainState) -> Redo:
    """What must be done again, read from the old chain's state."""
    grants = [
        f"{grant.receiver} {grant.vct} (was number {grant.number})"
        for grant in state.grants.values()
        if grant.provider == department and grant.request.state in RUNNING
    ]
    return Redo(
        register=state.department(department) is not None,
        datasets=tuple(d.vct for d in state.datasets.values() if d.owner == department and d.published_block is not None),
        grants=tuple(grants),
        cases=tuple(case.case_no for case in state.cases.values() if case.lead == department and case.is_open),
        calendar_years=tuple(sorted(state.calendar.years)),
        authorisations=tuple(
            one.id.removeprefix("0x")
            for one in state.authorisations.values()
            if one.recorder == department and one.withdrawn_at is None
        ),
    )


async def switch(writer: Writer, department: str, rpc: AsksChain, new: Deployment) -> Reattached:
    """Turn a node's data over to a new chain.

    Args:
        writer: node.db.
        department: USCC of this node.
        rpc: the new chain.
        new: its deployment.

    Raises:
        ChainError: ``chain-wrong`` or ``code-missing`` when the chain is not the manifest's; nothing was changed.
    """
    await check_chain(rpc, new.chain_id, new.genesis_hash)
    await check_code(rpc, new)

    def job(tx: Transaction) -> Reattached:
        redo = redo_of(department, ChainState(stored_facts(tx)))
        earlier = waiting_for(tx)  # reattached twice: the old chain's list still counts
        datasets = tuple(sorted({*redo.datasets, *earlier}))
        chain_cache.drop(tx)
        anchoring.reset_for_reattach(tx)
        exchange_table.forget_uses(tx)
        meta.put(tx, _WAITING, orjson.dumps(datasets).decode())
        batches, marks = len(anchoring.all_batches(tx)), len(anchoring.marks_in(tx, "queued", 1_000_000))
        kept = replace(redo, datasets=datasets)
        return Reattached(new.chain_id, new.genesis_hash, batches, marks, kept)

    done = await writer.write(job)
    _log.warning("reattached", chain_id=new.chain_id, genesis=new.genesis_hash, batches=done.batches)
    return done


def waiting_for(reader: Reader) -> tuple[str, ...]:
    """Catalogue versions that were published on the old chain; empty when this node never changed its chain."""
    text = meta.get(reader, _WAITING)
    return () if text is None else tuple(orjson.loads(text))


@dataclass(frozen=True, slots=True)
class Reattaching:
    """The use case on a running node, and the brake after a reattachment.

    Args:
        department: USCC of this node.
        writer: node.db.
        rpc: the chain.
        state: of the chain followed now.
        following: stopped for good by a reattachment, until the restart.
        manifest_path: where the deployment manifest stands; replaced.
    """

    department: str
    writer: Writer
    rpc: AsksChain
    state: ChainState
    following: Following
    manifest_path: Path

    def missing(self) -> tuple[str, ...]:
        """What must stand on the new chain before anything is anchored again; empty when nothing does."""
        with self.writer.read() as reader:
            awaited = waiting_for(reader)
        if not awaited:
            return ()
        if self.state.department(self.department) is None:
            return ("registration", *awaited)
        entries = {vct: self.state.dataset_by_vct(vct) for vct in awaited}
        return tuple(vct for vct, entry in entries.items() if entry is None or entry.published_block is None)

    async def reattach(self, manifest_bytes: bytes) -> Reattached:
        """Reattach the running node; it anchors and follows nothing until it is started anew.

        Args:
            manifest_bytes: the new deployment manifest.

        Raises:
            ConflictError: ``chain-not-replaced`` while the node follows its chain without an alarm.
            InputError: ``manifest-form``.
            ConfigError: ``deployment-unwritable``.
            ChainError: ``chain-wrong``, ``code-missing``, or the transport's errors.
        """
        if self.following.alarm is None:
            text = "the chain this node follows is there; reattaching is for a chain that is gone"
            raise ConflictError("chain-not-replaced", text)
        new = manifest.parse(manifest_bytes)
        draft = _draft(self.manifest_path, manifest_bytes)
        await self.following.stop()
        done = await switch(self.writer, self.department, self.rpc, new)
        draft.replace(self.manifest_path)
        return done


async def reattach_offline(
    data_dir: Path, department: str, rpc_url: str, manifest_path: Path, manifest_bytes: bytes
) -> Reattached:
    """Reattach a node that is stopped (the command line).

    Args:
        data_dir: of the node.
        department: its USCC.
        rpc_url: the new chain.
        manifest_path: where the node's manifest stands; replaced.
        manifest_bytes: the new deployment manifest.

    Raises:
        StoreError: ``store-locked`` while the node runs.
        InputError, ConfigError, ChainError: as ``Reattaching.reattach``.
    """
    new = manifest.parse(manifest_bytes)
    draft = _draft(manifest_path, manifest_bytes)
    store = open_store(data_dir)
    try:
        async with Rpc(rpc_url) as rpc:
            done = await switch(store.node, department, rpc, new)
    finally:
        store.close()
    draft.replace(manifest_path)
    return done


def _draft(path: Path, content: bytes) -> Path:
    """Write the new manifest beside the old one, so that replacing it cannot fail half-way.

    Raises:
        ConfigError: ``deployment-unwritable``.
    """
    draft = path.with_name(path.name + ".new")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigError("deployment-unwritable", f"the manifest {path} cannot be replaced") from error
    return draft


def describe(missing: Sequence[str]) -> str:
    """What readiness says about an unfinished reattachment."""
    return "nothing is awaited" if not missing else "anchoring waits on the new chain for " + ", ".join(missing)
