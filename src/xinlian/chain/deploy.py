"""Deploying our contracts to any RPC endpoint, resumable at every step.

Rules
1. The progress file beside the manifest is the sender's transaction log: every creation is stored there before it is broadcast.
   Running again continues: what is mined is not created again, what was sent is sent again byte for byte.
2. A progress file belongs to one chain (id and genesis), one deployer, one authority and one set of contract code; with
   anything else it is ``deploy-conflict``.
3. Every contract's code is compared with the compiled artifact (immutables apart) before the manifest is written; the
   manifest holds the hash of what stands on the chain.

Example: ``deployment = await deploy(rpc, key, DeployOptions(manifest=Path("deployment.json"), authority=address))``
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address

from xinlian.chain import abi, bindings, questions
from xinlian.chain.keys import ChainKey
from xinlian.chain.rpc import AsksChain
from xinlian.chain.sender import Sender, SenderOptions, StoredTx
from xinlian.protocol import manifest
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.errors import ChainError, ConfigError
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.manifest import CONTRACTS, ContractDeployment, Deployment

_FORMAT = "xinlian-deploy-progress/1"
_ARGUMENTS = {
    "registry_": "DepartmentRegistry",
    "catalog_": "DatasetCatalog",
    "calendar_": "WorkCalendar",
    "sharing_": "SharingRegistry",
}
_CREATED_BY = {"WorkCalendar": ("DepartmentRegistry", "calendar")}
"""Contracts that another one's constructor creates, with that one's view that names them (docs/adr/007)."""


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """What to deploy where.

    Args:
        manifest: file to write; the progress file stands beside it with the suffix ``.progress``.
        authority: address of the first authority.
        confirmations: blocks on top that make a block final, for the manifest and for waiting.
        timeout_s: for each step.
        on_step: told in words what happens.
        sender: None takes the defaults.
    """

    manifest: Path
    authority: str
    confirmations: int = 0
    timeout_s: float = 120.0
    on_step: Callable[[str], None] = lambda _: None
    sender: SenderOptions | None = None

    @property
    def progress(self) -> Path:
        """The progress file."""
        return self.manifest.with_name(self.manifest.name + ".progress")


@dataclass(slots=True)
class _Step:
    """One creation in the progress file."""

    purpose: str
    nonce: int
    hashes: list[str]
    raws: list[str]
    state: str = "open"
    mined_hash: str | None = None
    block_number: int | None = None


@dataclass(slots=True)
class ProgressFile:
    """The transaction log of a deployment, one JSON file replaced as a whole (``sender.TransactionLog``).

    Args:
        path: of the file.
        binding: what the file belongs to.
        steps: creations in order.
    """

    path: Path
    binding: dict[str, Any]
    steps: list[_Step] = field(default_factory=list)

    @classmethod
    def opened(cls, path: Path, binding: dict[str, Any]) -> ProgressFile:
        """Read the file, or begin one.

        Raises:
            ConfigError: deploy-conflict when it belongs to another deployment or cannot be read.
        """
        if not path.exists():
            return cls(path, binding)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            steps = [_Step(**step) for step in content["steps"]]
            found = content["binding"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError("deploy-conflict", f"{path.name} is not a progress file of a deployment") from error
        if found != binding:
            differs = ", ".join(sorted(name for name in binding if found.get(name) != binding[name]))
            raise ConfigError("deploy-conflict", f"{path.name} belongs to a deployment with another {differs}", differs=differs)
        return cls(path, binding, steps)

    def mined(self, purpose: str) -> tuple[str, int] | None:
        """(transaction hash, block number) of a finished step."""
        for step in self.steps:
            if step.purpose == purpose and step.mined_hash is not None and step.block_number is not None:
                return step.mined_hash, step.block_number
        return None

    async def next_nonce(self, signer: str) -> int | None:
        """One more than the highest nonce that has not failed."""
        del signer  # one file, one signer (binding)
        return max((step.nonce + 1 for step in self.steps if step.state != "failed"), default=None)

    async def open_txs(self, signer: str) -> Sequence[StoredTx]:
        """Everything not mined or failed."""
        return [
            StoredTx(signer, step.nonce, tx_hash, bytes.fromhex(raw), step.purpose)
            for step in self.steps
            if step.state == "open"
            for tx_hash, raw in zip(step.hashes, step.raws, strict=True)
        ]

    async def record_signed(self, tx: StoredTx, load: object, replaces: str | None) -> None:
        """Store before broadcast."""
        del load
        if replaces is None:
            self.steps.append(_Step(tx.purpose, tx.nonce, [tx.hash], [tx.raw.hex()]))
        else:
            step = self._by_hash(replaces)
            step.hashes.append(tx.hash)
            step.raws.append(tx.raw.hex())
        self._write()

    async def record_sent(self, tx_hash: str) -> None:
        """Nothing to note: an open step is broadcast again anyway."""
        del tx_hash

    async def record_mined(self, tx_hash: str, block: BlockRef) -> None:
        """The step is done."""
        step = self._by_hash(tx_hash)
        step.state, step.mined_hash, step.block_number = "mined", tx_hash, block.number
        self._write()

    async def record_failed(self, tx_hash: str, reason: str) -> None:
        """The step may be tried again."""
        del reason
        self._by_hash(tx_hash).state = "failed"
        self._write()

    def _by_hash(self, tx_hash: str) -> _Step:
        return next(step for step in reversed(self.steps) if tx_hash in step.hashes)  # a failed one may be stored again

    def _write(self) -> None:
        steps = [{name: getattr(step, name) for name in _Step.__slots__} for step in self.steps]
        content = {"format": _FORMAT, "binding": self.binding, "steps": steps}
        write_durably(self.path, json.dumps(content, indent=1).encode())


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file as a whole, on disk before this returns.

    Raises:
        ConfigError: deploy-file when the disk refuses.
    """
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigError("deploy-file", f"{path.name} cannot be written: {error.strerror}") from error


