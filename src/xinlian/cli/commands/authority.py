"""``xinlian authority``: what the competent authority signs with its own key, directly on the chain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xinlian.cli.command import OFFLINE, Session, command, group
from xinlian.cli.files import read_bytes
from xinlian.cli.output import pairs
from xinlian.cli.signing import KeysOption, LightOption, PassphraseOption, authority_key, load_keys, read_passphrase, send_once
from xinlian.cli.trust import DeploymentOption, RpcOption, require_deployment, require_rpc_urls
from xinlian.protocol.errors import InputError

if TYPE_CHECKING:
    from xinlian.chain.calls import Call
    from xinlian.protocol.manifest import Deployment

app = group("What the competent authority signs.")
UsccArgument = Annotated[str, typer.Argument(metavar="USCC", help="The department.")]
Code = Annotated[str, typer.Argument(metavar="CODE@VERSION", help="Catalogue code and version, <USCC>/000001@1.")]
MAX_REQUEST_BYTES = 1_000_000


@command(app, "init", OFFLINE)
def init(
    session: Session,
    keys: Annotated[Path, typer.Option("--keys", help="New folder for the authority's key.")],
    passphrase_file: PassphraseOption = None,
    light_kdf: LightOption = False,
) -> None:
    """Make the authority's own key, encrypted, in a new folder."""
    import time

    from xinlian.store.secrets import AUTHORITY_ROLE, SCRYPT_N, SCRYPT_N_LIGHT, Creation, NodeKeys

    factor = SCRYPT_N_LIGHT if light_kdf else SCRYPT_N
    terms = Creation(int(time.time()), roles=(AUTHORITY_ROLE,), scrypt_n=factor)
    made = NodeKeys.create(keys, read_passphrase(passphrase_file), terms)
    document = {"keys": str(keys), "authority": made.chain[AUTHORITY_ROLE].address}
    session.output.result(document, lambda: pairs(document))


@command(app, "register", OFFLINE)
def register(
    session: Session,
    request: Annotated[str, typer.Argument(help="Registration request (`xinlian department request`); - for stdin.")],
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Register a department or other receiver, after checking that it holds every key that it names."""
    from xinlian.chain.bindings import DepartmentRegistry
    from xinlian.chain.calls import NewSigner, Registration
    from xinlian.node.registration import parse_registration

    found = parse_registration(read_bytes(request, MAX_REQUEST_BYTES))
    signers = tuple(NewSigner(s.address, s.roles, bytes.fromhex(s.possession[2:])) for s in found.signers)
    new = Registration(found.uscc, found.kind, found.name, found.endpoint, found.jwks, signers)
    session.output.progress(f"{found.uscc} {found.name}: possession of all signing keys is proven")
    options = (deployment, rpc, keys, passphrase_file)
    _send(session, options, lambda d: DepartmentRegistry(_registry(d)).register(new))


@command(app, "suspend", OFFLINE)
def suspend(
    session: Session,
    uscc: UsccArgument,
    reason: Annotated[int, typer.Option("--reason", min=0, max=255, help="Registered reason code.")],
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Suspend a department (Decree 809 art. 27): it may still log reads and end records, nothing else."""
    from xinlian.chain.bindings import DepartmentRegistry

    checked = _checked(uscc)
    options = (deployment, rpc, keys, passphrase_file)
    _send(session, options, lambda d: DepartmentRegistry(_registry(d)).suspend(checked, reason))


@command(app, "reinstate", OFFLINE)
def reinstate(
    session: Session,
    uscc: UsccArgument,
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Lift a suspension."""
    from xinlian.chain.bindings import DepartmentRegistry

    checked = _checked(uscc)
    options = (deployment, rpc, keys, passphrase_file)
    _send(session, options, lambda d: DepartmentRegistry(_registry(d)).reinstate(checked))


@command(app, "compromised", OFFLINE)
def compromised(
    session: Session,
    uscc: UsccArgument,
    since: Annotated[int, typer.Option("--since", min=0, help="Block from which on its batches are suspect.")],
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Mark a department's keys as compromised: evidence anchored from that block on carries a remark."""
    from xinlian.chain.bindings import DepartmentRegistry

    checked = _checked(uscc)
    options = (deployment, rpc, keys, passphrase_file)
    _send(session, options, lambda d: DepartmentRegistry(_registry(d)).mark_compromised(checked, since))


@command(app, "publish-dataset", OFFLINE)
def publish_dataset(
    session: Session,
    dataset: Code,
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Publish a proposed catalogue entry."""
    from xinlian.chain.bindings import DatasetCatalog

    version = _split(dataset)
    options = (deployment, rpc, keys, passphrase_file)
    _send(session, options, lambda d: DatasetCatalog(d.contracts["DatasetCatalog"].address).publish(*version))


@command(app, "retire-dataset", OFFLINE)
def retire_dataset(
    session: Session,
    dataset: Code,
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Retire a catalogue entry; its records still verify."""
    from xinlian.chain.bindings import DatasetCatalog

    version = _split(dataset)
    options = (deployment, rpc, keys, passphrase_file)
    _send(session, options, lambda d: DatasetCatalog(d.contracts["DatasetCatalog"].address).retire(*version))


@command(app, "transfer", OFFLINE)
def transfer(
    session: Session,
    address: Annotated[str, typer.Argument(help="Address of the next authority.")],
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Begin the handover to another address; it takes effect when that one accepts."""
    from xinlian.chain.bindings import DepartmentRegistry

    if len(address) != 42 or not address.startswith("0x") or not all(c in "0123456789abcdefABCDEF" for c in address[2:]):
        raise InputError("argument-form", "an address is 0x and 40 hex digits", expected="0x and 40 hex digits")
    options = (deployment, rpc, keys, passphrase_file)
    _send(session, options, lambda d: DepartmentRegistry(_registry(d)).transfer_authority(address))


@command(app, "accept", OFFLINE)
def accept(
    session: Session,
    deployment: DeploymentOption = None,
    rpc: RpcOption = None,
    keys: KeysOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Take over as authority, with the key that the handover names."""
    from xinlian.chain.bindings import DepartmentRegistry

    options = (deployment, rpc, keys, passphrase_file)
    _send(session, options, lambda d: DepartmentRegistry(_registry(d)).accept_authority())


Options = tuple[Path | None, list[str] | None, Path | None, Path | None]


def _send(session: Session, options: Options, make: Callable[[Deployment], Call]) -> None:
    """Make the call against the manifest's contracts and send it with the authority's key."""
    deployment, rpc, keys, passphrase_file = options
    trusted, urls = require_deployment(deployment), require_rpc_urls(rpc)
    key = authority_key(load_keys(keys, passphrase_file))
    send_once(session, urls, trusted, key, make(trusted))


def _registry(deployment: Deployment) -> str:
    return deployment.contracts["DepartmentRegistry"].address


def _checked(uscc: str) -> str:
    from xinlian.protocol.codes import check_uscc

    check_uscc(uscc)
    return uscc


def _split(dataset: str) -> tuple[str, int, int]:
    from xinlian.protocol.types import split_dataset_vct

    found = split_dataset_vct(dataset)
    if found is None:
        raise InputError("argument-form", "write the dataset as <USCC>/000001@1", expected="<USCC>/<6 digits>@<version>")
    _checked(found[0])
    return found
