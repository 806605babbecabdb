"""Everything about authorisations of one node, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xinlian.node.acts import Acts
from xinlian.node.attachments import Keeping
from xinlian.node.authorisations.bases import Bases
from xinlian.node.authorisations.recording import Recording
from xinlian.node.authorisations.shelf import Shelf
from xinlian.node.authorisations.showing import Showing
from xinlian.node.authorisations.withdrawing import Withdrawing
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState
from xinlian.node.documents import Documents
from xinlian.node.following import Following
from xinlian.node.reads import Reads
from xinlian.node.transactions import Transactions
from xinlian.protocol.types import Uscc
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Writer


@dataclass(frozen=True, slots=True)
class AuthorisationParts:
    """What the use cases are built from; ``law_s``: law time, epoch seconds."""

    department: Uscc
    writer: Writer
    sealer: Sealer
    state: ChainState
    catalogue: Catalogue
    reads: Reads
    following: Following
    transactions: Transactions
    law_s: Callable[[], int]
    acts: Acts
    documents: Documents
    keeping: Keeping


@dataclass(frozen=True, slots=True)
class Authorisations:
    """The four sides of the use case: recording, showing with a use, withdrawing, views."""

    recording: Recording
    shelf: Shelf
    withdrawing: Withdrawing
    showing: Showing


def authorisations_of(parts: AuthorisationParts) -> Authorisations:
    """Put the use cases together."""
    p = parts
    return Authorisations(
        Recording(p.department, p.writer, p.sealer, p.state, p.catalogue, p.reads, p.transactions, p.law_s, p.acts, p.keeping),
        Shelf(p.department, p.writer, p.sealer, p.state, p.reads, Bases(p.documents)),
        Withdrawing(p.department, p.writer, p.sealer, p.state, p.following, p.transactions, p.law_s, p.acts),
        Showing(p.department, p.writer, p.sealer, p.state, p.law_s),
    )
