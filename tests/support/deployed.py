"""The contracts on a test chain, with one department that can do everything.

Example: ``deployed = await deployed_on(chain, rpc, tmp_path); await deployed.send(deployed.ledger.anchor([batch], []))``
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.anvil import START_S, TestChain
from xinlian.chain.authorisations import AuthorisationRegistry, commitment
from xinlian.chain.bindings import CaseLedger, DepartmentRegistry, RecordLedger, SharingRegistry, encode_call
from xinlian.chain.calendar import WorkCalendar
from xinlian.chain.calls import Application, Batch, Call, Mark, NewCase, Registration, Terms, text32
from xinlian.chain.catalogue import DatasetCatalog, Proposal
from xinlian.chain.corrections import CORRECTED, CorrectionRegistry, Opening
from xinlian.chain.deploy import DeployOptions, deploy
from xinlian.chain.keys import ChainKey, LocalKey, Registry, prove_possession
from xinlian.chain.rpc import Rpc
from xinlian.chain.sender import Mined, Sender, SenderOptions, StoredTx
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.manifest import Deployment
from xinlian.protocol.working_days import Interval, day_of
from xinlian.scenarios.calendar import shipped_calendar

DEPARTMENT = "12411599MBTEST0012"
OTHER = "12411599MBTEST0020"
JWKS = '{"keys":[]}'
DOCUMENT = keccak256(b"salted text of a step")


@dataclass
class MemoryLog:
    """A transaction log in memory that says what happened, in order."""

    txs: list[StoredTx] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    loads: dict[str, object] = field(default_factory=dict)

    async def next_nonce(self, signer: str) -> int | None:
        alive = [tx.nonce + 1 for tx in self.txs if tx.signer == signer and self.states[tx.hash] != "failed"]
        return max(alive, default=None)

    async def open_txs(self, signer: str) -> Sequence[StoredTx]:
        return [tx for tx in self.txs if tx.signer == signer and self.states[tx.hash] in {"signed", "sent", "replaced"}]

    async def record_signed(self, tx: StoredTx, load: object, replaces: str | None) -> None:
        self.txs.append(tx)
        self.states[tx.hash] = "signed"
        self.loads[tx.hash] = load
        if replaces is not None:
            self.states[replaces] = "replaced"
            self.loads[tx.hash] = self.loads[replaces]
        self.story.append(f"signed {tx.nonce}")

    async def record_sent(self, tx_hash: str) -> None:
        if self.states[tx_hash] == "signed":
            self.states[tx_hash] = "sent"
        self.story.append("sent")

    async def record_mined(self, tx_hash: str, block: BlockRef) -> None:
        nonce = next(tx.nonce for tx in self.txs if tx.hash == tx_hash)
        for tx in self.txs:
            if tx.nonce == nonce and self.states[tx.hash] != "failed":
                self.states[tx.hash] = "over"
        self.states[tx_hash] = "mined"
        self.story.append(f"mined {nonce} in {block.number}")

    async def record_failed(self, tx_hash: str, reason: str) -> None:
        nonce = next(tx.nonce for tx in self.txs if tx.hash == tx_hash)
        for tx in self.txs:
            if tx.nonce == nonce:
                self.states[tx.hash] = "failed"
        self.story.append(f"failed {nonce}: {reason}")


@dataclass
class Deployed:
    """The contracts and two keys: ``authority`` and ``signer`` (all roles of ``DEPARTMENT``)."""

    deployment: Deployment
    rpc: Rpc
    authority: LocalKey
    signer: LocalKey

    def address(self, name: str) -> str:
        return self.deployment.contracts[name].address

    @property
    def registry(self) -> DepartmentRegistry:
        return DepartmentRegistry(self.address("DepartmentRegistry"))

    @property
    def calendar(self) -> WorkCalendar:
        return WorkCalendar(self.address("WorkCalendar"))

    @property
    def catalog(self) -> DatasetCatalog:
        return DatasetCatalog(self.address("DatasetCatalog"))

    @property
    def ledger(self) -> RecordLedger:
        return RecordLedger(self.address("RecordLedger"))

    @property
    def sharing(self) -> SharingRegistry:
        return SharingRegistry(self.address("SharingRegistry"))

    @property
    def cases(self) -> CaseLedger:
        return CaseLedger(self.address("CaseLedger"))

    @property
    def corrections(self) -> CorrectionRegistry:
        return CorrectionRegistry(self.address("CorrectionRegistry"))

    @property
    def authorisations(self) -> AuthorisationRegistry:
        return AuthorisationRegistry(self.address("AuthorisationRegistry"))

    def sender(self, key: ChainKey | None = None, log: MemoryLog | None = None) -> Sender:
        return Sender(self.rpc, key or self.signer, log or MemoryLog(), SenderOptions(self.deployment.chain_id, poll_s=0.01))

    async def send(self, call: Call, key: ChainKey | None = None) -> Mined:
        """Send with a fresh sender and wait."""
        sender = self.sender(key)
        return await sender.wait(await sender.send(call, "test"), 20)

    async def register(self, department: str = DEPARTMENT, key: ChainKey | None = None, kind: int = 1) -> None:
        """Register a department whose one signer has all roles."""
        place = Registry(self.deployment.chain_id, self.address("DepartmentRegistry"))
        new = await prove_possession(key or self.signer, place, department, 7)
        registration = Registration(department, kind, "测试部门", "https://node.test", JWKS, (new,))
        await self.send(self.registry.register(registration), self.authority)

    async def anchor(self, sequence: int, size: int = 4, stream: int = 1) -> Batch:
        """Anchor a batch with a made-up root."""
        one = batch(sequence, size, stream)
        await self.send(self.ledger.anchor([one], []))
        return one


def batch(sequence: int, size: int = 4, stream: int = 1) -> Batch:
    """A batch whose root follows from its numbers."""
    return Batch(stream, sequence, keccak256(f"root {stream} {sequence}".encode()), size)


def proposal(serial: int = 33, version: int = 1) -> Proposal:
    """A personal catalogue entry, shared on conditions, of ten fields and two views."""
    return Proposal(
        serial=serial,
        version=version,
        schema_hash=keccak256(b"schema"),
        share_type=2,
        field_count=10,
        view_count=2,
        verifiable_mask=0b11,
        purposes=(text32("NEW-HOME-LOAN"),),
        secrecy_assessment=keccak256(b"secrecy"),
        head_consent=DOCUMENT,
        personal=True,
        impact_assessment=keccak256(b"impact"),
        sensitive_mask=0b100,
    )


async def deployed_on(chain: TestChain, rpc: Rpc, folder: Path, *, register: bool = True) -> Deployed:
    """Deploy with the authority's key; register ``DEPARTMENT`` unless told otherwise."""
    authority, signer = chain.key("authority"), chain.key("signer")
    sender = SenderOptions(31337, poll_s=0.01)
    options = DeployOptions(folder / "deployment.json", authority.address, sender=sender)
    result = Deployed(await deploy(rpc, authority, options), rpc, authority, signer)
    if register:
        await result.register()
    return result


