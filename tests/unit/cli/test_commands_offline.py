"""Commands that need no node: codes, datasets, verification, settings of trust."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support.datasets import small_document
from tests.support.evidence import ANCHOR_BLOCK, World, head, receipt, sealed
from tests.support.fake_view import BLOCK_TIME_S
from tests.support.files import CELLS, TITLES
from xinlian.chain.view import RpcView
from xinlian.cli.main import app, main
from xinlian.cli.trust import find_rpc_urls
from xinlian.protocol import manifest
from xinlian.protocol.attachments import PDF, FileValue
from xinlian.protocol.bundle import Bundle, dumps
from xinlian.protocol.documents import make_document
from xinlian.protocol.record import parse_statement
from xinlian.protocol.types import EpochS, Status, Stream

RUNNER = CliRunner()
FUND = "12411599MBDEM00233"


def run(*arguments: str | Path, stdin: str | bytes = "", **environment: str) -> Result:
    blank: dict[str, str | None] = {name: None for name in os.environ if name.startswith("XINLIAN_")}
    result = RUNNER.invoke(app, [*map(str, arguments)], input=stdin, env={**blank, **environment})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def code_of(result: Result) -> str:
    return str(json.loads(result.stderr)["code"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a manifest of its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


# -- codes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uscc", FUND),
        ("id", "411599199001010014"),
        ("project", "2601-411599-70-01-000001"),
    ],
)
def test_a_right_code_ends_with_0(kind: str, value: str) -> None:
    result = run("codes", "check", kind, value, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"kind": kind, "ok": True}


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("uscc", FUND[:-1] + "4", "code-check-digit"),
        ("uscc", FUND.lower(), "code-form"),
        ("id", "411599199001010015", "code-check-digit"),
        ("id", "411599199002300014", "code-form"),
        ("unit", "411599", "code-form"),
        ("project", "2613-411599-70-01-000001", "code-form"),
        ("certificate", "1.2.156.9999.1", "code-form"),
    ],
)
def test_a_wrong_code_ends_with_2_and_is_not_repeated(kind: str, value: str, code: str) -> None:
    result = run("codes", "check", kind, value, "--json")
    assert result.exit_code == 2
    assert code_of(result) == code
    assert value not in result.output


def test_an_unknown_kind_of_code_is_usage() -> None:
    assert run("codes", "check", "passport", "x").exit_code == 2


# -- datasets ------------------------------------------------------------------------------------------


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    document = small_document()
    del document["properties"]["owners"], document["x-views"]
    document["x-order"].remove("owners")
    document["required"].remove("owners")
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(document, ensure_ascii=False))
    return file


def test_a_schema_file_is_checked(schema: Path) -> None:
    result = run("dataset", "check", schema, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["title"] == "测试目录"
    assert json.loads(result.stdout)["field_count"] == 9


def test_a_wrong_schema_file_names_the_place(schema: Path) -> None:
    document = json.loads(schema.read_text())
    document["properties"]["amount"]["x-type"] = "N(8,9)"
    schema.write_text(json.dumps(document))
    result = run("dataset", "check", schema, "--json")
    assert result.exit_code == 2
    assert code_of(result) == "schema-form"
    assert "amount" in result.stderr


def test_a_template_is_made_from_a_schema_file_alone(schema: Path, tmp_path: Path) -> None:
    out = tmp_path / "模板.xlsx"
    assert run("dataset", "template", "--schema", schema, "-o", out).exit_code == 0
    assert out.read_bytes()[:2] == b"PK"
    again = run("dataset", "check", schema, "--rows", out, "--json")
    assert code_of(again) == "file-empty"  # only the example row, which nobody changed


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_rows_are_checked_without_a_node(schema: Path, tmp_path: Path, encoding: str) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(",".join(TITLES) + "\n" + ",".join(CELLS) + "\n", encoding)
    result = run("dataset", "check", schema, "--rows", rows, "--encoding", encoding, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["rows"] == 1


def test_a_wrong_row_is_reported_like_in_publishing(schema: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(",".join(TITLES) + "\n" + ",".join(CELLS).replace("1234.50", "1234.5") + "\n")
    result = run("dataset", "check", schema, "--rows", rows, "--json")
    assert result.exit_code == 2
    document = json.loads(result.stderr)
    assert document["code"] == "rows-invalid"
    assert [(fault["row"], fault["field"], fault["code"]) for fault in document["faults"]] == [(2, "amount", "field-scale")]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--rows", "no-such.csv"), "file-unreadable"), (("--rows", "x.csv", "--format", "ods"), "file-format")],
)
def test_a_file_that_cannot_be_read_is_named(schema: Path, arguments: tuple[str, ...], code: str) -> None:
    result = run("dataset", "check", schema, *arguments, "--json")
    assert result.exit_code == 2
    assert code_of(result) == code


# -- verify --------------------------------------------------------------------------------------------


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Evidence, its manifest, and the chain that the command asks."""
    world = World()

    @contextlib.contextmanager
    def over(urls: tuple[str, ...], deployment: manifest.Deployment) -> Iterator[Any]:
        assert urls == ("http://chain",)
        assert deployment == world.deployment
        yield world.view

    monkeypatch.setattr(RpcView, "over", over)
    return world


