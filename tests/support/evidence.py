"""A small world for evidence tests: one department, its keys, a published dataset, batches on a chain in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.support.fake_view import BLOCK_TIME_S, FOREVER, FakeView, tx_hash
from xinlian.protocol import hextext, sdjwt
from xinlian.protocol.bundle import Bundle, Successor
from xinlian.protocol.jsontext import value_text
from xinlian.protocol.jwks import build_key_set
from xinlian.protocol.manifest import CONTRACTS, ContractDeployment, Deployment
from xinlian.protocol.merkle import Tree
from xinlian.protocol.receipt import Receipt
from xinlian.protocol.record import SealedRecord, StatementHead, parse_statement, seal
from xinlian.protocol.types import EpochS, Stream, Uscc, issuer_of, uuid7_text
from xinlian.protocol.verification import KeySetFrom

FUND, POLICE = Uscc("12411599MBDEM00233"), Uscc("11411599MBDEM0066K")
VCT = f"{FUND}/000001@1"
GENESIS = "0x" + "11" * 32
ANCHOR_BLOCK, NEXT_BLOCK = 20, 40


def signing_key(seed: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def sealing_key(seed: int) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def key_set_bytes(uscc: str, *seeds: int) -> bytes:
    return build_key_set(uscc, [signing_key(seed) for seed in seeds], [sealing_key(9).public_key()]).serialise()


def deployment() -> Deployment:
    def contract(name: str) -> ContractDeployment:
        digest = sha256(name.encode()).hexdigest()
        address = hextext.checksum_address("0x" + digest[:40])
        return ContractDeployment(address, 1, "0x" + sha256(digest.encode()).hexdigest(), "0x" + digest)

    return Deployment(31337, GENESIS, 0, MappingProxyType({name: contract(name) for name in CONTRACTS}))


def new_view() -> FakeView:
    view = FakeView(31337, GENESIS)
    view.codes = {contract.address: contract.code_hash for contract in deployment().contracts.values()}
    view.active = {FUND: [(2, FOREVER)], POLICE: [(2, FOREVER)]}
    view.published = {(FUND, 1, 1): [(3, FOREVER)]}
    view.keys = {FUND: [KeySetFrom(2, key_set_bytes(FUND, 1))], POLICE: [KeySetFrom(2, key_set_bytes(POLICE, 2))]}
    return view


def head(number: int = 0, *, rev: int = 1, prev: bytes | None = None, vct: str = VCT, uscc: str = FUND) -> StatementHead:
    jti = uuid7_text(1_772_000_000_000, number.to_bytes(10))
    return StatementHead(issuer_of(uscc), vct, jti, BLOCK_TIME_S + ANCHOR_BLOCK - 5, rev, prev)


def sealed(statement_head: StatementHead, **values: object) -> SealedRecord:
    fields = [(name, value_text(value)) for name, value in values.items()]
    return seal(statement_head, fields, sha256(repr(statement_head).encode()).digest())


def receipt(records: list[SealedRecord], index: int, slot: tuple[str, Stream, int], block: int) -> Receipt:
    tree = Tree([record.leaf for record in records])
    department, stream, sequence = slot
    return Receipt(
        chain_id=31337,
        genesis_hash=GENESIS,
        ledger=deployment().contracts["RecordLedger"].address,
        department=Uscc(department),
        stream=stream,
        sequence=sequence,
        index=index,
        size=tree.size,
        root=tree.root,
        suite=1,
        path=tree.path(index),
        block_number=block,
        block_time=BLOCK_TIME_S + block,
        tx_hash=tx_hash((department, int(stream), sequence)),
    )


@dataclass
class World:
    """A batch of five records at block 20, the third one revised in a second batch at block 40 (not marked yet)."""

    view: FakeView = field(default_factory=new_view)
    deployment: Deployment = field(default_factory=deployment)
    records: list[SealedRecord] = field(init=False)
    revision: SealedRecord = field(init=False)

    def __post_init__(self) -> None:
        self.records = [sealed(head(n), name="测试甲", balance_yuan="120000.00", months=n) for n in range(5)]
        self.revision = sealed(head(2, rev=2, prev=self.records[2].leaf), name="测试甲", balance_yuan="1.00", months=2)
        self.anchor(self.records, (FUND, Stream.RECORDS, 1), ANCHOR_BLOCK)
        self.anchor([self.revision], (FUND, Stream.RECORDS, 2), NEXT_BLOCK)

    def anchor(self, records: list[SealedRecord], slot: tuple[str, Stream, int], block: int) -> None:
        tree = Tree([record.leaf for record in records])
        self.view.anchor((slot[0], int(slot[1]), slot[2]), block, tree.root, tree.size)

    def bundle(self, index: int = 2, *, signed_by: int | None = None) -> Bundle:
        record = self.records[index]
        jws = None if signed_by is None else sdjwt.sign(record.statement, signing_key(signed_by))
        proof = receipt(self.records, index, (FUND, Stream.RECORDS, 1), ANCHOR_BLOCK)
        return Bundle(parse_statement(record.statement), record.disclosures[:2], proof, jws, None, EpochS(BLOCK_TIME_S + 60))

    def pending(self, *, signed_by: int | None = 1) -> Bundle:
        return replace(self.bundle(signed_by=signed_by), receipt=None)

    def successor(self) -> Successor:
        return Successor(
            parse_statement(self.revision.statement), receipt([self.revision], 0, (FUND, Stream.RECORDS, 2), NEXT_BLOCK)
        )

    def stream_bundle(self, stream: Stream, vct: str) -> Bundle:
        record = sealed(head(7, vct=vct), result="none")
        self.anchor([record], (FUND, stream, 1), ANCHOR_BLOCK)
        proof = receipt([record], 0, (FUND, stream, 1), ANCHOR_BLOCK)
        return Bundle(parse_statement(record.statement), record.disclosures, proof, None, None, EpochS(BLOCK_TIME_S + 60))
