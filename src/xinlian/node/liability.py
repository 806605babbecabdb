"""What belongs to use, disposal and liability, put together: a part of the object graph (``graph``) of its own.

Source: Decree 809 art. 27, 29, 39-41.
"""

from __future__ import annotations

from dataclasses import dataclass

from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.findings import Findings, Limits
from xinlian.node.following import Following
from xinlian.node.office import Office
from xinlian.node.settings import Settings
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.types import Uscc
from xinlian.store.writer import Writer


@dataclass(frozen=True, slots=True)
class LiabilityParts:
    """What it needs of the node."""

    department: Uscc
    writer: Writer
    state: ChainState
    clock: Clock
    following: Following
    catalogue: Catalogue
    office: Office
    settings: Settings


@dataclass(frozen=True, slots=True)
class Liability:
    """The use cases."""

    findings: Findings


def liability_of(parts: LiabilityParts) -> Liability:
    """Build them; what waits because of them is registered in the inbox."""
    settings, state, catalogue = parts.settings, parts.state, parts.catalogue

    def schema(owner: str, serial: int, version: int) -> DatasetSchema | None:
        entry = state.dataset(owner, serial, version)
        return None if entry is None else catalogue.known_schema(entry)

    limits = Limits(settings.disposal_wd, settings.dispute_wd, settings.findings_s)
    findings = Findings(parts.writer, state, schema, parts.clock.law_s, lambda: parts.following.is_held, limits)
    parts.office.inbox.register(findings.waiting)
    return Liability(findings)