@pytest.fixture
def anchor(world: World, tmp_path: Path) -> Path:
    file = tmp_path / "deployment.json"
    file.write_bytes(manifest.dumps(world.deployment))
    return file


def verified(bundle: Bundle | bytes, *options: str | Path, **environment: str) -> Result:
    data = bundle if isinstance(bundle, bytes) else dumps(bundle)
    return run("verify", "-", *options, stdin=data, **{"XINLIAN_RPC_URL": "http://chain", **environment})


@pytest.mark.parametrize(
    ("status", "expected", "word"),
    [
        (Status.CURRENT, 0, "AUTHENTIC AND CURRENT"),
        (Status.SUPERSEDED, 4, "AUTHENTIC, SUPERSEDED"),
        (Status.REVOKED, 5, "AUTHENTIC, REVOKED"),
        (Status.ERASED, 6, "AUTHENTIC, ERASED"),
    ],
)
def test_status_is_the_exit_code(world: World, anchor: Path, status: Status, expected: int, word: str) -> None:
    if status is not Status.CURRENT:
        world.view.mark(FUND, 1, 1, 30, int(status))
    result = verified(world.bundle(1), "--deployment", anchor)
    assert result.exit_code == expected, result.output
    assert result.stdout.startswith(word)
    as_json = verified(world.bundle(1), "--deployment", anchor, "--json")
    assert as_json.exit_code == expected
    assert json.loads(as_json.stdout)["exit_code"] == expected


def test_a_pending_bundle_is_7_and_a_wrong_hint_is_3(world: World, anchor: Path) -> None:
    assert verified(world.pending(), "--deployment", anchor).exit_code == 7
    good = world.bundle(1)
    assert good.receipt is not None
    hint = replace(good, receipt=replace(good.receipt, block_number=good.receipt.block_number + 1))
    result = verified(hint, "--deployment", anchor)
    assert result.exit_code == 3
    assert "remark" in result.stdout


@pytest.mark.parametrize("data", [b"", b"{}", b"not json", b"\xff\xfe"])
def test_a_file_that_is_no_bundle_failed_its_format(world: World, anchor: Path, data: bytes) -> None:
    result = verified(data, "--deployment", anchor, "--json")
    assert result.exit_code == 1
    checks = {check["name"]: check["outcome"] for check in json.loads(result.stdout)["checks"]}
    assert checks.pop("format") == "failed"
    assert set(checks.values()) == {"not-run"}


def test_a_file_that_is_not_there_is_usage(anchor: Path) -> None:
    result = run("verify", "no-such.json", "--deployment", anchor, "--json")
    assert result.exit_code == 2
    assert code_of(result) == "file-unreadable"


