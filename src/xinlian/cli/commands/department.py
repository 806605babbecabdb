"""``xinlian department``: set up a department's node; departments on the chain.

Rules
1. ``init`` writes keys, databases, the first operator, ``department.json`` and ``node.toml`` into the data folder, the last two
   at the end; run again after a stop it goes on, and over a finished folder it refuses.
2. Nothing that is secret is printed but the operator's token, once, and not even that with ``--token-out``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xinlian.cli.client import Body, segment
from xinlian.cli.command import CREATING, OFFLINE, ONLINE, Session, command, group
from xinlian.cli.files import read_bytes, write_bytes, write_secret
from xinlian.cli.output import pairs, table
from xinlian.cli.signing import KEYS_FOLDER, LightOption, PassphraseOption, load_keys, read_passphrase
from xinlian.cli.trust import DeploymentOption, RpcOption, find_rpc_urls, require_deployment
from xinlian.protocol.errors import ConfigError, ConflictError, InputError, NotFoundError

if TYPE_CHECKING:
    from xinlian.node.registration import Applicant, RegistrationRequest
    from xinlian.protocol.manifest import Deployment
    from xinlian.store.secrets import NodeKeys

app = group("A department's node, and departments on the chain.")
DEPARTMENT_FILE = "department.json"
NODE_FILE = "node.toml"
DAY_S = 86_400
SIGNER_ROLE_NAMES = ("anchor", "law", "admin")
_COLUMNS = ("uscc", "name", "kind", "active", "endpoint", "compromised_since", "key_set_version")
DataDir = Annotated[
    Path, typer.Option("--data-dir", envvar="XINLIAN_DATA_DIR", show_envvar=True, help="Folder of the node's keys and databases.")
]


@command(app, "init", OFFLINE)
def init(
    session: Session,
    data_dir: DataDir,
    department: Annotated[str, typer.Option("--department", envvar="XINLIAN_DEPARTMENT", show_envvar=True, help="USCC.")],
    name: Annotated[str, typer.Option("--name", help="Official name.")],
    endpoint: Annotated[str, typer.Option("--endpoint", help="URL under which other nodes reach this one.")],
    kind: Annotated[str, typer.Option("--kind", help="department or other-receiver (owns no dataset).")] = "department",
    passphrase_file: PassphraseOption = None,
    light_kdf: LightOption = False,
    authority: Annotated[bool, typer.Option("--authority", help="Also make an authority key: this is its node.")] = False,
    signer: Annotated[
        list[str] | None,
        typer.Option(
            "--signer", metavar="ROLE=URL#PUBLICKEY", help="A remote signer holds this role's key: no file is made. Repeatable."
        ),
    ] = None,
    operator: Annotated[str, typer.Option("--operator", help="Staff number of the first operator.")] = "operator",
    operator_name: Annotated[str, typer.Option("--operator-name")] = "运维",
    token_days: Annotated[int, typer.Option("--token-days", min=1, max=365, help="Life of the operator's token.")] = 90,
    token_out: Annotated[Path | None, typer.Option("--token-out", help="New file of mode 0600 for the token.")] = None,
    deployment: Annotated[
        Path, typer.Option("--deployment", envvar="XINLIAN_DEPLOYMENT", show_envvar=True, help="For node.toml; may come later.")
    ] = Path("deployment.json"),
    rpc: RpcOption = None,
    listen_host: Annotated[str, typer.Option("--listen-host", help="For node.toml.")] = "127.0.0.1",
    listen_port: Annotated[int, typer.Option("--listen-port", min=1, max=65535, help="For node.toml.")] = 8700,
    development: Annotated[bool, typer.Option("--development", help="For node.toml: plain HTTP between nodes.")] = False,
) -> None:
    """Set up a department's node: keys, databases, the first operator with a token, node.toml."""
    _check_identity(department, name, endpoint, kind)
    if (data_dir / DEPARTMENT_FILE).exists():
        raise ConfigError("keys-exist", f"{data_dir} is set up already ({DEPARTMENT_FILE} is there)", directory=str(data_dir))
    if token_out is not None and token_out.exists():
        raise ConfigError("file-exists", f"{token_out} exists; a secret is never written over a file", file=str(token_out))
    signers = _signers(signer or [], development=development)
    roles = [role for role in _roles(with_authority=authority) if role not in signers]
    keys = _keys(session, data_dir, read_passphrase(passphrase_file), (roles, light_kdf))
    session.output.progress("databases")
    token = _first_operator(data_dir, (operator, operator_name), token_days)
    if token_out is not None:
        write_secret(token_out, token)
    lines: dict[str, object] = {
        "department": department,
        "data_dir": str(data_dir.resolve()),
        "deployment": str(deployment.resolve()),
        "rpc_urls": list(find_rpc_urls(rpc)) or ["http://127.0.0.1:8545"],
        "listen_host": listen_host,
        "listen_port": listen_port,
    }
    if passphrase_file is not None:
        lines["passphrase_file"] = str(passphrase_file.resolve())
    if development:
        lines["development"] = True
    if authority:
        lines["authority_department"] = department
    write_bytes(str(data_dir / NODE_FILE), _toml(lines, signers).encode())
    identity = {"uscc": department, "kind": kind, "name": name, "endpoint": endpoint}
    write_bytes(str(data_dir / DEPARTMENT_FILE), json.dumps(identity, ensure_ascii=False, indent=2).encode() + b"\n")
    document: dict[str, object] = {
        "department": department,
        "data_dir": str(data_dir),
        "config": str(data_dir / NODE_FILE),
        "addresses": {role: key.address for role, key in keys.chain.items()}
        | {role: one["address"] for role, one in signers.items()},
    }
    document |= {"token": token} if token_out is None else {"token_file": str(token_out)}
    session.output.result(document, lambda: pairs(document))


