"""What the provider's side is built from and works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from xinlian.node.attachments import Keeping
from xinlian.node.authorisations import Shelf
from xinlian.node.bundles import Bundles
from xinlian.node.catalogue import Catalogue
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.corrections import Disputed, Disputes
from xinlian.node.identity import Identity
from xinlian.node.peers import Peers
from xinlian.node.reads import Reads
from xinlian.node.records import Records
from xinlian.protocol.envelope import EnvelopeHeader, Rid
from xinlian.protocol.messages import AnswerItem, ProviderCheck, Request
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.types import RecordId, Uscc
from xinlian.store import streams
from xinlian.store.opening import Store
from xinlian.store.sealing import Sealer
from xinlian.store.use import RefusedCall


@dataclass(frozen=True, slots=True)
class Proven:
    """A request whose sender is proven: envelope, digest, ciphertext, signature field, and what was inside."""

    header: EnvelopeHeader
    digest: bytes
    ciphertext: bytes
    signature: str
    plaintext: bytes = field(repr=False)


class Asker(Protocol):
    """What the answer to a request needs of it."""

    @property
    def rid(self) -> Rid:
        """Request id."""
        ...

    @property
    def from_uscc(self) -> Uscc:
        """Who asks."""
        ...

    @property
    def reply_key(self) -> bytes:
        """What the answer is sealed to, X25519, 32 bytes."""
        ...


class Answerable(Protocol):
    """An authenticated request of any kind, as answers are sealed and committed for it."""

    @property
    def header(self) -> EnvelopeHeader:
        """Its envelope."""
        ...

    @property
    def request(self) -> Asker:
        """What was inside."""
        ...

    @property
    def digest(self) -> bytes:
        """SHA-256 of its sealed body."""
        ...

    @property
    def ciphertext(self) -> bytes:
        """Its sealed body."""
        ...

    @property
    def signature(self) -> str:
        """Its signature field."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request with everything its answer needs; once its records are found, receipts by position and what is
    disputed of own records.
    """

    header: EnvelopeHeader
    request: Request
    digest: bytes
    ciphertext: bytes
    signature: str
    receipts: Mapping[int, Receipt | None] = field(default_factory=dict)
    disputed: Disputed = field(default_factory=Disputed)


@dataclass(frozen=True, slots=True)
class Result:
    """What one item came to, before anything is committed; ``revisions`` are those of its records, in their order."""

    item: AnswerItem
    record_ids: tuple[RecordId, ...] = ()
    revisions: tuple[int, ...] = ()
    statement: streams.Answer | None = None
    attempts: tuple[tuple[bytes, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ProvidingLimits:
    """Bounds: age of the view (s), promise of anchoring (s), verify attempts."""

    max_view_age_s: float
    anchor_promise_s: int
    verify_attempts: int


@dataclass(frozen=True, slots=True)
class ProvidingParts:
    """What the use case is built from."""

    department: Uscc
    store: Store
    sealer: Sealer
    state: ChainState
    clock: Clock
    identity: Identity
    peers: Peers
    catalogue: Catalogue
    records: Records
    bundles: Bundles
    reads: Reads
    keeping: Keeping
    disputes: Disputes
    shelf: Shelf


def refused_call(request: Request, check: ProviderCheck, law_s: int) -> RefusedCall:
    """Which check refused a request; the read entries do not say it, and the rules of art. 40(2) ask."""
    case = None if request.case is None else f"{request.case.lead}/{request.case.case_no}"
    grant = f"{request.grant.provider}/{request.grant.number}"
    return RefusedCall(request.rid, request.from_uscc, grant, case, check.value, law_s)
