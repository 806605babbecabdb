"""Key files and sending: what commands need that sign with a key of their own instead of asking a node.

Rules
1. The passphrase comes from ``--passphrase-file``, ``XINLIAN_PASSPHRASE_FILE`` or ``XINLIAN_PASSPHRASE``, never an argument.
2. Keys: ``--keys``, else the folder ``keys`` in ``XINLIAN_DATA_DIR``.
3. A transaction is sent once and waited for. Each key is used in one place at a time: an authority's command line and a
   running node with the same authority key do not send at the same moment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xinlian.cli.trust import require_deployment, require_rpc_urls
from xinlian.protocol.errors import ChainError, ConfigError

if TYPE_CHECKING:
    from xinlian.chain.calls import Call
    from xinlian.chain.keys import LocalKey
    from xinlian.chain.sender import Mined, StoredTx
    from xinlian.protocol.chainview import BlockRef
    from xinlian.protocol.manifest import Deployment
    from xinlian.store.secrets import NodeKeys

KEYS_FOLDER = "keys"
TIMEOUT_S = 120.0

KeysOption = Annotated[
    Path | None, typer.Option("--keys", help="Folder of the key files; default: keys in XINLIAN_DATA_DIR.", show_default=False)
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="XINLIAN_PASSPHRASE_FILE",
        show_envvar=True,
        help="File whose first line is the passphrase of the key files; else XINLIAN_PASSPHRASE.",
    ),
]

LightOption = Annotated[
    bool, typer.Option("--light-kdf", help="Quick key derivation: only where the passphrase is long and random (256 bits).")
]


def read_passphrase(file: Path | None) -> str:
    """The passphrase by rule 1.

    Raises:
        ConfigError: ``passphrase-missing``.
    """
    if file is None:
        passphrase = os.environ.get("XINLIAN_PASSPHRASE", "")
        if not passphrase:
            raise ConfigError("passphrase-missing", "give --passphrase-file FILE or set XINLIAN_PASSPHRASE")
        return passphrase
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("passphrase-missing", f"the passphrase cannot be read from {file}", file=str(file)) from error
    if not lines or not lines[0]:
        raise ConfigError("passphrase-missing", f"{file} does not hold a passphrase in its first line", file=str(file))
    return lines[0]


def keys_folder(given: Path | None) -> Path:
    """The folder of the key files by rule 2.

    Raises:
        ConfigError: ``keys-missing``.
    """
    if given is not None:
        return given
    data_dir = os.environ.get("XINLIAN_DATA_DIR", "")
    if not data_dir:
        raise ConfigError("keys-missing", "name the key files: --keys FOLDER, or set XINLIAN_DATA_DIR")
    return Path(data_dir) / KEYS_FOLDER


def load_keys(folder: Path | None, passphrase_file: Path | None) -> NodeKeys:
    """Open the key files.

    Raises:
        ConfigError: ``passphrase-missing``, ``passphrase-wrong``, ``keys-missing``, ``keys-mode``.
    """
    from xinlian.store.secrets import NodeKeys

    where, passphrase = keys_folder(folder), read_passphrase(passphrase_file)
    return NodeKeys.load(where, passphrase)


def authority_key(keys: NodeKeys) -> LocalKey:
    """The authority's key out of the key files.

    Raises:
        ConfigError: ``keys-missing`` when the folder holds none.
    """
    from xinlian.chain.keys import LocalKey
    from xinlian.store.secrets import AUTHORITY_ROLE

    found = keys.chain.get(AUTHORITY_ROLE)
    if found is None:
        raise ConfigError("keys-missing", f"{keys.directory} holds no authority key; make one: xinlian authority init")
    return LocalKey.from_secret(found.private)


@dataclass(slots=True)
class OneShotLog:
    """The transaction log of a command that sends one transaction and waits for it (``chain.sender.TransactionLog``)."""

    signed: list[StoredTx] = field(default_factory=list)

    async def next_nonce(self, signer: str) -> int | None:
        """One more than the highest nonce of this command."""
        del signer
        return max((tx.nonce + 1 for tx in self.signed), default=None)

    async def open_txs(self, signer: str) -> Sequence[StoredTx]:
        """What this command sent and has not seen mined."""
        del signer
        return list(self.signed)

    async def record_signed(self, tx: StoredTx, load: object, replaces: str | None) -> None:
        """Remember it."""
        del load, replaces
        self.signed.append(tx)

    async def record_sent(self, tx_hash: str) -> None:
        """Nothing to note."""

    async def record_mined(self, tx_hash: str, block: BlockRef) -> None:
        """Its nonce is used."""
        del block
        self._drop(tx_hash)

    async def record_failed(self, tx_hash: str, reason: str) -> None:
        """Its nonce is used or free again."""
        del reason
        self._drop(tx_hash)

    def _drop(self, tx_hash: str) -> None:
        nonces = {tx.nonce for tx in self.signed if tx.hash == tx_hash}
        self.signed = [tx for tx in self.signed if tx.nonce not in nonces]


@dataclass(frozen=True, slots=True)
class Signing:
    """Where a command sends to and with which key: the options that every signing command has.

    Args:
        deployment: manifest, None for the default.
        rpc: endpoints, None for the default.
        keys: folder of the key files, None for the default.
        passphrase_file: None for the environment's.
    """

    deployment: Path | None = None
    rpc: list[str] | None = None
    keys: Path | None = None
    passphrase_file: Path | None = None

    def send(self, make: Callable[[Deployment], Call], progress: Callable[[str], None]) -> dict[str, object]:
        """Make a call against the manifest's contracts, send it with the authority's key, wait until it is mined.

        Args:
            make: the call.
            progress: told what is waited for.

        Returns:
            What to print about it.

        Raises:
            ConfigError: ``deployment-missing``, ``rpc-missing``, those of ``load_keys`` and ``authority_key``.
            ChainError: ``chain-wrong`` when the first RPC endpoint is not of the manifest's chain; the sender's errors.
            InputError, ConflictError: what a contract refuses for a reason that has a code of its own.
        """
        import asyncio

        from xinlian.chain.rejections import explained

        trusted, urls = require_deployment(self.deployment), require_rpc_urls(self.rpc)
        key = authority_key(load_keys(self.keys, self.passphrase_file))
        call = make(trusted)
        try:
            mined = asyncio.run(_send(urls[0], trusted, key, call, progress))
        except ChainError as error:
            raise explained(error) from error
        return {"call": call.label, "tx_hash": mined.hash, "block_number": mined.block.number, "block_time": mined.block.time}


async def _send(url: str, deployment: Deployment, key: LocalKey, call: Call, progress: Callable[[str], None]) -> Mined:
    from xinlian.chain.rpc import Rpc, check_chain
    from xinlian.chain.sender import Sender, SenderOptions

    async with Rpc(url) as rpc:
        await check_chain(rpc, deployment.chain_id, deployment.genesis_hash)
        sender = Sender(rpc, key, OneShotLog(), SenderOptions(chain_id=deployment.chain_id))
        await sender.resync()
        ticket = await sender.send(call, call.label)
        progress(f"{call.label}: waiting for {ticket.hash}")
        return await sender.wait(ticket, TIMEOUT_S)
