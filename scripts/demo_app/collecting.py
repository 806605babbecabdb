"""The case: what the fund centre's node asks four other nodes for, and the sheet that comes of it.

Every value is asked by a caseworker over the fund centre's own API; its evidence is stored as a bundle and verified by
``xinlian verify`` in a process of its own, which trusts neither node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scripts.demo_app.problems import DemoError
from scripts.demo_app.sheet import Line, show
from scripts.demo_app.stage import CASE_NO, PURPOSE, SCENARIO, SUBJECTS, NodeHandle, Stage, write_json
from scripts.demo_app.web import wait_for
from xinlian.scenarios.synthetic import CONTRACT_NO, JIA, PERMIT_NO, YI, Person

Subject = Mapping[str, str]
JIA_SUBJECT, YI_SUBJECT, CONTRACT, PERMIT, _UNIT = SUBJECTS
REQUIRED_YUAN: Final = "220000.00"
_ANCHORED_S: Final = 60.0
_VERIFIED: Final = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """One use of another department's data.

    Args:
        id: names its step and its bundles.
        title: for a person.
        provider: number of the department.
        dataset: alias.
        mode: verify, query or answer.
        items: (subjects, values) each.
        fields: asked fields; ``view`` for answers.
        parameters: of a view.
    """

    id: str
    title: str
    provider: str
    dataset: str
    mode: str
    items: tuple[tuple[tuple[Subject, ...], Mapping[str, Any]], ...]
    fields: tuple[str, ...] = ()
    view: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def identity_of(person: Person) -> dict[str, Any]:
    """What the police compares."""
    return {"name": person.name, "id_number": person.id_number, "person_status": "正常"}


IDENTITY: Final = Ask(
    "identity",
    "identity 人口身份核验: both persons compared by D06, nothing handed out",
    "D06",
    "GA-01",
    "verify",
    (((JIA_SUBJECT,), identity_of(JIA)), ((YI_SUBJECT,), identity_of(YI))),
    ("name", "id_number", "person_status"),
)
MARRIAGE: Final = Ask(
    "marriage",
    "marriage 婚姻登记信息: spouse of both, from D07",
    "D07",
    "MZ-01",
    "query",
    (((JIA_SUBJECT,), {}), ((YI_SUBJECT,), {})),
    ("marital_status", "spouse_name", "spouse_id_number", "as_of"),
)
CONTRACT_ASK: Final = Ask(
    "contract",
    "contract 网签备案: parties, unit, price, from D03",
    "D03",
    "ZJ-02",
    "query",
    (((CONTRACT,), {}),),
    (
        "contract_no",
        "filing_no",
        "filed_on",
        "filing_status",
        "presale_permit_no",
        "unit_code",
        "address",
        "buyers",
        "seller_uscc",
        "usage",
        "house_form",
        "gross_area_sqm",
        "unit_price_yuan",
        "total_price_yuan",
        "down_payment_yuan",
    ),
)
PERMIT_ASK: Final = Ask(
    "permit",
    "presale permit 预售许可, from D03",
    "D03",
    "ZJ-01",
    "query",
    (((PERMIT,), {}),),
    ("presale_permit_no", "developer_name", "developer_uscc", "project_name", "issued_on", "valid_from", "valid_to"),
)
PAYMENT: Final = Ask(
    "payment",
    "first payment 首付款入账: confirmed, compared by D03",
    "D03",
    "ZJ-03",
    "verify",
    (((CONTRACT,), {"contract_no": CONTRACT_NO, "confirmed": True}),),
    ("contract_no", "confirmed"),
)
PAYMENT_REACHED: Final = Ask(
    "payment-reached",
    "first payment 首付款: at least the amount due, as an answer statement of D03",
    "D03",
    "ZJ-03",
    "answer",
    (((CONTRACT,), {}),),
    view="down_payment_reached",
    parameters={"required_yuan": REQUIRED_YUAN},
)
HOME_COUNT: Final = Ask(
    "home-count",
    "home_count 家庭住房套数: of the family, as an answer statement of D05",
    "D05",
    "BDC-01",
    "answer",
    (((JIA_SUBJECT, YI_SUBJECT), {}),),
    view="home_count",
)
NO_RECORD: Final = Ask(
    "no-record",
    "no record 名下无住房: nothing registered, as an answer statement of D05",
    "D05",
    "BDC-01",
    "answer",
    (((JIA_SUBJECT, YI_SUBJECT), {}),),
    view="no_home",
)


def question(stage: Stage, ask: Ask, case_no: str = CASE_NO, grant: int | None = None) -> dict[str, Any]:
    """The body of the call that asks."""
    provider = stage.nodes[ask.provider].department.uscc
    lead = stage.fund.department.uscc
    body: dict[str, Any] = {
        "provider": provider,
        "grant": stage.grants[ask.dataset, lead, PURPOSE] if grant is None else grant,
        "case": {"lead": lead, "case_no": case_no},
        "purpose": PURPOSE,
        "mode": ask.mode,
        "fields": list(ask.fields),
        "parameters": dict(ask.parameters),
        "items": [{"subjects": [dict(s) for s in subjects], "values": dict(values)} for subjects, values in ask.items],
    }
    return body if ask.view is None else {**body, "view": ask.view}


def put(stage: Stage, ask: Ask, case_no: str = CASE_NO, grant: int | None = None) -> dict[str, Any]:
    """Ask, as the fund centre's caseworker.

    Raises:
        ApiError: when the fund centre's own node refuses the call.
    """
    asked: dict[str, Any] = stage.fund.person("caseworker").post("/api/v1/queries", question(stage, ask, case_no, grant))
    return asked


def open_case(stage: Stage, case_no: str = CASE_NO, subjects: Sequence[Subject] = SUBJECTS) -> dict[str, Any]:
    """Open a case of the fund centre with the providers as participants.

    Returns:
        What its own node and every participant's node now say of it.
    """
    others = [stage.nodes[number].department.uscc for number in ("D03", "D05", "D06", "D07")]
    body = {"case_no": case_no, "scenario": SCENARIO, "participants": others, "subjects": [dict(s) for s in subjects]}
    opened = stage.fund.person("caseworker").post("/api/v1/cases", body)
    lead = stage.fund.department.uscc
    for number in ("D03", "D05", "D06", "D07"):
        _wait_open(stage.nodes[number], lead, case_no)
    return {"subjects": opened["subject_count"], "participants": len(opened["participants"]), "open": opened["closed_at"] is None}


def _wait_open(node: NodeHandle, lead: str, case_no: str) -> None:
    """Wait until a participant's node has seen the case on chain."""
    api = node.person("auditor")

    def look() -> bool | None:
        return True if api.ask("GET", f"/api/v1/cases/{lead}/{case_no}").status == 200 else None

    wait_for(f"case {case_no} on {node.department.id}", look, 60.0, node.name)


