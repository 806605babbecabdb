"""What all steps share: the folder, the processes, the chain, the nodes with their people, the command line, the summary."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from scripts.demo_app.approving import approved
from scripts.demo_app.chain import Chain
from scripts.demo_app.commands import Commands
from scripts.demo_app.places import Places
from scripts.demo_app.processes import Processes
from scripts.demo_app.summary import Summary
from scripts.demo_app.web import Api
from xinlian.scenarios.synthetic import CONTRACT_NO, JIA, PERMIT_NO, UNIT_CODE, YI

SCENARIO: Final = "0x" + hashlib.sha256(b"xinlian/scenario/new-home-loan").hexdigest()
CASE_NO: Final = "GJJDK1-20261102-000001"
PURPOSE: Final = "HPF_LOAN_REVIEW"
UTC8: Final = timezone(timedelta(hours=8))
SUBJECTS: Final = (
    {"kind": "person", "value": JIA.id_number},
    {"kind": "person", "value": YI.id_number},
    {"kind": "contract", "value": CONTRACT_NO},
    {"kind": "permit", "value": PERMIT_NO},
    {"kind": "unit", "value": UNIT_CODE},
)
"""Whom and what the case is about: both borrowers, their contract, its permit, the flat."""


@dataclass(frozen=True, slots=True)
class Department:
    """A department of the demo: number in the dossier, USCC, name, what it stands for in the progress lines, kind."""

    id: str
    uscc: str
    name: str
    short: str
    kind: str = "department"


DEPARTMENTS: Final = (
    Department("D01", "11411599MBDEM0015B", "测试市政务服务和大数据管理局", "authority"),
    Department("D02", "12411599MBDEM00233", "测试市住房公积金管理中心", "fund-centre"),
    Department("D03", "11411599MBDEM00311", "测试市住房和城乡建设局", "housing"),
    Department("D05", "12411599MBDEM0058M", "测试市不动产登记中心", "registry"),
    Department("D06", "11411599MBDEM0066K", "测试市公安局", "police"),
    Department("D07", "11411599MBDEM0074E", "测试市民政局", "civil-affairs"),
    Department("E07", "91411599MADEM0070P", "测试银行股份有限公司测试支行", "bank", "other-receiver"),
)
BY_USCC: Final = {department.uscc: department for department in DEPARTMENTS}


@dataclass(slots=True)
class NodeHandle:
    """A running node: where it lies, where it listens, who works there.

    Args:
        department: whose.
        folder: data, keys, settings.
        port: of its HTTP server.
        tokens: bearer token by role; one person per role.
    """

    department: Department
    folder: Path
    port: int
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of its process and log."""
        return f"{self.department.id}-{self.department.short}"

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Path:
        """TOML settings."""
        return self.data / "node.toml"

    @property
    def data(self) -> Path:
        """Databases and keys."""
        return self.folder / "data"

    @property
    def keys(self) -> Path:
        """Key files."""
        return self.data / "keys"

    @property
    def operator_token(self) -> Path:
        """File with the first operator's token."""
        return self.folder / "operator-token"

    @property
    def passphrase(self) -> Path:
        """File with the passphrase of its keys."""
        return self.folder / "passphrase"

    def person(self, role: str) -> Api:
        """The person with a role."""
        return Api(self.name, self.url, self.tokens[role])

    def approved(self, path: str, body: object = None, headers: Mapping[str, str] | None = None, by: str = "sharing") -> Any:
        """What a person proposed, consented to by the head, carried out; gives its result."""
        return approved(self.person(by), self.person("head"), path, body, headers)

    def anyone(self) -> Api:
        """A caller without a token."""
        return Api(self.name, self.url)


@dataclass(slots=True)
class Stage:
    """Everything a step needs.

    Args:
        grants: number of the grant by (provider's dataset alias, receiver's USCC, purpose).
        notes: what a later step needs of an earlier one (record ids, bundles).
    """

    places: Places
    processes: Processes
    commands: Commands
    chain: Chain
    summary: Summary
    nodes: dict[str, NodeHandle] = field(default_factory=dict)
    grants: dict[tuple[str, str, str], int] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def fund(self) -> NodeHandle:
        """The fund centre's node (D02), lead of the case."""
        return self.nodes["D02"]

    def verify(self, bundle: Path, *extra: str | Path) -> dict[str, Any]:
        """Run ``xinlian verify`` on a file, against the manifest and the chain alone.

        Returns:
            ``exit_code``, ``verdict``, ``failed`` (names of checks that failed), ``report`` (the whole).
        """
        ran = self.commands.run(
            "verify", bundle, "--deployment", self.places.deployment, "--rpc", self.chain.url, "--json", *extra
        )
        report = ran.document()
        failed = [check["name"] for check in report["checks"] if check["outcome"] == "failed"]
        return {"exit_code": ran.code, "verdict": report["verdict"], "failed": failed, "report": report}

    def verify_all(self, bundles: Sequence[Path]) -> dict[str, dict[str, Any]]:
        """``verify`` on several files, two at a time; by file name."""
        with ThreadPoolExecutor(2) as pool:
            return dict(zip([path.name for path in bundles], pool.map(self.verify, bundles), strict=True))

    def law_time(self) -> int:
        """Time of the latest block, epoch seconds."""
        return self.chain.head_time()


def write_json(path: Path, document: Mapping[str, Any] | Sequence[Any]) -> Path:
    """Write a JSON file for people and programs."""
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def local_day(epoch_s: int) -> date:
    """A day as people at UTC+8 count it."""
    return datetime.fromtimestamp(epoch_s, UTC8).date()


def local_time(epoch_s: int) -> str:
    """A time as people at UTC+8 read it."""
    return datetime.fromtimestamp(epoch_s, UTC8).strftime("%Y-%m-%d %H:%M")


def wall_in_days(days: int) -> int:
    """Wall clock in so many days, epoch seconds."""
    return int(time.time()) + days * 86_400
