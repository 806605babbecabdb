"""``xinlian doctor``: checks settings, keys, databases, disk and chain of a node, and says what to do.

It reads only; it may run beside the node. Every check names its remedy out of the catalogue of error codes.

Source: design 6.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from xinlian.cli.client import Client, RemoteError
from xinlian.cli.command import OFFLINE, Session, command, end_with, single
from xinlian.cli.commands.node import ConfigOption
from xinlian.cli.exit_codes import Exit
from xinlian.cli.files import read_bytes
from xinlian.cli.output import table
from xinlian.protocol.errors import CATALOGUE, ConfigError, XinlianError

if TYPE_CHECKING:
    from xinlian.chain.rpc import BlockingRpc
    from xinlian.node.settings import Settings
    from xinlian.protocol.manifest import Deployment
    from xinlian.store.secrets import NodeKeys

app = single()
LOW_DISK_BYTES = 1_000_000_000
MAX_OFFSET_S = 60.0
NEXT_YEAR_FROM_MONTH = 11
"""The State Council's notice of a year comes out about in November of the year before."""
DATABASES = ("node.db", "keys.db")
Opened = TypeVar("Opened")
OK, FAILED, WARNING, NOT_RUN = "ok", "FAILED", "warning", "not run"


class TroubleError(Exception):
    """A check found something wrong; ``is_warning`` when the node works all the same."""

    def __init__(self, detail: str, remedy: str, *, is_warning: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.is_warning = is_warning


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: ok, FAILED, warning or not run."""

    name: str
    outcome: str
    detail: str
    remedy: str = ""


@dataclass(slots=True)
class Examination:
    """What was found so far; a later check uses what an earlier one opened."""

    findings: list[Finding] = field(default_factory=list)
    settings: Settings | None = None
    deployment: Deployment | None = None
    keys: NodeKeys | None = None
    rpcs: list[BlockingRpc] = field(default_factory=list)

    def run(self, name: str, check: Callable[[Examination], str], *needed: object) -> None:
        """Run a check and note its outcome; ``needed`` values that are None or empty make it *not run*."""
        if any(value is None or value == [] for value in needed):
            self.findings.append(Finding(name, NOT_RUN, "an earlier check failed"))
            return
        try:
            self.findings.append(Finding(name, OK, check(self)))
        except TroubleError as trouble:
            outcome = WARNING if trouble.is_warning else FAILED
            self.findings.append(Finding(name, outcome, trouble.detail, trouble.remedy))
        except XinlianError as error:
            self.findings.append(Finding(name, FAILED, f"{error.code}: {error.message}", CATALOGUE[error.code].remedy))


@command(app, "doctor", OFFLINE)
def doctor(session: Session, config: ConfigOption = None) -> None:
    """Check settings, keys, databases, disk and chain of a node; exit 1 when something is wrong."""
    seen = Examination()
    seen.run("settings", lambda s: _settings(s, config))
    settings = seen.settings
    seen.run("manifest", _manifest, settings)
    seen.run("keys", _keys, settings)
    seen.run("databases", _databases, settings)
    seen.run("disk", _disk, settings)
    seen.run("rpc", _rpc, settings)
    try:
        seen.run("chain", _chain, seen.deployment, seen.rpcs)
        seen.run("contracts", _contracts, seen.deployment, seen.rpcs)
        seen.run("clock", _clock, seen.rpcs)
        seen.run("calendar", _calendar, seen.deployment, seen.rpcs)
        seen.run("registered", _registered, seen.deployment, seen.rpcs)
        seen.run("signers", _signers, seen.deployment, seen.keys, seen.rpcs)
        seen.run("key-set", _key_set, seen.deployment, seen.keys, seen.rpcs)
    finally:
        for rpc in seen.rpcs:
            rpc.close()
    seen.run("node", _node, settings)
    is_well = all(finding.outcome in (OK, WARNING) for finding in seen.findings)
    document = {"ok": is_well, "checks": [asdict(finding) for finding in seen.findings]}
    session.output.result(document, lambda: _text(seen.findings))
    end_with(Exit.OK if is_well else Exit.FAILED)


def _text(findings: list[Finding]) -> str:
    shown = table(("check", "outcome", "detail"), [(f.name, f.outcome, f.detail) for f in findings])
    remedies = [f"{f.name}: {f.remedy}" for f in findings if f.remedy]
    return shown + ("\n\n" + "\n".join(remedies) if remedies else "")


# -- without the chain ---------------------------------------------------------------------------------


def _settings(seen: Examination, config: Path | None) -> str:
    from xinlian.node.settings import load_settings

    try:
        seen.settings = load_settings(config)
    except ConfigError as error:
        if config is not None:
            raise
        remedy = "Name the node's settings: --config D/node.toml or XINLIAN_CONFIG (D is the node's data folder)."
        raise TroubleError(f"{error.code}: {error.message}", remedy) from error
    return f"department {seen.settings.department}, data in {seen.settings.data_dir}"


def _of(seen: Examination) -> Settings:
    return _present(seen.settings)


def _trusted(seen: Examination) -> Deployment:
    return _present(seen.deployment)


def _present(value: Opened | None) -> Opened:
    """What an earlier check opened; ``run`` has made sure that it is there."""
    if value is None:
        raise LookupError("a check ran without what it needs")
    return value


def _manifest(seen: Examination) -> str:
    from xinlian.protocol import manifest

    seen.deployment = manifest.parse(read_bytes(str(_of(seen).deployment), 1 << 16))
    return f"chain {seen.deployment.chain_id}, {len(seen.deployment.contracts)} contracts"


def _keys(seen: Examination) -> str:
    from xinlian.store.secrets import NodeKeys

    settings = _of(seen)
    seen.keys = NodeKeys.load(settings.data_dir / "keys", settings.passphrase_bytes().decode())
    return (
        f"chain keys {', '.join(sorted(seen.keys.chain))}; {len(seen.keys.signing.keys)} signing, {len(seen.keys.hpke.keys)} hpke"
    )


def _databases(seen: Examination) -> str:
    missing = [name for name in DATABASES if not (_of(seen).data_dir / name).is_file()]
    if missing:
        raise TroubleError(f"{', '.join(missing)} not there", "Run `xinlian department init`, or restore the backup.")
    sizes = [f"{name} {(_of(seen).data_dir / name).stat().st_size:,} bytes" for name in DATABASES]
    return ", ".join(sizes)


def _disk(seen: Examination) -> str:
    try:
        free = shutil.disk_usage(_of(seen).data_dir).free
    except OSError as error:
        raise TroubleError(
            f"{_of(seen).data_dir}: {error.strerror}", "Create the data folder: `xinlian department init`."
        ) from error
    if free < LOW_DISK_BYTES:
        raise TroubleError(f"only {free:,} bytes are free", CATALOGUE["disk-full"].remedy, is_warning=True)
    return f"{free:,} bytes are free"


# -- the chain -----------------------------------------------------------------------------------------


def _rpc(seen: Examination) -> str:
    from xinlian.chain import questions
    from xinlian.chain.rpc import BlockingRpc

    heads = []
    for url in _of(seen).rpc_urls:
        rpc = BlockingRpc(url)
        heads.append(rpc.ask(questions.head()).number)
        seen.rpcs.append(rpc)
    return f"{len(heads)} endpoints, newest block {max(heads)}"


def _chain(seen: Examination) -> str:
    from xinlian.chain import questions

    trusted = _trusted(seen)
    for rpc in seen.rpcs:
        found = rpc.ask(questions.chain_id()), rpc.ask(questions.block(0)).hash
        if found != (trusted.chain_id, trusted.genesis_hash):
            raise TroubleError(f"chain {found[0]}, genesis {found[1]}", CATALOGUE["chain-wrong"].remedy)
    return "chain id and genesis as in the manifest"


def _contracts(seen: Examination) -> str:
    from xinlian.chain import questions
    from xinlian.protocol.keccak import keccak256

    for rpc in seen.rpcs:
        for name, one in _trusted(seen).contracts.items():
            if "0x" + keccak256(rpc.ask(questions.code(one.address))).hex() != one.code_hash:
                raise TroubleError(f"{name}: no code, or other code, at {one.address}", CATALOGUE["code-missing"].remedy)
    return "the manifest's code stands at every address"


def _clock(seen: Examination) -> str:
    from xinlian.chain import questions

    offset_s = time.time() - seen.rpcs[0].ask(questions.head()).time
    said = f"this clock is {offset_s:+,.0f} s from the newest block's time"
    if offset_s < -MAX_OFFSET_S:
        raise TroubleError(
            said, "The chain runs ahead of the wall clock: check NTP; on a test chain this is meant.", is_warning=True
        )
    return said


def _calendar(seen: Examination) -> str:
    """The year of the newest block must be loaded, and from November on the next one."""
    from xinlian.chain import questions
    from xinlian.chain.calendar import WorkCalendar
    from xinlian.protocol.working_days import date_of, day_of

    calendar = WorkCalendar(_trusted(seen).contracts["WorkCalendar"].address)
    today = date_of(day_of(seen.rpcs[0].ask(questions.head()).time))
    wanted = [today.year, today.year + 1] if today.month >= NEXT_YEAR_FROM_MONTH else [today.year]
    missing = [str(year) for year in wanted if seen.rpcs[0].ask(calendar.calendar_of(year)) is None]
    if missing:
        said = f"{', '.join(missing)} not loaded: overdue marks and recoveries that need it are refused"
        raise TroubleError(said, CATALOGUE["calendar-year-missing"].remedy, is_warning=True)
    return f"{', '.join(map(str, wanted))} loaded"


def _registered(seen: Examination) -> str:
    from xinlian.chain.bindings import DepartmentRegistry

    registry = DepartmentRegistry(_trusted(seen).contracts["DepartmentRegistry"].address)
    found = seen.rpcs[0].ask(registry.department_of(_of(seen).department))
    if found.kind == 0:
        raise TroubleError("the department is not registered", "Hand `xinlian department request` to the authority.")
    if not found.active:
        raise TroubleError("the department is suspended", "Ask the competent authority.")
    if found.compromised_since > 0:
        said = f"marked as compromised since block {found.compromised_since}"
        raise TroubleError(said, "Register new keys; ask the competent authority.", is_warning=True)
    return f"active, registered in block {found.registered_block}"


async def _addresses(seen: Examination) -> dict[str, str]:
    """Address by role, of keys that are there: a remote signer has signed."""
    from xinlian.chain.remote_key import RemoteKey
    from xinlian.node.chain_keys import chain_keys, close_remote

    keys = chain_keys(_of(seen), _present(seen.keys))
    try:
        for key in keys.values():
            if isinstance(key, RemoteKey):
                await key.check()
    finally:
        await close_remote(keys.values())
    return {role: key.address for role, key in keys.items()}


def _signers(seen: Examination) -> str:
    import asyncio

    from xinlian.chain import questions
    from xinlian.chain.bindings import DepartmentRegistry

    addresses = asyncio.run(_addresses(seen))
    registry = DepartmentRegistry(_trusted(seen).contracts["DepartmentRegistry"].address)
    department, gas_price = _of(seen).department, seen.rpcs[0].ask(questions.gas_price_wei())
    for role, bit in (("anchor", 1), ("law", 2), ("admin", 4)):
        address = addresses[role]
        found = seen.rpcs[0].ask(registry.signer_of(address))
        if found.department != department or not found.roles & bit or found.to_block > 0:
            raise TroubleError(f"{role} {address} is not registered for this department", "Register the signer (ADMIN key).")
        if gas_price > 0 and seen.rpcs[0].ask(questions.balance_wei(address)) == 0:
            raise TroubleError(f"{role} {address} has no funds", CATALOGUE["chain-funds"].remedy)
    return "anchor, law and admin are registered" + (" and have funds" if gas_price > 0 else "; transactions are free")


def _key_set(seen: Examination) -> str:
    import hashlib

    from xinlian.chain.bindings import DepartmentRegistry
    from xinlian.node.identity import key_set_of

    department = _of(seen).department
    registry = DepartmentRegistry(_trusted(seen).contracts["DepartmentRegistry"].address)
    found = seen.rpcs[0].ask(registry.department_of(department))
    own = hashlib.sha256(key_set_of(department, _present(seen.keys)).serialise()).digest()
    if found.key_set_hash != own:
        said = "the key set on the chain is not that of the key files"
        raise TroubleError(said, "Publish the keys: `xinlian department rotate-keys`.", is_warning=True)
    return f"version {found.key_set_version} is that of the key files"


# -- the running node ----------------------------------------------------------------------------------


def _node(seen: Examination) -> str:
    settings = _of(seen)
    host = "127.0.0.1" if settings.listen_host in ("0.0.0.0", "::") else settings.listen_host  # noqa: S104 (compared, not bound)
    try:
        client = Client.create(f"http://{host}:{settings.listen_port}", None, None, 5.0)
        readiness = client.exchange("GET", "/readyz").json()
    except RemoteError as error:
        said = f"does not answer: {error.problem.message}"
        raise TroubleError(said, "Start it: `xinlian node serve`.", is_warning=True) from error
    failed = [f"{c.get('name')}: {c.get('detail')}" for c in readiness.get("checks", []) if not c.get("ok")]
    if failed:
        raise TroubleError("; ".join(failed), "See the node's log.")
    return "runs and is ready"