def _check_identity(department: str, name: str, endpoint: str, kind: str) -> None:
    from xinlian.node.registration import KINDS
    from xinlian.protocol.codes import check_uscc

    check_uscc(department)
    if not 1 <= len(name.encode()) <= 120 or not name.isprintable():
        raise InputError("argument-form", "--name takes 1 to 120 bytes of printable text", expected="an official name")
    if (
        not endpoint.startswith(("http://", "https://"))
        or not endpoint.isascii()
        or not endpoint.isprintable()
        or " " in endpoint
    ):
        raise InputError("argument-form", "--endpoint is an http(s) URL", expected="https://host[:port]")
    if kind not in KINDS:
        raise InputError("argument-form", f"--kind is one of {', '.join(KINDS)}", expected=list(KINDS))


def _roles(*, with_authority: bool) -> tuple[str, ...]:
    from xinlian.store.secrets import AUTHORITY_ROLE, NODE_ROLES

    return (*NODE_ROLES, AUTHORITY_ROLE) if with_authority else NODE_ROLES


def _signers(given: list[str], *, development: bool) -> dict[str, dict[str, str]]:
    """Remote signers by role: url, identifier and the address that follows from it.

    Raises:
        InputError: ``argument-form``.
        ConfigError: ``signer-place``.
    """
    from xinlian.chain.remote_key import RemoteKey, SignerPlace

    found = {}
    for text in given:
        role, _, rest = text.partition("=")
        url, _, identifier = rest.partition("#")
        if role not in _roles(with_authority=True) or role in found or not url or not identifier:
            expected = "ROLE=URL#PUBLICKEY, each role once"
            raise InputError("argument-form", f"--signer takes {expected}", expected=expected)
        address = RemoteKey(SignerPlace(url, identifier), development=development).address
        found[role] = {"url": url, "identifier": identifier, "address": address}
    return found


def _keys(session: Session, data_dir: Path, passphrase: str, wanted: tuple[list[str], bool]) -> NodeKeys:
    """Make the keys (``wanted``: roles, with the light key derivation); those of an interrupted ``init`` are opened."""
    import time

    from xinlian.store.secrets import SCRYPT_N, SCRYPT_N_LIGHT, Creation, NodeKeys

    folder = data_dir / KEYS_FOLDER
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("file-unwritable", f"{data_dir}: {error.strerror}", file=str(data_dir)) from error
    if folder.is_dir() and any(folder.iterdir()):
        session.output.progress("keys are there already")
        return NodeKeys.load(folder, passphrase)
    session.output.progress("keys")
    roles, is_light = wanted
    factor = SCRYPT_N_LIGHT if is_light else SCRYPT_N
    return NodeKeys.create(folder, passphrase, Creation(int(time.time()), roles=tuple(roles), scrypt_n=factor))


def _first_operator(data_dir: Path, person: tuple[str, str], days: int) -> str:
    """Make the databases and the first operator; returns a fresh token."""
    import asyncio
    import time

    from xinlian.node.people import NewUser, People, Role
    from xinlian.store.opening import open_store

    store = open_store(data_dir)
    people = People(store.node, time.time, token_days=365)
    user = NewUser(person[0], person[1], "运维岗", frozenset({Role.OPERATOR}), int(time.time()) + 3650 * DAY_S)

    async def add() -> str:
        try:
            user_id = (await people.add(user)).id
        except ConflictError:
            user_id = next(found.id for found in people.all() if found.person_id == person[0])
        return await people.issue_token(user_id, days, "xinlian department init")

    try:
        return asyncio.run(add())
    finally:
        store.close()


def _toml(lines: dict[str, object], signers: dict[str, dict[str, str]]) -> str:
    """Settings as TOML; JSON's strings, numbers, booleans and lists of strings are TOML's as well."""
    head = "# Settings of this department's node (docs/cli.md). The environment (XINLIAN_...) wins over this file.\n"
    flat = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in lines.items())
    tables = [
        f"\n[signers.{role}]\nurl = {json.dumps(one['url'])}\nidentifier = {json.dumps(one['identifier'])}\n"
        for role, one in signers.items()
    ]
    return head + flat + "".join(tables)