def collect(stage: Stage) -> None:
    """All of scenario A that other departments hold, each with its evidence; then the sheet."""
    lines: list[Line] = []
    run = stage.summary.run
    run("identity", IDENTITY.title, ["match", "match"], lambda: _take(stage, IDENTITY, lines, _outcomes))
    married = [{"marital_status": "20", "spouse_name": YI.name}, {"marital_status": "20", "spouse_name": JIA.name}]
    run("marriage", MARRIAGE.title, married, lambda: _take(stage, MARRIAGE, lines, _marriage))
    price = {"filing_status": "有效", "total_price_yuan": "720000.00", "buyers": [JIA.name, YI.name]}
    run("contract", CONTRACT_ASK.title, price, lambda: _take(stage, CONTRACT_ASK, lines, _contract))
    run("permit", PERMIT_ASK.title, [PERMIT_NO], lambda: _take(stage, PERMIT_ASK, lines, _permit))
    run("payment", PAYMENT.title, ["match"], lambda: _take(stage, PAYMENT, lines, _outcomes))
    run("payment-reached", PAYMENT_REACHED.title, [True], lambda: _take(stage, PAYMENT_REACHED, lines, _results))
    run("home-count", HOME_COUNT.title, [0], lambda: _take(stage, HOME_COUNT, lines, _results))
    run("no-record", NO_RECORD.title, [True], lambda: _take(stage, NO_RECORD, lines, _results))
    _own(stage, lines)
    bundles = sorted(stage.places.bundles.glob("*.json"))
    expected = {path.name: _VERIFIED for path in bundles}
    title = f"all {len(bundles)} bundles of the sheet verified by `xinlian verify`, each in its own process"
    run("sheet-verified", title, expected, lambda: _verdicts(stage, bundles, lines))
    show(lines)


def _take(stage: Stage, ask: Ask, lines: list[Line], read: Callable[[Sequence[Any]], Any]) -> Any:
    """Ask, keep the evidence, add to the sheet; returns what ``read`` finds in the items."""
    asked = put(stage, ask)
    if asked["state"] != "received":
        raise DemoError(f"{ask.id}: {asked['state']} ({asked.get('detail')})", process=stage.nodes[ask.provider].name)
    bundles = keep_bundles(stage, asked["rid"], ask.id, stage.places.bundles)
    lines.extend(_lines(stage, ask, asked["items"], bundles))
    return read(asked["items"])