@pytest.mark.parametrize("as_of", ["yesterday", "2026-03-02T09:00:00", "-1"])
def test_a_moment_that_cannot_be_read_is_usage(world: World, anchor: Path, as_of: str) -> None:
    assert verified(world.bundle(1), "--deployment", anchor, f"--as-of={as_of}").exit_code == 2


def test_as_of_an_earlier_block_the_record_was_current(world: World, anchor: Path) -> None:
    world.view.mark(FUND, 1, 1, 30, int(Status.REVOKED))
    assert verified(world.bundle(1), "--deployment", anchor, "--as-of", "29").exit_code == 0
    assert verified(world.bundle(1), "--deployment", anchor, "--as-of", "30").exit_code == 5


def test_values_are_shown_or_left_out(world: World, anchor: Path) -> None:
    assert "120000.00" in verified(world.bundle(1), "--deployment", anchor).stdout
    for options in ((), ("--json",)):
        hidden = verified(world.bundle(1), "--deployment", anchor, "--no-values", *options)
        assert hidden.exit_code == 0
        assert "120000.00" not in hidden.stdout


def bundle_of_a_file(world: World, content: bytes) -> Bundle:
    value = FileValue(hashlib.sha256(content).hexdigest(), len(content), PDF, "授权书.pdf").to_json()
    record, slot = sealed(head(8), scan=value), (FUND, Stream.RECORDS, 3)
    world.anchor([record], slot, ANCHOR_BLOCK)
    proof = receipt([record], 0, slot, ANCHOR_BLOCK)
    return Bundle(parse_statement(record.statement), record.disclosures, proof, None, None, EpochS(BLOCK_TIME_S + 60))