async def calendar_once(deployed: Deployed) -> None:
    year, day, calendar = shipped_calendar()[2026].days, day_of(START_S), deployed.calendar
    await deployed.send(calendar.load_year(2026, year), deployed.authority)
    await deployed.send(calendar.change_days(2026, year), deployed.authority)
    await deployed.send(calendar.declare_outage(Interval(day, day + 9)), deployed.authority)
    await deployed.send(calendar.withdraw_outage(Interval(day + 8, day + 8)), deployed.authority)


async def recovery_once(deployed: Deployed, chain: TestChain) -> None:
    registry, place = deployed.registry, Registry(deployed.deployment.chain_id, deployed.address("DepartmentRegistry"))
    successors = [await prove_possession(chain.key("successor"), place, OTHER, 7)]
    await deployed.send(registry.announce_recovery(OTHER, successors), deployed.authority)
    await deployed.send(registry.cancel_recovery(OTHER), deployed.authority)
    await deployed.send(registry.announce_recovery(OTHER, successors), deployed.authority)
    deadline_s = await deployed.rpc.ask(registry.recovery_deadline_of(OTHER))
    chain.rpc("evm_setNextBlockTimestamp", deadline_s)
    await deployed.send(registry.recover(OTHER), deployed.authority)


async def law_once(deployed: Deployed, chain: TestChain) -> None:
    """Catalogue clocks, corrections and authorisations; the calendar is loaded, ``OTHER`` received grant 4."""
    second, catalog, corrections = chain.key("second"), deployed.catalog, deployed.corrections
    await deployed.send(catalog.propose(proposal(34)))
    await deployed.send(catalog.return_for_change(DEPARTMENT, 34, 1, DOCUMENT), deployed.authority)
    await deployed.send(catalog.propose(proposal(34)))
    await deployed.send(catalog.propose(proposal(35)))
    await deployed.send(catalog.publish(DEPARTMENT, 35, 1, DOCUMENT), deployed.authority)
    await deployed.send(catalog.open_update(DEPARTMENT, 35, DOCUMENT))
    await deployed.send(catalog.extend_update(DEPARTMENT, 35, DOCUMENT), deployed.authority)
    for number in (1, 2):
        opening = Opening(number, DEPARTMENT, 4, 33, 1, b"t" * 32, b"e" * 32, DOCUMENT)
        await deployed.send(corrections.open(opening), second)
    await deployed.send(corrections.withdraw(2, DOCUMENT), second)
    secret, one = b"s" * 32, b"i" * 32
    recorded = deployed.authorisations.record(one, b"d" * 32, commitment(secret), START_S + 300 * 86_400)
    await deployed.send(recorded)
    await deployed.send(deployed.authorisations.withdraw(DEPARTMENT, one, secret), second)
    chain.pass_time(30 * 86_400)
    await deployed.send(catalog.record_review_overdue(DEPARTMENT, 34, 1), second)
    await deployed.send(catalog.record_update_overdue(DEPARTMENT, 35), second)
    await deployed.send(corrections.record_overdue(OTHER, 1))
    await deployed.send(corrections.forward(OTHER, 1, OTHER, DOCUMENT))
    await deployed.send(corrections.answer(OTHER, 1, CORRECTED, DOCUMENT), second)