def keep_bundles(stage: Stage, rid: str, name: str, folder: Path) -> list[Path]:
    """Store the bundles of a question as files, each once its batch is anchored."""
    api = stage.fund.person("caseworker")

    def all_anchored() -> list[Any] | None:
        found = api.get(f"/api/v1/queries/{rid}/bundles")["items"]
        return found if found and all(bundle["receipt"] is not None for bundle in found) else None

    found = wait_for(f"receipts of {name}", all_anchored, _ANCHORED_S, stage.fund.name)
    return [write_json(folder / f"{name}-{number}.json", bundle) for number, bundle in enumerate(found, start=1)]


def _outcomes(items: Sequence[Any]) -> list[str]:
    return [item["outcome"] for item in items]


def _results(items: Sequence[Any]) -> list[Any]:
    return [item["answer"]["result"] for item in items]


def _values(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [record["values"] for item in items for record in item["records"]]


def _marriage(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in ("marital_status", "spouse_name")} for row in _values(items)]


def _contract(items: Sequence[Any]) -> dict[str, Any]:
    (row,) = _values(items)
    buyers = [value for name, value in row.items() if name.startswith("buyers.") and name.endswith(".name") and value]
    return {"filing_status": row["filing_status"], "total_price_yuan": row["total_price_yuan"], "buyers": buyers}


def _permit(items: Sequence[Any]) -> list[str]:
    return [row["presale_permit_no"] for row in _values(items)]


def _lines(stage: Stage, ask: Ask, items: Sequence[Any], bundles: Sequence[Path]) -> list[Line]:
    """The sheet's lines of a question: one per value, with the file of its evidence."""
    provider = stage.nodes[ask.provider].department
    source = f"{provider.id} {ask.dataset}"
    lines = []
    files = iter(bundles)
    for item in items:
        for record in item["records"]:
            file = next(files)
            shown = record["values"] if ask.mode == "query" else {"match": f"一致 ({', '.join(record['values'])})"}
            lines += [Line(name, value, source, ask.mode, file) for name, value in shown.items() if value is not None]
        if item["answer"] is not None:
            lines.append(Line(str(ask.view or item["outcome"]), item["answer"].get("result"), source, ask.mode, next(files)))
    return lines


def _own(stage: Stage, lines: list[Line]) -> None:
    """The fund centre's own data: deposit accounts, with receipts like everybody else's; no loan record is found."""
    expected = {"deposit_base_yuan": ["6000.00", "5000.00"], "continuous_months": [48, 48], "loan_records": 0}
    title = "own data 缴存账户: deposit base, balance, months of both; no loan record (公积金贷款记录) in the own register"
    stage.summary.run("own-data", title, expected, lambda: _take_own(stage, lines))


_OWN_FIELDS: Final = ("deposit_base_yuan", "balance_yuan", "continuous_months", "account_status")


def _take_own(stage: Stage, lines: list[Line]) -> dict[str, Any]:
    rows, loans = [], 0
    for number, person in enumerate((JIA, YI), start=1):
        (found,) = search(stage.fund, "GJJ-01", "id_number", person.id_number)
        record_id = found["record_id"]
        record = stage.fund.person("publisher").get(f"/api/v1/records/{record_id}")
        file = stage.places.bundles / f"own-account-{number}.json"
        save_bundle(stage.fund, record_id, file, _OWN_FIELDS)
        lines += [Line(name, record["fields"][name], "D02 GJJ-01", "own", file) for name in _OWN_FIELDS]
        rows.append(record["fields"])
        loans += len(search(stage.fund, "GJJ-02", "id_number", person.id_number))
    return {
        "deposit_base_yuan": [row["deposit_base_yuan"] for row in rows],
        "continuous_months": [row["continuous_months"] for row in rows],
        "loan_records": loans,
    }


def search(node: NodeHandle, dataset: str, name: str, value: str) -> list[dict[str, Any]]:
    """Living records of a node by a lookup field."""
    found = node.person("publisher").post(f"/api/v1/datasets/{dataset}/records/search", {"field": name, "value": value})
    items: list[dict[str, Any]] = found["items"]
    return items


def save_bundle(
    node: NodeHandle, record_id: str, file: Path, fields: Sequence[str] | None = None, rev: int | None = None
) -> Path:
    """Store the bundle of an own record."""
    options = [f"fields={','.join(fields)}"] if fields is not None else []
    options += [f"rev={rev}"] if rev is not None else []
    file.write_bytes(node.person("publisher").get_bytes(f"/api/v1/records/{record_id}/bundle?{'&'.join(options)}"))
    return file


def _verdicts(stage: Stage, bundles: Sequence[Path], lines: list[Line]) -> dict[str, int]:
    found = stage.verify_all(bundles)
    for line in lines:
        verdict = found[line.bundle.name]
        line.verdict = f"{verdict['verdict']} ({verdict['exit_code']})"
    return {name: verdict["exit_code"] for name, verdict in found.items()}
