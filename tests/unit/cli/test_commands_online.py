"""Every online command asks exactly the route of the API's contract, and renders what it answers."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.unit.cli.conftest import StubNode
from xinlian.api.creating import takes_key
from xinlian.cli.main import app
from xinlian.cli.reference import commands
from xinlian.protocol.webhooks import parse_secret

USCC = "12411599MBDEM0058M"
LEAD = "12411599MBDEM00233"
RID = "01a3185c-5000-7000-8000-000000000000"
ATTACHMENT = "ab" * 16
RUNNER = CliRunner()


def run(stub: StubNode, *arguments: str, stdin: str | bytes = "") -> Result:
    environment = {"XINLIAN_URL": stub.url, "XINLIAN_TOKEN": "xl_secret", "XINLIAN_TOKEN_FILE": ""}
    result = RUNNER.invoke(app, arguments, input=stdin, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@dataclass(frozen=True)
class Case:
    """A command line, the request it must make, and the answer it gets."""

    arguments: str
    method: str
    target: str
    body: Any = None
    answer: Any = None
    stdin: str = ""


EMPTY: dict[str, Any] = {"items": [], "next": None}
SUBJECT = {"kind": "person", "value": "411599199001010014"}
GRANT = {"provider": USCC, "number": 3, "state": "active", "terms": {"query": ["unit_code"]}}
DISPUTE = {"provider": USCC, "grant": 1, "form": {"items": ["area"]}}
CORRECTION = {
    "receiver": "L",
    "state": "corrected",
    "clock": None,
    "corrected": {"rev": 2},
    "documents": {"application": "ab" * 32},
    "recipients": [{"recipient": "R", "state": "acknowledged", "copies": 1}],
    "outstanding": [],
}
FORM = {"provider": USCC, "dataset": "BDC-01", "form": {"purposes": ["P1"]}}
REQUEST = {
    "request_no": "GX20260924000001",
    "state": "submitted",
    "terms": {"query": ["a"]},
    "clock": {"text": "3 of 10 working days used"},
    "steps": [{"at": 1, "event": "RequestSubmitted", "document": "ab"}],
}
QUERY = {
    "provider": USCC,
    "grant": 7,
    "purpose": "P1",
    "mode": "query",
    "case": {"lead": LEAD, "case_no": "C-1"},
    "fields": ["a", "b"],
    "items": [{"subjects": [SUBJECT]}],
}
APPROVAL = {
    "id": 7,
    "kind": "dataset-propose",
    "state": "pending",
    "steps": [{"seq": 1, "act": "proposed", "person_id": "P0001"}],
    "payload": {"schema": "{}"},
}
TOLD = {
    "notice": "ab" * 16,
    "recipient": LEAD,
    "kind": "erased",
    "state": "acknowledged",
    "attempts": 1,
    "last_code": None,
    "outcome": "kept-by-duty",
    "kept": [{"case": {"lead": LEAD, "no": "C-1"}, "basis": "某法第十条", "until": 1893427200}],
}
ADDRESS = "0x" + "Ab" * 20
CASES = [
    Case("user list", "GET", "/api/v1/users?limit=200", answer=EMPTY),
    Case("user me", "GET", "/api/v1/me", answer={"id": 1}),
    Case("user disable 4", "DELETE", "/api/v1/users/4", answer=b""),
    Case("user token 4 --days 7", "POST", "/api/v1/users/4/tokens", {"days": 7, "label": ""}, {"token": "xl_new"}),
    Case("dataset list", "GET", "/api/v1/datasets?limit=200", answer=EMPTY),
    Case("dataset show GJJ-01 --version 2", "GET", "/api/v1/datasets/GJJ-01?version=2", answer={"alias": "GJJ-01"}),
    Case(f"dataset show {USCC}/000001", "GET", f"/api/v1/datasets/{USCC}.000001", answer={"alias": "GJJ-01"}),
    Case("dataset template GJJ-01 -o -", "GET", "/api/v1/datasets/GJJ-01/template", answer=b"PK..xlsx"),
    Case("dataset propose -", "POST", "/api/v1/datasets", {"title": "x"}, APPROVAL, '{"title": "x"}'),
    Case(
        "approval list --state pending --kind dataset-propose",
        "GET",
        "/api/v1/approvals?state=pending&kind=dataset-propose&limit=200",
        answer=EMPTY,
    ),
    Case("approval show 7", "GET", "/api/v1/approvals/7", answer=APPROVAL),
    Case(
        "approval propose dataset-propose --object x -",
        "POST",
        "/api/v1/approvals",
        {"kind": "dataset-propose", "object": "x", "payload": {"schema": "{}"}},
        APPROVAL,
        '{"schema": "{}"}',
    ),
    Case("approval consent 7", "POST", "/api/v1/approvals/7/consent", {}, APPROVAL),
    Case(f"approval consent 7 --proposal {'ab' * 32}", "POST", "/api/v1/approvals/7/consent", {"proposal": "ab" * 32}, APPROVAL),
    Case("approval send-back 7 -", "POST", "/api/v1/approvals/7/send-back", {"reason": "范围过宽"}, APPROVAL, "范围过宽\n"),
    Case("webhook list", "GET", "/api/v1/webhooks?limit=200", answer=EMPTY),
    Case("webhook test 3", "POST", "/api/v1/webhooks/3/test", {}, {"webhook": 3}),
    Case(
        "webhook deliveries 3 --state parked --limit 9",
        "GET",
        "/api/v1/webhooks/3/deliveries?state=parked&limit=9",
        answer=EMPTY,
    ),
    Case("webhook replay 8", "POST", "/api/v1/webhooks/deliveries/8/replay", {}, {"id": 8}),
    Case("webhook remove 3", "DELETE", "/api/v1/webhooks/3", answer=b""),
    Case("document list --object x", "GET", "/api/v1/documents?object=x&limit=200", answer=EMPTY),
    Case("document missing", "GET", "/api/v1/documents/missing?limit=200", answer=EMPTY),
    Case(
        "document deliver abc --to D02",
        "POST",
        "/api/v1/documents/abc/deliver",
        {"recipient": "D02"},
        answer={"recipient": "D02"},
    ),
    Case("document show abc", "GET", "/api/v1/documents/abc", answer={"digest": "abc", "salt": "00", "text": "{}"}),
    Case(f"use record {LEAD} 3 -", "POST", "/api/v1/use-records", {"provider": LEAD, "number": 3, "form": {}}, APPROVAL, "{}"),
    Case("use list --grant x", "GET", "/api/v1/use-records?grant=x&limit=200", answer=EMPTY),
    Case("use show 3", "GET", "/api/v1/use-records/3", answer={"id": 3, "content": {"scene": "测试"}, "acts": [{"position": 1}]}),
    Case("use delete 3", "DELETE", "/api/v1/use-records/3", answer={"id": 3}),
    Case(f"use dispose {LEAD} C-1 -", "POST", "/api/v1/disposals", {"lead": LEAD, "case_no": "C-1", "form": {}}, APPROVAL, "{}"),
    Case("use disposals", "GET", "/api/v1/disposals?limit=200", answer=EMPTY),
    Case("use receipt 3", "GET", "/api/v1/disposals/3", answer={"id": 3, "content": None, "acts": []}),
    Case("finding list --article 39(4)", "GET", "/api/v1/findings?article=39%284%29&limit=200", answer=EMPTY),
    Case(
        "finding show ab", "GET", "/api/v1/findings/ab", answer={"id": "ab", "facts": {"deadline": 1}, "evidence": [{"block": 1}]}
    ),
    Case("acts list --object x", "GET", "/api/v1/acts?object=x&limit=200", answer=EMPTY),
    Case("acts bundle 7 -o - --fields role,post", "GET", "/api/v1/acts/7/bundle?fields=role%2Cpost", answer=b"{}"),
    Case("approval withdraw 7", "POST", "/api/v1/approvals/7/withdraw", {}, APPROVAL),
    Case("record list --dataset GJJ-01", "GET", "/api/v1/datasets/GJJ-01/records?limit=50", answer=EMPTY),
    Case(
        "record find --dataset GJJ-01 --field id_number",
        "POST",
        "/api/v1/datasets/GJJ-01/records/search?limit=200",
        {"field": "id_number", "value": "411599199001010014"},
        {"items": []},
        "411599199001010014\n",
    ),
    Case(
        f"record show {RID} --rev 2",
        "GET",
        f"/api/v1/records/{RID}?rev=2",
        answer={"fields": {"a": 1}, "receipt": {"sequence": 1}},
    ),
    Case(f"record receipt {RID}", "GET", f"/api/v1/records/{RID}/receipt", answer={"receipt": None, "state": "pending"}),
    Case(f"record revise {RID}", "POST", f"/api/v1/records/{RID}/revisions", {"a": "1"}, {"rev": 2}, '{"a": "1"}'),
    Case(f"record revoke {RID} --reason 2", "POST", f"/api/v1/records/{RID}/revoke", {"reason": 2}, {"status": "revoked"}),
    Case(f"record erase {RID} --reason 2 --yes", "POST", f"/api/v1/records/{RID}/erase", {"reason": 2}, {"status": "erased"}),
    Case(
        f"bundle get {RID} -o - --fields a,b --signed --rev 1",
        "GET",
        f"/api/v1/records/{RID}/bundle?fields=a%2Cb&signed=true&rev=1",
        answer=b'{"format": "x"}',
    ),
    Case("attachment list", "GET", "/api/v1/attachments?limit=50", answer=EMPTY),
    Case(f"attachment show {ATTACHMENT}", "GET", f"/api/v1/attachments/{ATTACHMENT}/state", answer={"state": "complete"}),
    Case(
        f"attachment fetch rid-1 --record {RID} --field scan --item 2",
        "POST",
        "/api/v1/queries/rid-1/attachments",
        {"item": 2, "record_id": RID, "field": "scan"},
        {"id": ATTACHMENT, "state": "complete"},
    ),
    Case(f"attachment delete {ATTACHMENT}", "DELETE", f"/api/v1/attachments/{ATTACHMENT}", answer=b""),
    Case("bundle answer 12 -o -", "GET", "/api/v1/answers/12/bundle", answer=b"{}"),
    Case("bundle read 12 -o -", "GET", "/api/v1/reads/12/bundle", answer=b"{}"),
    Case("grant list --direction given", "GET", "/api/v1/grants?direction=given&limit=200", answer=EMPTY),
    Case(f"grant show {USCC} 3", "GET", f"/api/v1/grants/{USCC}/3", answer=GRANT),
    Case("request new -", "POST", "/api/v1/requests", FORM, APPROVAL, json.dumps(FORM)),
    Case("request list --direction made", "GET", "/api/v1/requests?direction=made&limit=200", answer=EMPTY),
    Case(f"request show {LEAD} GX20260924000001", "GET", f"/api/v1/requests/{LEAD}/20260924000001", answer=REQUEST),
    Case(
        f"request step agree {LEAD} GX20260924000001",
        "POST",
        f"/api/v1/requests/{LEAD}/20260924000001/steps/agree",
        {"form": {}},
        APPROVAL,
    ),
    Case(
        f"request step agree {LEAD} GX20260924000001 --cover consent",
        "POST",
        f"/api/v1/requests/{LEAD}/20260924000001/steps/agree",
        {"form": {}, "cover": "consent"},
        APPROVAL,
    ),
    Case(
        f"request step propose-change {LEAD} GX20260924000001 --change -",
        "POST",
        f"/api/v1/requests/{LEAD}/20260924000001/steps/propose-change",
        {"form": {}, "change": {"query": ["marital_status"]}},
        APPROVAL,
        stdin='{"query": ["marital_status"]}',
    ),
    Case(
        f"request step suspend {LEAD} 20260924000001 -",
        "POST",
        f"/api/v1/requests/{LEAD}/20260924000001/steps/suspend",
        {"form": {"facts": "测试"}},
        APPROVAL,
        '{"facts": "测试"}',
    ),
    Case(
        f"request mark overdue {LEAD} GX20260924000001",
        "POST",
        f"/api/v1/requests/{LEAD}/20260924000001/marks/overdue",
        {},
        REQUEST,
    ),
    Case("correction new -", "POST", "/api/v1/corrections", DISPUTE, APPROVAL, json.dumps(DISPUTE)),
    Case("correction list --open", "GET", "/api/v1/corrections?direction=own&open_only=true&limit=200", answer=EMPTY),
    Case(f"correction show {LEAD} 20260924000001", "GET", f"/api/v1/corrections/{LEAD}/20260924000001", answer=CORRECTION),
    Case(
        f"correction step maintain {LEAD} 20260924000001 -",
        "POST",
        f"/api/v1/corrections/{LEAD}/20260924000001/steps/maintain",
        {"form": {"reason": "测试"}, "record_id": None},
        APPROVAL,
        '{"reason": "测试"}',
    ),
    Case(
        f"correction overdue {LEAD} 20260924000001",
        "POST",
        f"/api/v1/corrections/{LEAD}/20260924000001/marks/overdue",
        {},
        CORRECTION,
    ),
    Case("correction told", "GET", "/api/v1/corrections/told?limit=50", answer=EMPTY),
    Case("correction see 3", "POST", "/api/v1/corrections/told/3/see", {}, {"id": 3}),
    Case("case list", "GET", "/api/v1/cases?limit=200", answer=EMPTY),
    Case(f"case show {LEAD} C-1", "GET", f"/api/v1/cases/{LEAD}/C-1", answer={"case_no": "C-1"}),
    Case("case close C-1 --outcome 11", "POST", "/api/v1/cases/C-1/close", {"outcome": 11}, {"case_no": "C-1"}),
    Case("case add-subject C-1", "POST", "/api/v1/cases/C-1/subjects", SUBJECT, {"case_no": "C-1"}, json.dumps(SUBJECT)),
    Case(
        f"case open C-1 --scenario 0xab --participant {USCC} --subjects -",
        "POST",
        "/api/v1/cases",
        {"case_no": "C-1", "scenario": "0xab", "participants": [USCC], "subjects": [SUBJECT]},
        {"case_no": "C-1"},
        json.dumps([SUBJECT]),
    ),
    Case("query list --limit 5", "GET", "/api/v1/queries?limit=5", answer=EMPTY),
    Case("query show r1", "GET", "/api/v1/queries/r1", answer={"rid": "r1", "state": "received", "items": []}),
    Case("query run -", "POST", "/api/v1/queries", QUERY, {"rid": "r", "state": "received", "items": []}, json.dumps(QUERY)),
    Case(
        f"query run --provider {USCC} --grant 7 --case {LEAD}/C-1 --purpose P1 --mode query --field a --field b",
        "POST",
        "/api/v1/queries",
        QUERY,
        {"rid": "r", "state": "received", "items": []},
        json.dumps(QUERY["items"]),
    ),
    Case(f"reads list --with {USCC}", "GET", f"/api/v1/reads?counterparty={USCC}&limit=200", answer=EMPTY),
    Case(
        f"reads reconcile --with {USCC}",
        "POST",
        "/api/v1/reads/reconcile",
        {"counterparty": USCC},
        {"agreed": 2, "differing": []},
    ),
    Case(f"record erasure {RID}", "GET", f"/api/v1/records/{RID}/erasure", answer={"state": "erased", "recipients": [TOLD]}),
    Case("notice list --open", "GET", "/api/v1/notices?state=open&limit=200", answer={"items": [TOLD], "next_cursor": None}),
    Case("notice received", "GET", "/api/v1/notices/received?limit=200", answer=EMPTY),
    Case("authorisation list", "GET", "/api/v1/authorisations?limit=200", answer=EMPTY),
    Case(
        "authorisation record -",
        "POST",
        "/api/v1/authorisations",
        {"form": {"signed_by": "手写签名"}},
        {"id": "ab" * 32, "secret": "cd" * 32},
        '{"signed_by": "手写签名"}',
    ),
    Case(
        f"authorisation show {LEAD} {'ab' * 32}",
        "GET",
        f"/api/v1/authorisations/{LEAD}/{'ab' * 32}",
        answer={"state": "in-force"},
    ),
    Case(
        f"authorisation withdraw {LEAD} {'ab' * 32}",
        "POST",
        f"/api/v1/authorisations/{LEAD}/{'ab' * 32}/withdraw",
        {},
        {"state": "withdrawn"},
    ),
    Case(
        "authorisation hand-in -",
        "POST",
        "/api/v1/authorisations/withdrawals",
        {"recorder": LEAD, "id": "ab" * 32, "secret": "cd" * 32},
        {"state": "withdrawn"},
        json.dumps({"recorder": LEAD, "id": "ab" * 32, "secret": "cd" * 32}),
    ),
    Case("self-access login", "POST", "/api/v1/self-access/logins", answer={"login": "L", "url": "https://id", "method": "oidc"}),
    Case(
        "self-access read -",
        "POST",
        "/api/v1/self-access",
        {"login": "L", "code": "C"},
        {"login": {"issuer": "https://id", "method": "oidc", "at": 1}, "departments": [], "missing": [], "complete": True},
        '{"login": "L", "code": "C"}',
    ),
    Case("retention list", "GET", "/api/v1/retention-duties?limit=200", answer=EMPTY),
    Case(
        f"retention record {LEAD} C-1 --basis 某法第十条 --until 2029-12-31",
        "POST",
        "/api/v1/retention-duties",
        {"lead": LEAD, "case_no": "C-1", "basis": "某法第十条", "until": 1893427200},
        {"id": 1},
    ),
    Case("retention end 3", "POST", "/api/v1/retention-duties/3/end", {}, {"id": 3, "state": "ended"}),
    Case("parked list", "GET", "/api/v1/parked?limit=200", answer=EMPTY),
    Case("parked replay 2", "POST", "/api/v1/parked/2/replay", {}, {"replayed": 2}),
    Case("department list", "GET", "/api/v1/departments?limit=200", answer=EMPTY),
    Case(f"department show {USCC}", "GET", "/api/v1/departments?limit=200", answer={"items": [{"uscc": USCC, "name": "测试"}]}),
    Case("department rotate-keys --kind hpke", "POST", "/api/v1/keys/rotate", {"kind": "hpke"}, {"kind": "hpke"}),
    Case(f"department recovery {USCC}", "GET", f"/api/v1/departments/{USCC}/recovery", answer={"department": USCC}),
    Case(
        f"dataset decide {USCC}/000001@2 return --reason 补充使用条件",
        "POST",
        "/api/v1/authority/datasets/return",
        {"code": f"{USCC}/000001", "version": 2, "reason": "补充使用条件"},
        APPROVAL,
    ),
    Case("dataset update GJJ-01 --reason 条例修订", "POST", "/api/v1/datasets/GJJ-01/updates", {"reason": "条例修订"}, APPROVAL),
    Case("dataset mark GJJ-01 update-overdue", "POST", "/api/v1/datasets/GJJ-01/marks/update-overdue", {}, {"tx_hash": "0x1"}),
    Case("department signers", "GET", "/api/v1/signers?limit=200", answer=EMPTY),
    Case(f"department retire-signer {ADDRESS}", "POST", f"/api/v1/signers/{ADDRESS}/retire", {}, {"tx_hash": "0x1"}),
    Case("department object", "POST", "/api/v1/recovery/object", {}, {"tx_hash": "0x1", "block_number": 3}),
    Case("chain status", "GET", "/readyz", answer={"ready": True, "checks": [], "view": {"block_number": 3}}),
]
HAS_ITS_OWN_TEST = {
    "xinlian department add-signer",
    "xinlian webhook add",
    "xinlian webhook secret",
    "xinlian inbox",
    "xinlian publish",
    "xinlian user add",
    "xinlian attachment put",
    "xinlian attachment get",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.arguments[:60])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_command_makes_the_request_of_the_contract(stub: StubNode, case: Case, *, as_json: bool) -> None:
    stub.answer(case.method, case.target.partition("?")[0], case.answer)
    result = run(stub, *case.arguments.split(), *(["--json"] if as_json else []), stdin=case.stdin)
    assert result.exit_code == 0, result.stderr
    assert [(one.method, one.target) for one in stub.asked] == [(case.method, case.target)]
    assert stub.last.headers["authorization"] == "Bearer xl_secret"
    if case.body is not None:
        assert stub.last.json == case.body
    if as_json and " -o -" not in case.arguments:
        json.loads(result.stdout)


@pytest.mark.parametrize("case", [case for case in CASES if case.method == "POST"], ids=lambda case: case.arguments[:60])
def test_a_creating_command_takes_a_key_or_makes_one(stub: StubNode, case: Case) -> None:
    path = case.target.partition("?")[0]
    stub.answer(case.method, path, case.answer)
    if not takes_key("POST", path.replace("GJJ-01", "{dataset}").replace("/rid-1/", "/{rid}/")):
        run(stub, *case.arguments.split(), stdin=case.stdin)
        assert "idempotency-key" not in stub.last.headers, "it creates nothing"
        return
    for option in ("--idempotency-key", "--key"):
        assert run(stub, *case.arguments.split(), option, "k 1", stdin=case.stdin).exit_code == 0
        assert stub.last.headers["idempotency-key"] == "k 1"
    run(stub, *case.arguments.split(), stdin=case.stdin)
    assert re.fullmatch(r"[0-9a-f-]{36}", stub.last.headers["idempotency-key"])


def test_every_online_command_has_a_case() -> None:
    online = {name for name, found in commands() if any(p.name == "url_" for p in found.params)}
    tested = {f"xinlian {' '.join(case.arguments.split()[:2])}" for case in CASES} | HAS_ITS_OWN_TEST
    assert online == tested


def test_what_was_written_to_a_file_is_the_answer_byte_for_byte(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("GET", f"/api/v1/records/{RID}/bundle", b'{"format":  "xinlian-evidence/1"}')
    result = run(stub, "bundle", "get", RID, "-o", str(tmp_path / "b.json"), "--json")
    assert json.loads(result.stdout) == {"file": str(tmp_path / "b.json"), "bytes": 33}
    assert (tmp_path / "b.json").read_bytes() == b'{"format":  "xinlian-evidence/1"}'


def test_no_fields_and_all_fields_of_a_bundle_differ(stub: StubNode) -> None:
    stub.answer("GET", f"/api/v1/records/{RID}/bundle", b"{}")
    run(stub, "bundle", "get", RID, "-o", "-", "--fields", "")
    run(stub, "bundle", "get", RID, "-o", "-")
    assert [one.target for one in stub.asked] == [f"/api/v1/records/{RID}/bundle?fields=", f"/api/v1/records/{RID}/bundle"]


def test_a_signer_comes_from_the_request_of_its_key(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("POST", "/api/v1/signers", {"tx_hash": "0x1", "block_number": 3}, 201)
    file = tmp_path / "request.json"
    file.write_bytes(b"{}\n")
    assert run(stub, "department", "add-signer", str(file), "--role", "anchor").exit_code == 0
    assert (stub.last.target, stub.last.body) == ("/api/v1/signers?role=anchor", b"{}\n")
    wrong = run(stub, "department", "add-signer", str(file), "--role", "owner", "--json")
    assert (wrong.exit_code, json.loads(wrong.stderr)["code"]) == (2, "argument-form")


def test_a_user_is_added_with_an_expiry_from_now(stub: StubNode) -> None:
    stub.answer("POST", "/api/v1/users", {"id": 2})
    roles = ("--role", "publisher", "--role", "auditor")
    assert run(stub, "user", "add", "P1", "--name", "测试", "--post", "经办", *roles, "--days", "10").exit_code == 0
    body = stub.last.json
    assert abs(body.pop("expires") - time.time() - 864_000) < 60
    assert body == {"person_id": "P1", "name": "测试", "post": "经办", "roles": ["publisher", "auditor"]}


def test_a_token_goes_to_stdout_once_or_to_a_new_private_file(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("POST", "/api/v1/users/4/tokens", {"token": "xl_new"})
    assert run(stub, "user", "token", "4").stdout == "xl_new\n"
    out = tmp_path / "token"
    made = run(stub, "user", "token", "4", "--out", str(out))
    assert "xl_new" not in made.output
    assert out.read_text() == "xl_new\n"
    assert out.stat().st_mode & 0o777 == 0o600
    again = run(stub, "user", "token", "4", "--out", str(out), "--json")
    assert again.exit_code == 2
    assert json.loads(again.stderr)["code"] == "file-exists"


# -- publish -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "media"),
    [
        ("rows.csv", (), "text/csv"),
        ("rows.csv", ("--encoding", "gb18030"), "text/csv; charset=gb18030"),
        ("ROWS.CSV", (), "text/csv"),
        ("rows.xlsx", (), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("rows.jsonl", (), "application/x-ndjson"),
        ("rows.json", (), "application/json"),
        ("rows.dat", ("--format", "csv"), "text/csv"),
    ],
)
def test_a_file_is_published_as_an_import(
    stub: StubNode, tmp_path: Path, name: str, options: tuple[str, ...], media: str
) -> None:
    stub.answer("POST", "/api/v1/datasets/GJJ-01/imports", {"accepted": 2}, 201)
    file = tmp_path / name
    file.write_bytes(b"a\xff\x00b")
    result = run(stub, "publish", str(file), "--dataset", "GJJ-01", *options, "--key", "k 1", "--wait", "30")
    assert result.exit_code == 0, result.stderr
    assert stub.last.body == b"a\xff\x00b"
    headers = stub.last.headers
    assert headers["content-type"] == media
    assert (headers["idempotency-key"], headers["prefer"], headers["x-file-name"]) == ("k 1", "wait=30", name)


def test_a_chinese_file_name_fits_in_a_header(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("POST", "/api/v1/datasets/GJJ-01/imports", {"accepted": 1}, 201)
    file = tmp_path / "缴存.csv"
    file.write_bytes(b"x")
    assert run(stub, "publish", str(file), "--dataset", "GJJ-01").exit_code == 0
    assert stub.last.headers["x-file-name"] == "%E7%BC%B4%E5%AD%98.csv"


@pytest.mark.parametrize(
    ("stdin", "options", "route", "media"),
    [
        ('{"a": 1}', (), "records", "application/json"),
        (' [{"a": 1}]', (), "records/bulk", "application/json"),
        ('{"a": 1}\n{"a": 2}\n', ("--format", "ndjson"), "records/bulk", "application/x-ndjson"),
    ],
)
def test_standard_input_is_one_row_an_array_or_lines(
    stub: StubNode, stdin: str, options: tuple[str, ...], route: str, media: str
) -> None:
    stub.answer("POST", f"/api/v1/datasets/GJJ-01/{route}", {"accepted": 1, "record_ids": ["a", "b", "c", "d"]}, 201)
    result = run(stub, "publish", "-", "--dataset", "GJJ-01", *options, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    assert stub.last.body == stdin.encode()
    assert stub.last.headers["content-type"] == media
    assert "4 ids" in result.stdout


def test_a_replayed_answer_says_so(stub: StubNode) -> None:
    stub.answer("POST", "/api/v1/datasets/GJJ-01/records", {"accepted": 1}, 201, Idempotency_Replayed="true")
    result = run(stub, "publish", "-", "--dataset", "GJJ-01", "--key", "k", "--json", stdin="{}")
    assert json.loads(result.stdout)["replayed"] is True


def test_faults_come_as_a_table_and_exit_2(stub: StubNode, tmp_path: Path) -> None:
    fault = {"row": 3, "field": "balance_yuan", "title": "余额", "what": "places", "expected": "1.50", "code": "field-scale"}
    problem = {"code": "rows-rejected", "detail": "1 fault", "status": 422, "faults": [fault], "fault_count": 1}
    stub.answer("POST", "/api/v1/datasets/GJJ-01/imports", problem, 422)
    file = tmp_path / "rows.csv"
    file.write_text("x")
    result = run(stub, "publish", str(file), "--dataset", "GJJ-01")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[0] == "rows-rejected: 1 fault"
    assert result.stderr.splitlines()[2].split() == ["3", "balance_yuan", "余额", "places", "1.50"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("publish rows.dat --dataset X", "file-format"),
        ("publish no-such.csv --dataset X", "file-unreadable"),
        ("publish - --dataset X --format csv", "file-format"),
        ("publish - --dataset X --key 键", "argument-form"),
        ("request new no-such.json", "file-unreadable"),
        (f"request show {LEAD} GX2026x", "argument-form"),
        (f"request mark early {LEAD} GX20260924000001", "argument-form"),
        ("request list --direction both", "argument-form"),
        ("grant list --direction both", "argument-form"),
        ("query run --provider P", "argument-missing"),
        (f"query run --provider {USCC} --grant 1 --purpose P --mode query --case C-1", "argument-form"),
        ("record find --dataset X --field f", "argument-missing"),
        ("dataset template", "argument-missing"),
        ("dataset template -o x.xlsx", "argument-missing"),
        ("department rotate-keys --kind rsa", "argument-form"),
        ("dataset decide GJJ-01 publish", "argument-form"),
        (f"dataset decide {USCC}/000001@1 burn", "argument-form"),
        ("dataset mark GJJ-01 late", "argument-form"),
        (f"retention record {LEAD} C-1 --basis x --until tomorrow", "argument-form"),
        ("case open C-1 --scenario 0x --subjects -", "json-broken"),
    ],
)
def test_wrong_arguments_end_with_2_before_anything_is_asked(stub: StubNode, arguments: str, code: str) -> None:
    result = run(stub, *arguments.split(), "--json")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["code"] == code
    assert stub.asked == []


def test_recipients_and_what_a_duty_keeps_are_shown(stub: StubNode) -> None:
    stub.answer("GET", f"/api/v1/records/{RID}/erasure", {"state": "erased", "recipients": [TOLD], "outstanding": []})
    shown = run(stub, "record", "erasure", RID).stdout
    for text in ("erased", LEAD, "acknowledged", "kept-by-duty", "某法第十条 (1893427200)"):
        assert text in shown


def test_a_query_says_which_items_ended_and_why(stub: StubNode) -> None:
    ended = [{"item": 0, "code": "value-erased"}, {"item": 2, "code": "value-restricted"}]
    stub.answer("GET", "/api/v1/queries/r1", {"rid": "r1", "state": "received", "items": [], "ended": ended})
    lines = run(stub, "query", "show", "r1").stdout.splitlines()
    assert [line.split()[0] for line in lines if "value-" in line] == ["1", "3"]


def test_erasing_asks_first_and_no_means_no(stub: StubNode) -> None:
    result = run(stub, "record", "erase", RID, "--reason", "1", stdin="n\n")
    assert result.exit_code == 1
    assert stub.asked == []


# -- what an answer means ------------------------------------------------------------------------------

SHOWN = {
    "record_id": RID,
    "rev": 1,
    "values": {"balance_yuan": "1200.00", "state": None},
    "receipt": {"stream": "records", "sequence": 4, "index": 7, "block_number": 90},
    "verdict": "AUTHENTIC AND CURRENT as of block 99",
    "exit_code": 0,
}


def test_a_query_prints_the_sheet(stub: StubNode) -> None:
    items: list[dict[str, Any]] = [
        {"outcome": "records", "check": None, "records": [SHOWN], "answer": None},
        {"outcome": "answer", "records": [], "answer": {"result": 2, "receipt": None, "verdict": "PENDING: not anchored"}},
        {"outcome": "none", "records": [], "answer": None},
    ]
    answer = {"rid": "r1", "state": "received", "view": {"block_number": 99, "block_time": 5}, "items": items}
    stub.answer("POST", "/api/v1/queries", answer)
    result = run(stub, "query", "run", "-", stdin=json.dumps(QUERY))
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["view", "block", "99,", "1970-01-01", "08:00:05"] in lines
    assert lines[4] == ["item", "field", "value", "source", "mode", "receipt", "verdict"]
    assert lines[5][:7] == ["1", "balance_yuan", "1200.00", USCC, "query", "records", "4/7"]
    assert lines[6][:3] == ["1", "state", "-"]
    assert "待上链" in lines[7]
    assert lines[8] == ["3", "-", "none", USCC, "query", "-", "none"]


def test_the_sheet_marks_what_is_disputed_and_what_was_corrected_since(stub: StubNode) -> None:
    record = {**SHOWN, "in_correction": [{"field": "state", "since": 5}], "corrected": [{"fields": ["balance_yuan"], "rev": 2}]}
    stated = {"result": 2, "receipt": None, "verdict": "PENDING", "in_correction": [{"field": "other", "since": 5}]}
    items = [{"outcome": "records", "records": [record], "answer": None}, {"outcome": "answer", "records": [], "answer": stated}]
    stub.answer("GET", "/api/v1/queries/r1", {"rid": "r1", "state": "received", "items": items})
    lines = run(stub, "query", "show", "r1").stdout.split("\n\n")[1].splitlines()[-3:]
    assert [("校核中" in line, "已更正" in line) for line in lines] == [(False, True), (True, False), (True, False)]


@pytest.mark.parametrize(
    ("state", "outcomes", "expected"),
    [
        ("received", ["records", "none", "mismatch"], 0),
        ("received", ["records", "refused"], 11),
        ("refused", [], 11),
        ("no-answer", [], 14),
        ("not-proven", ["not-proven"], 1),
        ("received", ["not-proven", "records"], 1),
    ],
)
def test_the_exit_code_of_a_query_says_how_it_ended(stub: StubNode, state: str, outcomes: list[str], expected: int) -> None:
    items: list[dict[str, Any]] = [{"outcome": outcome, "check": None, "records": [], "answer": None} for outcome in outcomes]
    stub.answer("POST", "/api/v1/queries", {"rid": "r", "state": state, "detail": "x", "view": None, "items": items})
    assert run(stub, "query", "run", "-", "--json", stdin=json.dumps(QUERY)).exit_code == expected


def test_the_bundles_of_a_query_are_saved_one_by_one(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("GET", "/api/v1/queries/r1", {"rid": "r1", "state": "received", "items": []})
    stub.answer("GET", "/api/v1/queries/r1/bundles", {"items": [{"format": "a"}, {"format": "b"}]})
    folder = tmp_path / "new" / "bundles"
    assert run(stub, "query", "show", "r1", "--bundles", str(folder)).exit_code == 0
    assert {path.name: json.loads(path.read_bytes()) for path in folder.iterdir()} == {
        "001.json": {"format": "a"},
        "002.json": {"format": "b"},
    }


def test_a_webhook_is_registered_with_a_secret_that_is_no_argument(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("POST", "/api/v1/webhooks", {"id": 3, "host": "https://oa.example"}, 201)
    address, secret = tmp_path / "address", tmp_path / "secret"
    address.write_text("https://oa.example/hooks?token=x\n", "utf-8")
    result = run(stub, "webhook", "add", str(address), "--event", "batch.final", "--new-secret", str(secret))
    assert result.exit_code == 0, result.stderr
    made = secret.read_text("utf-8").strip()
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(parse_secret(made)) == 32
    assert json.loads(stub.last.body) == {"url": "https://oa.example/hooks?token=x", "secret": made, "events": ["batch.final"]}
    assert made not in result.stdout + result.stderr
    assert "token=x" not in result.stdout + result.stderr
    again = run(stub, "webhook", "add", str(address), "--event", "batch.final", "--secret-file", str(secret))
    assert again.exit_code == 0
    assert json.loads(stub.last.body)["secret"] == made
    for wrong in ((), ("--secret-file", str(secret), "--new-secret", str(tmp_path / "other"))):
        neither = run(stub, "webhook", "add", str(address), "--event", "batch.final", *wrong, "--json")
        assert (neither.exit_code, json.loads(neither.stderr)["code"]) == (2, "argument-missing")


def test_the_old_secret_goes_on_signing_while_the_receiver_changes_over(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("POST", "/api/v1/webhooks/3/secrets", {"id": 3})
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("whsec_old\n", "utf-8")
    result = run(stub, "webhook", "secret", "3", "--new-secret", str(new), "--also-sign-with", str(old))
    assert result.exit_code == 0, result.stderr
    assert json.loads(stub.last.body) == {"secrets": [new.read_text("utf-8").strip(), "whsec_old"]}


def test_the_inbox_shows_clock_and_light(stub: StubNode) -> None:
    clock = {"text": "3 of 10 working days used", "light": "yellow", "last_day": "2026-10-14"}
    item = {"kind": "approval-decide", "ref": "approval 7", "object": "x", "what": "answer", "capacity": "head", "since": 1}
    stub.answer("GET", "/api/v1/inbox", {"items": [{**item, "clock": clock, "urging": "催办"}], "next": None})
    result = run(stub, "inbox", "--limit", "20")
    assert stub.last.target == "/api/v1/inbox?limit=20"
    words = result.stdout.splitlines()[1].split()
    assert words == [*"yellow 3 of 10 working days used 2026-10-14 head approval-decide answer x approval 7 催办".split()]
    assert json.loads(run(stub, "inbox", "--json").stdout)["items"][0]["clock"] == clock


def test_what_was_proposed_is_saved_to_a_file(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("GET", "/api/v1/approvals/7", APPROVAL)
    file = tmp_path / "payload.json"
    result = run(stub, "approval", "show", "7", "--payload", str(file))
    assert json.loads(file.read_text("utf-8")) == APPROVAL["payload"]
    assert ["1", "proposed", "P0001", "-", "-", "-", "-"] in [line.split() for line in result.stdout.splitlines()]


@pytest.mark.parametrize(("state", "expected"), [("done", 0), ("executing", 0), ("failed", 1)])
def test_a_consent_that_could_not_be_carried_out_ends_with_1(stub: StubNode, state: str, expected: int) -> None:
    stub.answer("POST", "/api/v1/approvals/7/consent", {**APPROVAL, "state": state, "code": "tx-reverted"})
    result = run(stub, "approval", "consent", "7")
    assert result.exit_code == expected
    assert state in result.stdout


@pytest.mark.parametrize("finding", ["missing_here", "missing_there", "differing", "repeated"])
def test_logs_that_differ_end_with_1(stub: StubNode, finding: str) -> None:
    stub.answer("POST", "/api/v1/reads/reconcile", {"agreed": 2, finding: [["r1", 0]]})
    result = run(stub, "reads", "reconcile", "--with", USCC)
    assert result.exit_code == 1
    assert "r1" in result.stdout


def test_a_node_that_is_not_ready_shows_why_and_ends_with_1(stub: StubNode) -> None:
    checks = [{"name": "chain", "ok": False, "detail": "rpc-down"}]
    stub.answer("GET", "/readyz", {"ready": False, "checks": checks, "view": {"age_s": 90}, "wall_offset_s": 0.1}, 503)
    result = run(stub, "chain", "status")
    assert result.exit_code == 1
    assert "rpc-down" in result.stdout


def test_a_department_that_is_not_there_is_12(stub: StubNode) -> None:
    stub.answer("GET", "/api/v1/departments", EMPTY)
    assert run(stub, "department", "show", USCC).exit_code == 12


def test_text_of_others_cannot_steer_the_terminal(stub: StubNode) -> None:
    stub.answer("GET", "/api/v1/departments", {"items": [{"uscc": USCC, "name": "\x1b[2J伪造"}]})
    assert "\x1b" not in run(stub, "department", "list").stdout


def test_the_token_is_in_no_output(stub: StubNode) -> None:
    for status, code in ((401, "token-unknown"), (500, "internal")):
        stub.answer("GET", "/api/v1/me", {"code": code, "detail": "no"}, status)
        assert "xl_secret" not in run(stub, "user", "me").output