@command(app, "request", OFFLINE)
def request(
    session: Session,
    data_dir: DataDir,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Request to write; - for stdout.")],
    deployment: DeploymentOption = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Write the registration request for the authority: public keys, each with its proof of possession. Nothing secret."""
    import asyncio

    from xinlian.node.registration import KINDS, Applicant

    identity = _identity(data_dir)
    applicant = Applicant(identity["uscc"], KINDS[identity["kind"]], identity["name"], identity["endpoint"])
    trusted = require_deployment(deployment)
    found = asyncio.run(_request(data_dir, applicant, load_keys(data_dir / KEYS_FOLDER, passphrase_file), trusted))
    write_bytes(output, found.dumps())
    if output != "-":
        document = {"file": output, "uscc": found.uscc, "signers": [signer.address for signer in found.signers]}
        session.output.result(document, lambda: pairs(document))


async def _request(data_dir: Path, applicant: Applicant, keys: NodeKeys, deployment: Deployment) -> RegistrationRequest:
    from xinlian.node.chain_keys import chain_keys, close_remote
    from xinlian.node.registration import request_for
    from xinlian.node.settings import load_settings

    settings = load_settings(data_dir / NODE_FILE, passphrase=None, passphrase_file=None)  # the keys are open already
    signing = chain_keys(settings, keys)
    try:
        return await request_for(applicant, keys, signing, deployment)
    finally:
        await close_remote(signing.values())


def _identity(data_dir: Path) -> dict[str, str]:
    file = data_dir / DEPARTMENT_FILE
    if not file.is_file():
        raise ConfigError("keys-missing", f"{data_dir} is not set up: run `xinlian department init`", directory=str(data_dir))
    found = json.loads(read_bytes(str(file), 10_000))
    return {name: str(found[name]) for name in ("uscc", "kind", "name", "endpoint")}


@command(app, "list", ONLINE)
def list_departments(session: Session) -> None:
    """Departments and other receivers on the chain, as the node sees it."""
    found = session.client.items("/api/v1/departments")
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "show", ONLINE)
def show(session: Session, uscc: Annotated[str, typer.Argument(metavar="USCC")]) -> None:
    """One department."""
    found = next((item for item in session.client.items("/api/v1/departments") if item.get("uscc") == uscc), None)
    if found is None:
        raise NotFoundError("department-unknown", "no department of this USCC is registered on the chain")
    session.output.result(found, lambda: pairs(found))


@command(app, "recovery", ONLINE)
def show_recovery(session: Session, uscc: Annotated[str, typer.Argument(metavar="USCC")]) -> None:
    """The recovery that is announced for a department: the signers to come, and from when on."""
    found = session.client.get(f"/api/v1/departments/{segment(uscc)}/recovery")
    session.output.result(found, lambda: pairs(found))


@command(app, "object", CREATING)
def object_to_recovery(session: Session) -> None:
    """Object to the recovery that the authority announced for this department: it is void then."""
    done = session.client.once("/api/v1/recovery/object", Body.json({})).json()
    session.output.result(done, lambda: pairs(done))


@command(app, "rotate-keys", CREATING)
def rotate_keys(session: Session, kind: Annotated[str, typer.Option("--kind", help="signing or hpke.")] = "signing") -> None:
    """Replace the node's signing or sealing key and publish the new key set; old evidence still verifies."""
    if kind not in ("signing", "hpke"):
        raise InputError("argument-form", "--kind is signing or hpke", expected=["signing", "hpke"])
    done = session.client.once("/api/v1/keys/rotate", Body.json({"kind": kind})).json()
    session.output.result(done, lambda: pairs(done))


@command(app, "signers", ONLINE)
def list_signers(session: Session) -> None:
    """This department's chain signers with roles and blocks, retired ones among them."""
    found = session.client.items("/api/v1/signers")
    columns = ("address", "roles", "from_block", "to_block")
    session.output.result({"items": found}, lambda: table(columns, [[item.get(c) for c in columns] for item in found]))


@command(app, "add-signer", CREATING)
def add_signer(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Request made with the new key (department request).")],
    role: Annotated[str, typer.Option("--role", help="Which of its keys: anchor, law or admin.")],
) -> None:
    """Register a further signer; then let the node use its key, and retire the old one."""
    if role not in SIGNER_ROLE_NAMES:
        raise InputError("argument-form", "--role is anchor, law or admin", expected=list(SIGNER_ROLE_NAMES))
    body = Body(read_bytes(str(file), 1_000_000), "application/json")
    done = session.client.once(f"/api/v1/signers?role={role}", body).json()
    session.output.result(done, lambda: pairs(done))


@command(app, "retire-signer", CREATING)
def retire_signer(session: Session, address: Annotated[str, typer.Argument(metavar="ADDRESS")]) -> None:
    """Take a signer out of use for good; the last one of a role stays."""
    done = session.client.once(f"/api/v1/signers/{segment(address)}/retire", Body.json({})).json()
    session.output.result(done, lambda: pairs(done))