async def every_step(  # noqa: PLR0915  # one line a step, in their order
    deployed: Deployed, chain: TestChain, terms: Terms, requester: LocalKey
) -> None:
    """Every event of SharingRegistry, by requests of OTHER to DEPARTMENT."""
    document, plain = b"d" * 32, terms.plain()
    day = 86_400

    async def step(function: str, *args: object, by: LocalKey | None = None) -> None:
        call = Call(deployed.sharing.address, encode_call("SharingRegistry", function, args), function)
        await deployed.send(call, by)

    async def filed(number: int, *, flagged: bool = False) -> None:
        new = Application(number, DEPARTMENT, 33, 1, terms, flagged, document, document)
        await deployed.send(deployed.sharing.submit(new), requester)

    async def agreed(number: int) -> None:
        await deployed.send(deployed.sharing.agree(OTHER, number, terms, document))

    async def delivered(number: int) -> None:
        await filed(number)
        await agreed(number)
        await deployed.send(deployed.sharing.deliver(OTHER, number, number, terms, document))

    await filed(1)
    await step("askExtension", OTHER, 1, 5, document)
    await step("consentExtension", OTHER, 1, 5, document, by=deployed.authority)
    await step("extend", OTHER, 1, 5, document)
    await step("flagScope", OTHER, 1, document)
    await step("reviewScope", OTHER, 1, plain, terms.scope(), document, by=deployed.authority)
    await step("askSupplement", OTHER, 1, document)
    await step("resubmit", 1, plain, False, document, document, by=requester)
    await step("withdraw", 1, by=requester)
    await filed(2)
    await step("refuse", OTHER, 2, 1, document)
    await step("dispute", 2, document, by=requester)
    await step("settleDispute", OTHER, 2, plain, terms.scope(), 0, document, by=deployed.authority)
    await filed(3)
    chain.pass_time(32 * day)
    await step("recordOverdue", OTHER, 3)
    await delivered(4)
    await step("suspendUse", OTHER, 4, 1, document)
    await step("reportRectification", 4, document, by=requester)
    await step("resume", OTHER, 4, document)
    await step("proposeChange", OTHER, 4, plain, document)
    await step("keepTerms", OTHER, 4, document)
    await step("proposeChange", OTHER, 4, plain, document)
    await step("acceptChange", 4, plain, document, by=requester)
    await step("suspendUse", OTHER, 4, 1, document)
    await delivered(5)
    await step("close", 5, document, by=requester)
    await step("recordDisposal", 5, document, by=requester)
    await delivered(6)
    chain.pass_time(5 * day)
    await step("terminate", OTHER, 4, document)
    chain.pass_time(8 * day)
    await step("recordExpired", OTHER, 6)


async def everything_once(deployed: Deployed, chain: TestChain) -> None:
    """One of every kind of event."""
    second = chain.key("second")
    await deployed.register(OTHER, second)
    registry, catalog, cases = deployed.registry, deployed.catalog, deployed.cases
    await deployed.send(catalog.propose(proposal()))
    await deployed.send(catalog.publish(DEPARTMENT, 33, 1, DOCUMENT), deployed.authority)
    await deployed.send(catalog.propose(proposal(version=2)))
    await deployed.anchor(1)
    await deployed.send(deployed.ledger.anchor([batch(2), batch(1, stream=2)], [Mark(1, 0, 0b100)]))
    await deployed.send(deployed.ledger.set_status(1, [(0, 0b1)], 3, 2))
    await calendar_once(deployed)
    terms = Terms(0b11, 0b11, 0b1, 0, (text32("NEW-HOME-LOAN"),), (b"s" * 32,), START_S, START_S + 44 * 86_400, 5)
    await every_step(deployed, chain, terms, second)
    case = text32("2026-0001")
    await deployed.send(cases.open(NewCase(case, b"s" * 32, (OTHER,), b"r" * 32, 2)))
    await deployed.send(cases.add_subject(case, b"q" * 32))
    await deployed.send(cases.close(case, 1))
    await deployed.send(registry.change_endpoint("https://new.test"))
    await deployed.send(registry.publish_keys('{"keys":[1]}'))
    await deployed.send(registry.suspend(OTHER, 4), deployed.authority)
    await deployed.send(registry.reinstate(OTHER), deployed.authority)
    await deployed.send(registry.mark_compromised(OTHER, chain.height()), deployed.authority)
    await deployed.send(catalog.retire(DEPARTMENT, 33, 1, DOCUMENT), deployed.authority)
    place = Registry(deployed.deployment.chain_id, deployed.address("DepartmentRegistry"))
    third = chain.key("third")
    await deployed.send(registry.add_signer(await prove_possession(third, place, DEPARTMENT, 1)))
    await deployed.send(registry.retire_signer(third.address))
    await law_once(deployed, chain)
    await recovery_once(deployed, chain)
    await deployed.send(registry.transfer_authority(second.address), deployed.authority)
    await deployed.send(registry.accept_authority(), second)