async def deploy(rpc: AsksChain, key: ChainKey, options: DeployOptions) -> Deployment:
    """Deploy what is not deployed yet, check the code, write the manifest.

    Args:
        rpc: transport to the chain.
        key: pays for and signs the creations.
        options: see ``DeployOptions``.

    Returns:
        The manifest as written.

    Raises:
        ChainError: code-missing when the code differs from the artifact, or the sender's and transport's errors.
        ConfigError: deploy-conflict, deploy-file.
    """
    chain_id = await rpc.ask(questions.chain_id())
    genesis = await rpc.ask(questions.block(0))
    binding = {
        "chain_id": chain_id,
        "genesis_hash": genesis.hash,
        "deployer": key.address,
        "authority": to_checksum_address(options.authority),
        "code": code_digest(),
    }
    progress = ProgressFile.opened(options.progress, binding)
    sender = Sender(rpc, key, progress, options.sender or SenderOptions(chain_id=chain_id))
    await sender.resync()
    contracts: dict[str, ContractDeployment] = {}
    for name in CONTRACTS:
        contracts[name] = await _deploy_one(rpc, sender, progress, _Creation(name, contracts, options))
    deployment = Deployment(chain_id, genesis.hash, options.confirmations, contracts)
    await _wait_final(rpc, sender, deployment, options)
    write_durably(options.manifest, manifest.dumps(deployment) + b"\n")
    return deployment


def code_digest() -> str:
    """SHA-256 over the creation code of all contracts: tells releases apart."""
    return hashlib.sha256(b"".join(abi.contract(name).bytecode for name in CONTRACTS)).hexdigest()


@dataclass(frozen=True, slots=True)
class _Creation:
    name: str
    before: dict[str, ContractDeployment]
    options: DeployOptions

    @property
    def args(self) -> list[str]:
        names = [one.name for one in abi.contract(self.name).constructor]
        return [self.before[_ARGUMENTS[name]].address if name in _ARGUMENTS else self.options.authority for name in names]


async def _deploy_one(rpc: AsksChain, sender: Sender, progress: ProgressFile, creation: _Creation) -> ContractDeployment:
    if creation.name in _CREATED_BY:
        return await _created_along(rpc, creation)
    purpose = f"deploy:{creation.name}"
    if progress.mined(purpose) is None:
        ticket = sender.find(purpose)
        if ticket is None:
            ticket = await sender.send(bindings.create(creation.name, creation.args), purpose)
        creation.options.on_step(f"{creation.name}: waiting for {ticket.hash}")
        await sender.wait(ticket, creation.options.timeout_s)
    found = progress.mined(purpose)
    if found is None:
        raise ChainError("tx-lost", f"{purpose} is not recorded as mined")
    return await _inspected(rpc, creation, *found)


async def _inspected(rpc: AsksChain, creation: _Creation, tx_hash: str, block_number: int) -> ContractDeployment:
    receipt = await rpc.ask(questions.tx_receipt(tx_hash))
    if receipt is None or receipt.contract_address is None:
        raise ChainError("chain-replaced", f"the chain no longer has the creation of {creation.name}", hash=tx_hash)
    return await _checked(rpc, creation, to_checksum_address(receipt.contract_address), (tx_hash, receipt.block_number))


async def _created_along(rpc: AsksChain, creation: _Creation) -> ContractDeployment:
    name, view = _CREATED_BY[creation.name]
    creator = creation.before[name]
    address = await rpc.ask(bindings.address_view(name, creator.address, view))
    return await _checked(rpc, creation, address, (creator.tx_hash, creator.block_number))


async def _checked(rpc: AsksChain, creation: _Creation, address: str, created: tuple[str, int]) -> ContractDeployment:
    tx_hash, block_number = created
    code = await rpc.ask(questions.code(address))
    if not abi.contract(creation.name).is_code(code):
        raise ChainError("code-missing", f"{creation.name}: the code at {address} is not what was compiled", address=address)
    creation.options.on_step(f"{creation.name}: {address} in block {block_number}")
    return ContractDeployment(address, block_number, tx_hash, "0x" + keccak256(code).hex())


async def _wait_final(rpc: AsksChain, sender: Sender, deployment: Deployment, options: DeployOptions) -> None:
    last = max(one.block_number for one in deployment.contracts.values())
    await sender.wait_for_block(last + deployment.confirmations, options.timeout_s)
    for name, one in deployment.contracts.items():
        if await rpc.ask(questions.tx_receipt(one.tx_hash)) is None:
            raise ChainError("chain-replaced", f"the chain dropped the creation of {name} before it was final", hash=one.tx_hash)
