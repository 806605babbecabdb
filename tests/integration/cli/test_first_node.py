"""A department's first day by the command line alone, on a real chain, with the node as a process of its own.

Most commands run inside the test's process (imports cost a second each); ``run_program`` runs the installed program.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.anvil import TestChain
from tests.support.lying import lying_node
from tests.support.network import CONTRACTS_DIR, GENESIS_TIME, MNEMONIC
from xinlian.chain.abi import event_members
from xinlian.chain.anvil import ZERO_FEES, Anvil, AnvilOptions, free_port
from xinlian.cli.main import app
from xinlian.node.files.examples import example_row
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.scenarios.catalogue import load_schemas

USCC = "12411599MBDEM00233"
RUNNER = CliRunner()
PROGRAM = Path(sys.executable).with_name("xinlian")
pytestmark = pytest.mark.timeout(240)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass
class Desk:
    """A clerk's desk: a folder, an environment, and the program."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str | Path, stdin: str = "", **extra: str) -> Ran:
        """A command inside this process."""
        with contextlib.chdir(self.folder):
            done = RUNNER.invoke(app, [*map(str, arguments)], input=stdin, env={**self.environment, **extra})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(done.exit_code, done.stdout, done.stderr)

    def run_program(self, *arguments: str | Path, **extra: str) -> Ran:
        """The installed program, in a process of its own."""
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=90,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def need(self, *arguments: str | Path, stdin: str = "", **extra: str) -> Any:
        ran = self.run(*arguments, "--json", stdin=stdin, **extra)
        assert ran.code == 0, (arguments, ran)
        return ran.document


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil(AnvilOptions(contracts_dir=CONTRACTS_DIR, mnemonic=MNEMONIC, genesis_time=GENESIS_TIME, extra=ZERO_FEES)) as chain:
        yield chain


@pytest.fixture(scope="module")
def desk(anvil: Anvil, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Authority, contracts and one registered department, all made by commands."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "passphrase").write_text("a passphrase of the tests\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C",
        "XINLIAN_PASSPHRASE_FILE": str(folder / "passphrase"),
        "XINLIAN_RPC_URL": anvil.url,
        "XINLIAN_DEPLOYMENT": str(folder / "deployment.json"),
    }
    desk = Desk(folder, environment)
    authority = desk.need("authority", "init", "--keys", "authority", "--light-kdf")
    deployed = desk.need("deploy", "--keys", "authority")
    assert deployed["authority"] == authority["authority"]
    return desk


@dataclass
class Served:
    """A running node and its operator's token file."""

    desk: Desk
    url: str
    operator: Path
    config: Path

    def as_person(self, token_file: Path) -> dict[str, str]:
        return {"XINLIAN_URL": self.url, "XINLIAN_TOKEN_FILE": str(token_file)}