def test_a_file_beside_a_bundle_is_checked_when_it_is_given(world: World, anchor: Path, tmp_path: Path) -> None:
    bundle = bundle_of_a_file(world, b"content")
    good, bad = tmp_path / "good.pdf", tmp_path / "bad.pdf"
    good.write_bytes(b"content")
    bad.write_bytes(b"Content")
    plain = verified(bundle, "--deployment", anchor)
    assert plain.exit_code == 0
    assert "授权书.pdf" in plain.stdout
    assert hashlib.sha256(b"content").hexdigest() in plain.stdout
    assert verified(bundle, "--deployment", anchor, "--attachment", good).exit_code == 0
    result = verified(bundle, "--deployment", anchor, "--attachment", good, "--attachment", bad, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["checks"][-1] == {"name": "attachment", "outcome": "failed", "detail": f"no disclosed value names {bad}"}
    assert [one["name"] for one in report["attachments"]] == ["授权书.pdf"]
    hidden = verified(bundle, "--deployment", anchor, "--attachment", good, "--no-values", "--json")
    assert (hidden.exit_code, "授权书" in hidden.stdout) == (0, False)
    gone = verified(bundle, "--deployment", anchor, "--attachment", tmp_path / "no.pdf", "--json")
    assert (gone.exit_code, code_of(gone)) == (2, "file-unreadable")


def test_the_manifest_is_found_in_the_order_of_the_design(world: World, anchor: Path, home: Path) -> None:
    def deployment_check(*options: str | Path, **environment: str) -> str:
        report = json.loads(verified(world.bundle(1), "--json", *options, **environment).stdout)
        return next(str(check["outcome"]) for check in report["checks"] if check["name"] == "deployment")

    other = anchor.with_name("other.json")
    other.write_text("{}")
    assert deployment_check() == "not-run"
    default = home / ".config" / "xinlian" / "deployment.json"
    default.parent.mkdir(parents=True)
    default.write_bytes(anchor.read_bytes())
    assert deployment_check() == "passed"
    default.write_text("{}")
    assert deployment_check(XINLIAN_DEPLOYMENT=str(anchor)) == "passed"
    assert deployment_check("--deployment", anchor, XINLIAN_DEPLOYMENT=str(other)) == "passed"
    assert verified(world.bundle(1), "--deployment", other).exit_code == 2
    assert verified(world.bundle(1), XINLIAN_DEPLOYMENT=str(anchor.with_name("missing.json"))).exit_code == 2


def test_without_an_rpc_the_checks_of_the_chain_are_not_run(world: World, anchor: Path) -> None:
    result = verified(world.bundle(1), "--deployment", anchor, "--json", XINLIAN_RPC_URL="")
    assert result.exit_code == 1
    outcomes = {check["name"]: check["outcome"] for check in json.loads(result.stdout)["checks"]}
    assert outcomes["disclosures"] == outcomes["leaf-path"] == "passed"
    assert {outcomes[name] for name in ("chain", "anchored", "status", "code-hash")} == {"not-run"}


def test_rpc_endpoints_come_from_options_then_the_list_then_the_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XINLIAN_RPC_URL", "http://one")
    assert find_rpc_urls(None) == ("http://one",)
    monkeypatch.setenv("XINLIAN_RPC_URLS", '["http://a", "http://b"]')
    assert find_rpc_urls(None) == ("http://a", "http://b")
    assert find_rpc_urls(["http://c"]) == ("http://c",)


@pytest.mark.parametrize("value", ["http://a", "[1]", "{}", '[""]'])
def test_a_list_of_endpoints_that_is_none_is_named(world: World, anchor: Path, value: str) -> None:
    result = verified(world.bundle(1), "--deployment", anchor, "--json", XINLIAN_RPC_URLS=value)
    assert result.exit_code == 2
    assert code_of(result) == "setting-wrong"


# -- what signs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("authority", "accept"), "deployment-missing"),
        (("authority", "suspend", "x", "--reason", "1"), "code-form"),
        (("authority", "publish-dataset", "x"), "argument-form"),
        (("authority", "publish-dataset", f"{FUND}/000001@0"), "argument-form"),
        (("authority", "return-dataset", "x", "--reason", "r"), "argument-form"),
        (("authority", "return-dataset", f"{FUND}/000001@1", "--reason", " "), "reason-missing"),
        (("authority", "retire-dataset", f"{FUND}/000001@1", "--reason", "r" * 501), "reason-missing"),
        (("authority", "transfer", "0x12"), "argument-form"),
        (("authority", "register", "no-such.json"), "file-unreadable"),
        (("authority", "init", "--keys", "k"), "passphrase-missing"),
        (("deploy", "-o", "d.json"), "rpc-missing"),
        (("department", "request", "--data-dir", "nowhere", "-o", "r.json"), "keys-missing"),
        (("department", "init", "--data-dir", "d", "--department", FUND, "--name", "n", "--endpoint", "x"), "argument-form"),
        (("department", "init", "--data-dir", "d", "--department", "x", "--name", "n", "--endpoint", "http://x"), "code-form"),
    ],
)
def test_what_is_missing_or_wrong_is_named_before_anything_is_done(arguments: tuple[str, ...], code: str, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        before = sorted(tmp_path.iterdir())
        result = run(*arguments, "--json")
        assert (result.exit_code, code_of(result)) == (2, code)
        assert sorted(tmp_path.iterdir()) == before


def test_a_command_line_that_needs_a_chain_names_the_endpoint(world: World, anchor: Path) -> None:
    result = run("authority", "accept", "--deployment", anchor, "--json")
    assert code_of(result) == "rpc-missing"
    result = run("authority", "accept", "--deployment", anchor, "--rpc", "http://127.0.0.1:1", "--json")
    assert code_of(result) == "keys-missing"


def test_doctor_goes_on_after_a_failure_and_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "node.toml"
    config.write_text(
        f'department = "{FUND}"\ndata_dir = "{tmp_path}"\ndeployment = "none.json"\nrpc_urls = ["http://127.0.0.1:1"]\n'
    )
    result = run("doctor", "--config", config, "--json")
    assert result.exit_code == 1
    found = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert found["settings"]["outcome"] == "ok"
    assert found["manifest"]["outcome"] == found["keys"]["outcome"] == found["rpc"]["outcome"] == "FAILED"
    assert "rpc-down" in found["rpc"]["detail"]
    assert found["rpc"]["remedy"]
    assert {found[name]["outcome"] for name in ("chain", "contracts", "registered", "signers")} == {"not run"}


def test_doctor_without_settings_runs_nothing_else(tmp_path: Path) -> None:
    result = run("doctor", "--config", tmp_path / "none.toml")
    assert result.exit_code == 1
    assert "settings" in result.stdout
    assert result.stdout.count("not run") == 13


def test_the_console_script_writes_utf8_whatever_the_locale(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "argv", ["xinlian", "case", "close", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "办结" in capfdbinary.readouterr().out.decode("utf-8")


# -- documents -----------------------------------------------------------------------------------------


def test_examples_are_listed_written_and_pass_the_check(tmp_path: Path) -> None:
    listed = json.loads(run("document", "example", "--json").stdout)["items"]
    for one in listed:
        file = tmp_path / f"{one['name']}.json"
        assert run("document", "example", one["name"], "-o", str(file)).exit_code == 0
        assert json.loads(file.read_bytes()) == json.loads(run("document", "example", one["name"], "--json").stdout)
        if one["form"] is not None:
            checked = run("document", "check", one["name"], str(file))
            assert checked.exit_code == 0, (one["name"], checked.stderr)
    unknown = run("document", "example", "no-such", "--json")
    assert (unknown.exit_code, code_of(unknown)) == (12, "example-unknown")


def test_a_form_is_checked_and_all_faults_are_told(tmp_path: Path) -> None:
    good = {"request_no": "GX20260924000001", "claim": "请求协调", "facts": "条目列明的用途"}
    assert run("document", "check", "dispute", "--json", stdin=json.dumps(good)).exit_code == 0
    assert run("document", "check", "answer", "--json", stdin="{}").exit_code == 2, "a whole text has its number"
    bad = run("document", "check", "dispute", "--json", stdin=json.dumps({"request_no": "GX1"}))
    assert (bad.exit_code, code_of(bad)) == (2, "form-member")
    assert [fault["field"] for fault in json.loads(bad.stderr)["faults"]] == ["request_no", "claim", "facts"]
    shown = run("document", "check", "dispute", stdin=json.dumps({"request_no": "GX1"}))
    assert "facts" in shown.stderr
    assert "→ " in shown.stderr
    unknown = run("document", "check", "no-such", "--json", stdin="{}")
    assert (unknown.exit_code, code_of(unknown)) == (2, "form-unknown")


def test_a_text_is_compared_with_its_digest(tmp_path: Path) -> None:
    document = make_document("consent", f"department {FUND}", {"reason": "同意"}, bytes(32))
    file = tmp_path / "consent.json"
    file.write_text(json.dumps({"salt": document.salt.hex(), "text": document.text.decode()}, ensure_ascii=False), "utf-8")
    good = run("document", "verify", document.digest.hex(), file, "--json")
    assert good.exit_code == 0
    assert json.loads(good.stdout)["object"] == f"department {FUND}"
    other = run("document", "verify", "00" * 32, file, "--json")
    assert (other.exit_code, code_of(other)) == (1, "document-mismatch")
    file.write_text(file.read_text("utf-8").replace("同意", "不同意"), "utf-8")
    assert code_of(run("document", "verify", document.digest.hex(), file, "--json")) == "document-mismatch"
    for text in ("{}", '{"salt": "xx", "text": "{}"}', '{"salt": "00", "text": "{}"}'):
        assert code_of(run("document", "verify", "00" * 32, "-", "--json", stdin=text)) == "document-form"
