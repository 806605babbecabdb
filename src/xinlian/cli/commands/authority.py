"""``xinlian authority``: what the competent authority signs with its own key, directly on the chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xinlian.cli.command import OFFLINE, SIGNING, Session, command, group
from xinlian.cli.files import read_bytes
from xinlian.cli.output import pairs
from xinlian.cli.signing import LightOption, PassphraseOption, read_passphrase
from xinlian.protocol.errors import InputError

if TYPE_CHECKING:
    from xinlian.chain.calls import Call
    from xinlian.protocol.manifest import Deployment

app = group("What the competent authority signs.")
UsccArgument = Annotated[str, typer.Argument(metavar="USCC", help="The department.")]
Code = Annotated[str, typer.Argument(metavar="CODE@VERSION", help="Catalogue code and version, <USCC>/000001@1.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; the chain holds a salted digest of it.")]
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


@command(app, "register", SIGNING)
def register(
    session: Session,
    request: Annotated[str, typer.Argument(help="Registration request (`xinlian department request`); - for stdin.")],
) -> None:
    """Register a department or other receiver, after checking that it holds every key that it names."""
    from xinlian.chain.bindings import DepartmentRegistry
    from xinlian.node.registration import parse_registration

    found = parse_registration(read_bytes(request, MAX_REQUEST_BYTES))
    session.output.progress(f"{found.uscc} {found.name}: possession of all signing keys is proven")
    _send(session, lambda d: DepartmentRegistry(_registry(d)).register(found.for_chain()))


@command(app, "suspend", SIGNING)
def suspend(
    session: Session,
    uscc: UsccArgument,
    reason: Annotated[int, typer.Option("--reason", min=0, max=255, help="Registered reason code.")],
) -> None:
    """Suspend a department (Decree 809 art. 27): it may still log reads and end records, nothing else."""
    from xinlian.chain.bindings import DepartmentRegistry

    checked = _checked(uscc)
    _send(session, lambda d: DepartmentRegistry(_registry(d)).suspend(checked, reason))


@command(app, "reinstate", SIGNING)
def reinstate(session: Session, uscc: UsccArgument) -> None:
    """Lift a suspension."""
    from xinlian.chain.bindings import DepartmentRegistry

    checked = _checked(uscc)
    _send(session, lambda d: DepartmentRegistry(_registry(d)).reinstate(checked))


@command(app, "compromised", SIGNING)
def compromised(
    session: Session,
    uscc: UsccArgument,
    since: Annotated[int, typer.Option("--since", min=0, help="Block from which on its batches are suspect.")],
) -> None:
    """Mark a department's keys as compromised: evidence anchored from that block on carries a remark."""
    from xinlian.chain.bindings import DepartmentRegistry

    checked = _checked(uscc)
    _send(session, lambda d: DepartmentRegistry(_registry(d)).mark_compromised(checked, since))


@command(app, "announce-recovery", SIGNING)
def announce_recovery(
    session: Session,
    request: Annotated[str, typer.Argument(help="Request with the new signers (`xinlian department request`); - for stdin.")],
) -> None:
    """Announce that all signers of a department will be replaced by those of the request: its keys are lost or stolen."""
    from xinlian.chain.bindings import DepartmentRegistry
    from xinlian.node.registration import parse_registration

    found = parse_registration(read_bytes(request, MAX_REQUEST_BYTES))
    _send(session, lambda d: DepartmentRegistry(_registry(d)).announce_recovery(found.uscc, found.for_chain().signers))


@command(app, "recover", SIGNING)
def recover(session: Session, uscc: UsccArgument) -> None:
    """Carry out an announced recovery, two working days later: every signer before is retired at once."""
    from xinlian.chain.bindings import DepartmentRegistry

    checked = _checked(uscc)
    _send(session, lambda d: DepartmentRegistry(_registry(d)).recover(checked))


@command(app, "cancel-recovery", SIGNING)
def cancel_recovery(session: Session, uscc: UsccArgument) -> None:
    """Withdraw an announced recovery."""
    from xinlian.chain.bindings import DepartmentRegistry

    checked = _checked(uscc)
    _send(session, lambda d: DepartmentRegistry(_registry(d)).cancel_recovery(checked))


@command(app, "publish-dataset", SIGNING)
def publish_dataset(
    session: Session,
    dataset: Code,
    reason: Annotated[str, typer.Option("--reason", help="The authority's opinion.")] = "同意发布",
) -> None:
    """Publish a proposed catalogue entry."""
    _decide(session, dataset, "publish", reason)


@command(app, "return-dataset", SIGNING)
def return_dataset(session: Session, dataset: Code, reason: Reason) -> None:
    """Send a proposed catalogue entry back for change (退回修改)."""
    _decide(session, dataset, "return", reason)


@command(app, "retire-dataset", SIGNING)
def retire_dataset(session: Session, dataset: Code, reason: Reason) -> None:
    """Retire a catalogue entry; its records still verify."""
    _decide(session, dataset, "retire", reason)


@command(app, "transfer", SIGNING)
def transfer(
    session: Session,
    address: Annotated[str, typer.Argument(help="Address of the next authority.")],
) -> None:
    """Begin the handover to another address; it takes effect when that one accepts."""
    from xinlian.chain.bindings import DepartmentRegistry

    if len(address) != 42 or not address.startswith("0x") or not all(c in "0123456789abcdefABCDEF" for c in address[2:]):
        raise InputError("argument-form", "an address is 0x and 40 hex digits", expected="0x and 40 hex digits")
    _send(session, lambda d: DepartmentRegistry(_registry(d)).transfer_authority(address))


@command(app, "accept", SIGNING)
def accept(session: Session) -> None:
    """Take over as authority, with the key that the handover names."""
    from xinlian.chain.bindings import DepartmentRegistry

    _send(session, lambda d: DepartmentRegistry(_registry(d)).accept_authority())


def _send(session: Session, make: Callable[[Deployment], Call], more: Mapping[str, object] | None = None) -> None:
    """Send with the authority's key and say what came of it, together with ``more``."""
    done = {**session.signing.send(make, session.output.progress), **(more or {})}
    session.output.result(done, lambda: pairs(done))


def _decide(session: Session, dataset: str, decision: str, reason: str) -> None:
    """Send a decision on a dataset version; its text and salt, of which the chain holds the digest only, stand in the answer."""
    import os

    from xinlian.chain.bindings import DatasetCatalog
    from xinlian.node.catalogue_entry import DECISION, decision_content
    from xinlian.protocol.documents import SALT_BYTES, make_document
    from xinlian.protocol.objects import dataset_object

    owner, serial, version = _split(dataset)
    about, content = dataset_object(f"{owner}/{serial:06d}", version), decision_content(decision, reason)
    document = make_document(DECISION, about, content, os.urandom(SALT_BYTES))

    def make(deployment: Deployment) -> Call:
        catalog = DatasetCatalog(deployment.contracts["DatasetCatalog"].address)
        calls = {"publish": catalog.publish, "return": catalog.return_for_change, "retire": catalog.retire}
        return calls[decision](owner, serial, version, document.digest)

    kept = {"document": document.digest.hex(), "salt": document.salt.hex(), "text": document.text.decode()}
    _send(session, make, kept)


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