@pytest.fixture(scope="module")
def served(desk: Desk) -> Iterator[Served]:
    """The department's node: set up, registered, serving as a process of its own."""
    port = free_port()
    setup = ("--department", USCC, "--name", "测试市住房公积金管理中心", "--endpoint", f"http://127.0.0.1:{port}")
    options = ("--listen-port", str(port), "--development", "--light-kdf", "--token-out", "operator.token")
    made = desk.need("department", "init", "--data-dir", "fund", *setup, *options)
    assert "token" not in made
    desk.need("department", "request", "--data-dir", "fund", "-o", "request.json")
    registered = desk.need("authority", "register", "request.json", "--keys", "authority")
    assert registered["call"] == "DepartmentRegistry.register"
    config = desk.folder / "fund" / "node.toml"
    log = (desk.folder / "node.log").open("w")
    environment = {**desk.environment, "XINLIAN_BATCH_MAX_AGE_S": "0.2", "XINLIAN_POLL_INTERVAL_S": "0.1"}
    environment["XINLIAN_READS_MAX_AGE_S"] = "0.2"
    environment["XINLIAN_SEALING_PROCESSES"] = "1"
    del environment["XINLIAN_RPC_URL"]
    process = subprocess.Popen([PROGRAM, "node", "serve", "--config", config], env=environment, cwd=desk.folder, stderr=log)
    try:
        served = Served(desk, f"http://127.0.0.1:{port}", desk.folder / "operator.token", config)
        _wait_ready(served, process)
        yield served
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _wait_ready(served: Served, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 40
    while served.desk.run("chain", "status", "--url", served.url).code != 0:
        assert process.poll() is None, (served.desk.folder / "node.log").read_text()
        assert time.monotonic() < deadline, (served.desk.folder / "node.log").read_text()
        time.sleep(0.3)


@pytest.fixture(scope="module")
def clerk(served: Served) -> dict[str, str]:
    """The environment of a person with every role that publishing and sharing need."""
    roles = ("--role", "publisher", "--role", "sharing", "--role", "caseworker", "--role", "auditor")
    return _person(served, "P0001", "测试经办", "clerk.token", *roles)


@pytest.fixture(scope="module")
def head(served: Served) -> dict[str, str]:
    """The environment of the head of the sharing office, who consents; may propose, too, but never both."""
    return _person(served, "P0002", "测试负责人", "head.token", "--role", "head", "--role", "sharing")


def _person(served: Served, person_id: str, name: str, token: str, *roles: str) -> dict[str, str]:
    operator = served.as_person(served.operator)
    user = served.desk.need("user", "add", person_id, "--name", name, "--post", "测试岗", *roles, **operator)
    out = served.desk.folder / token
    made = served.desk.need("user", "token", str(user["id"]), "--out", out, **operator)
    assert made == {"token_file": str(out)}
    assert out.stat().st_mode & 0o777 == 0o600
    return served.as_person(out)


@pytest.fixture(scope="module")
def dataset(served: Served, clerk: dict[str, str], head: dict[str, str]) -> str:
    """GJJ-01 proposed by the clerk, consented to by the head, sent back once and then published by the authority."""
    schema = load_schemas("new-home-loan")["GJJ-01"]
    file = served.desk.folder / "GJJ-01.json"
    file.write_bytes(schema.source)
    checked = served.desk.need("dataset", "check", file)
    assert checked["code"] == schema.code
    proposed = served.desk.need("dataset", "propose", file, **clerk)
    assert proposed["state"] == "pending"
    number, digest = str(proposed["id"]), proposed["proposal"]
    assert served.desk.need("approval", "list", "--state", "pending", **head)["items"][0]["object"] == f"dataset {schema.vct}"
    assert served.desk.need("approval", "show", number, **head)["payload"] == {"schema": schema.source.decode()}
    sent_back = served.desk.need("approval", "send-back", number, stdin="请先补充说明\n", **head)
    assert (sent_back["state"], sent_back["steps"][1]["reason"]) == ("returned", "请先补充说明")
    proposed = served.desk.need("dataset", "propose", file, **clerk)
    assert (str(proposed["id"]), proposed["round"], proposed["state"]) == (number, 2, "pending")
    stale = served.desk.run("approval", "consent", number, "--proposal", digest, "--json", **head)
    assert (stale.code, json.loads(stale.err)["code"]) == (13, "approval-changed")
    done = served.desk.need("approval", "consent", number, "--proposal", proposed["proposal"], **head)
    assert (done["state"], done["result"]["code"]) == ("done", schema.code)
    reason = ("--reason", "共享范围过宽")
    returned = served.desk.need("authority", "return-dataset", schema.vct, *reason, "--keys", "authority")
    digest = sha256(b"\x02" + bytes.fromhex(returned["salt"]) + returned["text"].encode()).hexdigest()
    assert digest == returned["document"], "salt and text open what stands on chain"
    assert json.loads(returned["text"])["reason"] == "共享范围过宽"
    _wait_for(served, clerk, schema.alias, "returned")
    proposed = served.desk.need("dataset", "propose", file, **clerk)
    served.desk.need("approval", "consent", str(proposed["id"]), "--proposal", proposed["proposal"], **head)
    assert served.desk.need("dataset", "show", schema.alias, **clerk)["round"] == 2
    served.desk.need("authority", "publish-dataset", schema.vct, "--keys", "authority")
    _wait_for(served, clerk, schema.alias, "published")
    return schema.alias


def _wait_for(served: Served, clerk: dict[str, str], alias: str, state: str) -> None:
    """Until the node has followed what the authority signed."""
    deadline = time.monotonic() + 20
    while served.desk.need("dataset", "show", alias, **clerk)["state"] != state:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def record(served: Served, clerk: dict[str, str], dataset: str) -> str:
    """One published, anchored record."""
    row = json.dumps(example_row(load_schemas("new-home-loan")[dataset]), ensure_ascii=False)
    options = ("--dataset", dataset, "--key", "first row", "--wait", "20")
    published = served.desk.need("publish", "-", *options, stdin=row, **clerk)
    assert published["state"] == "anchored"
    again = served.desk.need("publish", "-", *options, stdin=row, **clerk)
    assert again["replayed"] is True
    assert again["record_id"] == published["record_id"]
    return str(published["record_id"])


def test_deploying_again_changes_nothing(desk: Desk) -> None:
    before = (desk.folder / "deployment.json").read_bytes()
    desk.need("deploy", "--keys", "authority")
    assert (desk.folder / "deployment.json").read_bytes() == before


def test_setting_up_twice_is_refused_and_keeps_the_keys(served: Served) -> None:
    keys = sorted((path.name, path.read_bytes()) for path in (served.desk.folder / "fund" / "keys").iterdir())
    setup = ("--department", USCC, "--name", "x", "--endpoint", "http://127.0.0.1:1")
    ran = served.desk.run("department", "init", "--data-dir", "fund", *setup, "--json")
    assert ran.code == 2
    assert json.loads(ran.err)["code"] == "keys-exist"
    assert keys == sorted((path.name, path.read_bytes()) for path in (served.desk.folder / "fund" / "keys").iterdir())


def test_registering_twice_is_rejected_by_the_chain(served: Served) -> None:
    ran = served.desk.run("authority", "register", "request.json", "--keys", "authority", "--json")
    assert ran.code == 15
    assert json.loads(ran.err)["code"] == "tx-reverted"


def test_a_request_with_a_changed_proof_is_refused_before_anything_is_sent(served: Served) -> None:
    request = json.loads((served.desk.folder / "request.json").read_text())
    jwks = json.loads(request["jwks"])
    proof = jwks["possession"][0]
    jwks["possession"][0] = proof[:-5] + ("A" if proof[-5] != "A" else "B") + proof[-4:]
    request["jwks"] = json.dumps(jwks, separators=(",", ":"))
    changed = served.desk.run("authority", "register", "-", "--keys", "authority", "--json", stdin=json.dumps(request))
    assert changed.code == 2
    assert json.loads(changed.err)["code"] == "registration-proof"


def test_doctor_warns_of_a_calendar_that_is_not_loaded(served: Served) -> None:
    def check() -> dict[str, str]:
        ran = served.desk.run("doctor", "--config", served.config, "--json")
        found: dict[str, str] = next(one for one in ran.document["checks"] if one["name"] == "calendar")
        return found

    assert (check()["outcome"], "2026" in check()["detail"]) == ("warning", True)
    served.desk.need("calendar", "load", "--keys", "authority")
    assert check() == {"name": "calendar", "outcome": "ok", "detail": "2026 loaded", "remedy": ""}


def test_doctor_finds_nothing_on_a_good_node(served: Served) -> None:
    environment = {**served.desk.environment}
    ran = served.desk.run("doctor", "--config", served.config, "--json", **environment)
    assert ran.code == 0, ran
    assert {check["outcome"] for check in ran.document["checks"]} <= {"ok", "warning"}


def test_doctor_names_a_chain_that_is_another_one(served: Served, tmp_path: Path) -> None:
    manifest = json.loads((served.desk.folder / "deployment.json").read_text())
    manifest["genesis_hash"] = "0x" + "ab" * 32
    wrong = tmp_path / "deployment.json"
    wrong.write_text(json.dumps(manifest))
    ran = served.desk.run("doctor", "--config", served.config, "--json", XINLIAN_DEPLOYMENT=str(wrong))
    assert ran.code == 1
    failed = {check["name"] for check in ran.document["checks"] if check["outcome"] == "FAILED"}
    assert failed == {"chain"}


def test_a_record_is_published_anchored_and_verified(served: Served, clerk: dict[str, str], record: str) -> None:
    desk = served.desk
    desk.need("bundle", "get", record, "-o", "evidence.json", **clerk)
    report = desk.need("verify", "evidence.json")
    assert report["exit_code"] == 0
    assert {check["outcome"] for check in report["checks"]} == {"passed"}
    text = desk.run_program("verify", "evidence.json")
    assert text.code == 0
    assert text.out.startswith("AUTHENTIC AND CURRENT as of block")
    shown = desk.need("record", "show", record, **clerk)
    assert shown["status"] == "current"
    assert desk.need("record", "receipt", record, **clerk)


def test_a_changed_byte_or_a_missing_view_is_exit_1(served: Served, clerk: dict[str, str], record: str) -> None:
    desk = served.desk
    desk.need("bundle", "get", record, "-o", "whole.json", "--signed", **clerk)
    bundle = json.loads((desk.folder / "whole.json").read_text())
    bundle["receipt"]["root"] = "00" * 32
    (desk.folder / "changed.json").write_text(json.dumps(bundle))
    changed = desk.run("verify", "changed.json", "--json")
    assert changed.code == 1
    assert changed.document["exit_code"] == 1
    assert desk.run("verify", "whole.json").code == 0
    no_rpc = desk.run("verify", "whole.json", "--json", XINLIAN_RPC_URL="")
    assert no_rpc.code == 1
    assert {c["name"] for c in no_rpc.document["checks"] if c["outcome"] == "not-run"} >= {"chain", "anchored", "status"}
    no_manifest = desk.run("verify", "whole.json", "--json", XINLIAN_DEPLOYMENT="")
    assert no_manifest.code == 1
    unreachable = desk.run("verify", "whole.json", "--rpc", "http://127.0.0.1:1", "--json")
    assert unreachable.code == 1
    assert desk.run("verify", "whole.json", "--as-of", "999999999").code == 2


def test_revise_revoke_and_erase_show_in_the_verdict(served: Served, clerk: dict[str, str], dataset: str) -> None:
    desk = served.desk
    row = dict(example_row(load_schemas("new-home-loan")[dataset]))
    row = _with_other_key(dataset, row)
    text = json.dumps(row, ensure_ascii=False)
    first = desk.need("publish", "-", "--dataset", dataset, "--wait", "20", stdin=text, **clerk)["record_id"]
    desk.need("bundle", "get", first, "-o", "first.json", **clerk)
    desk.need("record", "revise", first, "--wait", "20", stdin=text, **clerk)
    assert _eventually(desk, "first.json", 4) == 4
    desk.need("bundle", "get", first, "-o", "second.json", **clerk)
    desk.need("record", "revoke", first, "--reason", "1", **clerk)
    assert _eventually(desk, "second.json", 5) == 5
    asked = desk.run("record", "erase", first, "--reason", "1", stdin="n\n", **clerk)
    assert asked.code == 1
    assert _eventually(desk, "second.json", 5) == 5
    desk.need("record", "erase", first, "--reason", "1", "--yes", **clerk)
    assert _eventually(desk, "second.json", 6) == 6


def test_as_of_a_moment_from_a_node_that_hides_an_earlier_mark(served: Served, anvil: Anvil) -> None:
    """Between revocation and erasure of the record of the test before: hiding the first would make it current then."""
    desk, chain = served.desk, TestChain(anvil)
    erased = int(chain.rpc("eth_blockNumber"), 16)
    while (code := desk.run("verify", "second.json", "--as-of", str(erased)).code) == 6:
        erased -= 1
    assert code == 5

    def hide(method: str, params: list[Any], result: Any) -> Any:
        return [one for one in result if not _is_mark(one, 2)] if method == "eth_getLogs" else result

    with lying_node(anvil.url, hide) as url:
        ran = desk.run("verify", "second.json", "--as-of", str(erased), "--rpc", url, "--json")
    assert ran.code == 1
    failed = {check["name"]: check["detail"] for check in ran.document["checks"] if check["outcome"] == "failed"}
    assert list(failed) == ["anchored"]
    assert failed["anchored"].startswith("events-differ: ")


def _is_mark(log: dict[str, Any], status: int) -> bool:
    digest = "0x" + event_members()["RecordLedger", "StatusSet"].digest.hex()
    return log["topics"][0] == digest and int(log["data"][2 + 64 : 2 + 128], 16) == status


def _with_other_key(dataset: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row under another natural key, so that it is another record."""
    key = load_schemas("new-home-loan")[dataset].key[0]
    return {**row, key: str(row[key])[:-1] + ("7" if str(row[key])[-1] != "7" else "8")}


def _eventually(desk: Desk, bundle: str, expected: int) -> int:
    """The exit code of ``verify``, waiting up to 20 s for the expected one."""
    deadline = time.monotonic() + 20
    while (code := desk.run("verify", bundle).code) != expected and time.monotonic() < deadline:
        time.sleep(0.3)
    return code


def test_a_file_with_a_wrong_row_publishes_nothing(served: Served, clerk: dict[str, str], dataset: str) -> None:
    desk = served.desk
    good = dict(example_row(load_schemas("new-home-loan")[dataset]))
    (desk.folder / "rows.ndjson").write_text(json.dumps({**good, "no_such_field": 1}, ensure_ascii=False) + "\n")
    before = desk.need("record", "list", "--dataset", dataset, **clerk)["items"]
    ran = desk.run("publish", "rows.ndjson", "--dataset", dataset, **clerk)
    assert ran.code == 2
    assert ran.err.startswith("rows-")
    assert "no_such_field" in ran.err
    assert desk.need("record", "list", "--dataset", dataset, **clerk)["items"] == before


def test_nobody_consents_to_what_they_proposed(served: Served, clerk: dict[str, str], head: dict[str, str]) -> None:
    desk = served.desk
    file = desk.folder / "GJJ-02.json"
    file.write_bytes(load_schemas("new-home-loan")["GJJ-02"].source)
    number = str(desk.need("dataset", "propose", file, **head)["id"])
    for decide in (("consent", number), ("send-back", number)):
        refused = desk.run("approval", *decide, "--json", stdin="x", **head)
        assert (refused.code, json.loads(refused.err)["code"]) == (10, "self-approval")
    foreign = desk.run("approval", "withdraw", number, "--json", **clerk)
    assert (foreign.code, json.loads(foreign.err)["code"]) == (10, "approval-foreign")
    assert desk.need("approval", "withdraw", number, **head)["state"] == "withdrawn"


def test_who_acted_is_provable_from_the_anchored_log(served: Served, head: dict[str, str], dataset: str) -> None:
    desk, schema = served.desk, load_schemas("new-home-loan")[dataset]
    deadline = time.monotonic() + 20
    while True:
        acts = desk.need("acts", "list", "--object", f"dataset {schema.vct}", **head)["items"]
        if all(act["state"] == "anchored" for act in acts):
            break
        assert time.monotonic() < deadline, acts
        time.sleep(0.2)
    assert [(act["act"], act["person_id"], act["role"]) for act in acts] == [
        ("proposed", "P0001", "handler"),
        ("sent-back", "P0002", "head"),
        *[
            ("proposed", "P0001", "handler"),
            ("consented", "P0002", "head"),
            ("submitted", "P0002", "head"),
        ]
        * 2,  # the authority sent the first one back
    ]
    consented, submitted = acts[3], acts[4]
    assert consented["document"] == submitted["document"]
    desk.need("acts", "bundle", str(consented["position"]), "-o", "act.json", **head)
    report = desk.need("verify", "act.json")
    assert (report["exit_code"], report["stream"]) == (0, "reads")
    assert report["values"] == {"person_id": "P0002", "post": "测试岗", "role": "head", "approval": consented["approval"]}
    desk.need("acts", "bundle", str(consented["position"]), "-o", "role.json", "--fields", "role", **head)
    assert desk.need("verify", "role.json")["values"] == {"role": "head"}
    bundle = json.loads((desk.folder / "act.json").read_text())
    statement = json.loads(unb64u(bundle["statement"]))
    assert (statement["act"], statement["object"]) == ("consented", f"dataset {schema.vct}")
    bundle["statement"] = b64u(unb64u(bundle["statement"]).replace(b'"consented"', b'"sent-back"'))
    (desk.folder / "forged.json").write_text(json.dumps(bundle))
    assert desk.run("verify", "forged.json").code == 1
    bundle["statement"] = b64u(json.dumps({**statement, "act": "withdrawn"}, separators=(",", ":"), ensure_ascii=False).encode())
    (desk.folder / "forged.json").write_text(json.dumps(bundle))
    assert desk.run("verify", "forged.json").code == 1


def test_who_may_not_is_told_so(served: Served, clerk: dict[str, str]) -> None:
    desk = served.desk
    as_clerk = desk.run_program("user", "disable", "1", "--json", **clerk)
    assert as_clerk.code == 10
    assert json.loads(as_clerk.err)["code"] == "role-missing"
    without = desk.run("user", "list", XINLIAN_URL=served.url)
    assert without.code == 10
    assert without.err.startswith("token-missing: ")
    assert desk.run("record", "show", "01a3185c-5000-7000-8000-000000000000", **clerk).code == 12
    assert desk.run("user", "list", "--url", "http://127.0.0.1:1").code == 14


def test_no_secret_stands_in_any_output_or_log(served: Served, clerk: dict[str, str], record: str) -> None:
    token = Path(clerk["XINLIAN_TOKEN_FILE"]).read_text().strip()
    said = served.desk.run("record", "show", record, **clerk)
    log = (served.desk.folder / "node.log").read_text()
    for secret in (token, served.operator.read_text().strip(), "a passphrase of the tests"):
        assert secret not in said.out + said.err + log
