"""The forms of the law: member names of the dossier, every mandatory member with its own code, every fault found at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinlian.protocol.dataset import load_schema
from xinlian.protocol.documents import make_document, read_document
from xinlian.protocol.errors import CATALOGUE, InputError
from xinlian.protocol.forms import FORMS, kind_of, read_form, to_json
from xinlian.protocol.forms.common import Ground
from xinlian.protocol.forms.fit import faults_against, is_personal
from xinlian.protocol.forms.request import SharingRequest
from xinlian.scenarios.catalogue import load_schemas

USCC, OTHER = "12411599MBDEM00233", "12411599MBDEM0058M"
NO = "GX20260924000001"
PERSON = {"person_id": "P0003", "name": "测试乙", "post": "数据共享岗"}
APPROVED = {"handler": PERSON, "office_head": {**PERSON, "person_id": "P0004", "name": "测试丁"}, "at": 1_790_000_000}

ITEM = {"name_en": "home_count", "modes": ["answer"], "necessity_reason": "认定首套/二套, 确定首付比例和利率"}
REQUEST: dict[str, Any] = {
    "request_no": NO,
    "requester": {"uscc": USCC, "handler": "测试甲", "phone": "0376-0000000"},
    "catalog_code": f"{OTHER}/000001",
    "catalog_version": 1,
    "requested_items": [ITEM],
    "legal_basis": [{"title": "住房公积金管理条例", "article": "第二十六条"}],
    "scenario": {"name": "新建住房申请公积金贷款", "item_code": "4115990000001"},
    "scope": {"users": "贷款受理岗、审批岗", "region": "411599"},
    "method": "服务接口",
    "frequency": {"per_day": 200},
    "valid_from": "2026-11-01",
    "valid_to": "2027-10-31",
    "storage": {"kind": "不落地"},
    "purposes": ["HPF_LOAN_REVIEW"],
    "uses_per_case": 20,
    "standing": False,
    "pi_basis": {"kind": "法定职责", "plus": "本人授权"},
}
REFUSED = {"name_en": "scope_region", "reason": "超出认定套数所必需", "grounds": ["共享范围"]}
ANSWER: dict[str, Any] = {
    "request_no": NO,
    "answer": "部分同意",
    "agreed_items": ["home_count"],
    "refused_items": [REFUSED],
    "conditions": ["仅返回套数", "逐笔办件编号校验"],
    "delivery_due": "2026-11-03",
    "working_days_used": 3,
}
GOOD: dict[str, dict[str, Any]] = {
    "sharing-request": REQUEST,
    "supplement-notice": {
        "request_no": NO,
        "gaps": [{"member": "scope", "problem": "未写明使用岗位", "how_to_supply": "补写岗位名称"}],
    },
    "extension-application": {"request_no": NO, "working_days": 10, "reason": "需会商数源部门"},
    "extension-consent": {"request_no": NO, "working_days": 5, "reason": "同意", "application": "ab" * 32},
    "extension-notice": {"request_no": NO, "working_days": 5, "reason": "会商", "due": "2026-10-22", "consent": "ab" * 32},
    "answer": ANSWER,
    "scope-review": {"request_no": NO, "agreed_items": ["home_count"], "reason": "其余超出必要"},
    "dispute": {"request_no": NO, "claim": "请求协调", "facts": "条目列明的用途"},
    "dispute-decision": {
        "request_no": NO,
        "decision": "同意",
        "agreed_items": ["home_count"],
        "refused_items": [],
        "reason": "符合条件",
    },
    "delivery-note": {"request_no": NO, "grant_number": 7, "method": "服务接口", "conditions": []},
    "suspension-notice": {
        "request_no": NO,
        "facts": "超范围调用",
        "basis": "政务数据共享条例第二十七条",
        "rectify_within": 10,
        "remedy": "可向共享主管部门申请协调",
    },
    "rectification-report": {"request_no": NO, "measures": "已停用并培训", "done_on": "2026-11-20"},
    "resumption-notice": {"request_no": NO, "reason": "整改合格"},
    "termination-notice": {"request_no": NO, "facts": "逾期未整改", "basis": "第二十七条", "remedy": "可申请协调"},
    "change-negotiation": {
        "request_no": NO,
        "kind": "变更",
        "reason": "接口升级",
        "planned_on": "2026-12-01",
        "terms": "改为核验",
    },
    "change-outcome": {"request_no": NO, "accepted": True, "reason": "同意变更"},
    "closing": {"request_no": NO, "reason": "已完成", "disposal_due": "2026-12-31"},
    "disposal-record": {
        "request_no": NO,
        "method": "删除",
        "scope": "全部返回值",
        "done_on": "2026-12-01",
        "done_by": "测试甲",
        "witnessed_by": "测试乙",
        "kept": [{"what": "办件档案", "legal_basis": "档案法", "until": "2036-12-31"}],
    },
    "case-disposal": {
        "case": "12411599MBDEM00233/CASE-1",
        "method": "删除",
        "scope": "全部返回值",
        "done_on": "2026-12-01",
        "done_by": "测试甲",
        "witnessed_by": "测试乙",
        "kept": [],
    },
    "use-record": {
        "request_no": NO,
        "period_from": "2026-11-01",
        "period_to": "2026-11-30",
        "scene": "贷款受理",
        "process": "逐笔核验",
        "effect": "减少材料三份",
        "storage": "未存储",
        "disposal": "无需销毁",
        "uses": 31,
    },
    "correction-application": {
        "number": 1,
        "catalog_code": f"{OTHER}/000001",
        "catalog_version": 1,
        "record_id": "01a3185c-5000-7000-8000-000000000000",
        "revision": 1,
        "items": ["unit_code"],
        "doubt": "与不动产权证不一致",
        "evidence": [{"sha256": "cd" * 32, "bytes": 1024, "media_type": "application/pdf", "name": "权证.pdf"}],
        "affected_cases": ["GJJDK1-20261102-000001"],
    },
    "correction-feedback": {"number": 1, "result": "更正", "reason": "录入错误", "corrected_leaf": "ef" * 32},
    "authorisation": {
        "subject": {"kind": "person", "value": "411599199001010014"},
        "objects": [{"kind": "contract", "value": "HT-1"}],
        "receiver": USCC,
        "catalog_code": f"{OTHER}/000001",
        "items": [{"name_en": "home_count", "separate_consent": True}],
        "purposes": ["HPF_LOAN_REVIEW"],
        "valid_from": "2026-11-01",
        "valid_to": "2027-10-31",
        "informed": {
            "processor": "测试市住房公积金管理中心",
            "contact": "0376-0000000",
            "purpose": "公积金贷款审核",
            "method": "经节点查询",
            "retention": "办结后三十日",
            "rights": "查阅、复制、更正、删除、撤回同意",
            "withdrawal": "任一参与单位窗口, 凭撤回凭证",
        },
        "signed_by": "手写签名",
        "signed_on": "2026-11-01",
        "case": {"lead": USCC, "case_no": "GJJDK1-20261102-000001"},
        "scan": {"sha256": "cd" * 32, "bytes": 1024, "media_type": "application/pdf", "name": "授权书.pdf"},
    },
}


def refusal(kind: str, content: dict[str, Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        read_form(kind, content)
    assert type(caught.value) is InputError
    return caught.value


def without(content: dict[str, Any], path: str) -> dict[str, Any]:
    """The form without one member; ``a.0.b`` goes inside."""
    made = copy.deepcopy(content)
    *outer, last = path.split(".")
    place: Any = made
    for step in outer:
        place = place[int(step) if step.isdecimal() else step]
    del place[last]
    return made


def test_there_is_a_good_example_of_every_form() -> None:
    assert set(GOOD) == set(FORMS)


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_what_is_read_is_written_again(kind: str) -> None:
    form = read_form(kind, GOOD[kind])
    assert (kind_of(form), to_json(form)) == (kind, GOOD[kind])
    if kind == "authorisation":  # signed by the person, not by two officials
        return
    signed = {**GOOD[kind], ("office_head_consent" if kind == "sharing-request" else "approved_by"): APPROVED}
    assert to_json(read_form(kind, signed)) == signed
    document = make_document(kind, f"request {USCC}/20260924000001", signed, bytes(32))
    assert read_form(kind, read_document(bytes(32), document.text).content()) == read_form(kind, signed)


@pytest.mark.parametrize(
    ("kind", "member", "code"),
    [
        ("sharing-request", "legal_basis", "legal-basis-missing"),
        ("sharing-request", "legal_basis.0.title", "legal-basis-missing"),
        ("sharing-request", "legal_basis.0.article", "legal-basis-missing"),
        ("sharing-request", "scenario", "scenario-missing"),
        ("sharing-request", "scenario.item_code", "scenario-missing"),
        ("sharing-request", "scope", "scope-missing"),
        ("sharing-request", "scope.users", "scope-missing"),
        ("sharing-request", "method", "method-missing"),
        ("sharing-request", "valid_from", "term-missing"),
        ("sharing-request", "valid_to", "term-missing"),
        ("sharing-request", "requested_items", "requested-items-missing"),
        ("sharing-request", "requested_items.0.necessity_reason", "necessity-reason-missing"),
        ("sharing-request", "requester", "form-member-missing"),
        ("authorisation", "items", "requested-items-missing"),
        ("authorisation", "valid_to", "term-missing"),
        ("authorisation", "informed", "informed-missing"),
        ("authorisation", "informed.withdrawal", "form-member-missing"),
        ("authorisation", "items.0.separate_consent", "form-member-missing"),
        ("supplement-notice", "gaps", "gap-missing"),
        ("supplement-notice", "gaps.0.how_to_supply", "gap-missing"),
        ("extension-application", "reason", "reason-missing"),
        ("answer", "refused_items.0.reason", "refusal-reason-missing"),
        ("answer", "refused_items.0.grounds", "refusal-grounds-missing"),
        ("suspension-notice", "facts", "facts-missing"),
        ("suspension-notice", "basis", "basis-missing"),
        ("suspension-notice", "rectify_within", "rectification-missing"),
        ("suspension-notice", "remedy", "remedy-missing"),
        ("termination-notice", "remedy", "remedy-missing"),
        ("change-negotiation", "terms", "change-terms-missing"),
        ("correction-application", "doubt", "reason-missing"),
        ("correction-application", "evidence", "evidence-missing"),
        ("correction-feedback", "reason", "reason-missing"),
        ("correction-feedback", "corrected_leaf", "correction-result"),
        ("disposal-record", "method", "disposal-method-missing"),
        ("disposal-record", "kept.0.legal_basis", "basis-missing"),
        *(("use-record", member, "use-record-missing") for member in ("scene", "process", "effect", "storage", "disposal")),
    ],
)
def test_every_mandatory_member_has_a_code_of_its_own(kind: str, member: str, code: str) -> None:
    error = refusal(kind, without(GOOD[kind], member))
    assert error.code == code
    assert str(error.fields["field"]).replace("[", ".").replace("]", "") == member
    assert code in CATALOGUE


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("kind", "change", "code", "field"),
    [
        ("sharing-request", lambda f: f.update(legal_basis=[]), "legal-basis-missing", "legal_basis"),
        ("sharing-request", lambda f: f.update(requested_items=[]), "requested-items-missing", "requested_items"),
        ("sharing-request", lambda f: f["scope"].update(users="  "), "scope-missing", "scope.users"),
        ("sharing-request", lambda f: f.update(valid_to="2026-10-31"), "term-reversed", "valid_to"),
        ("sharing-request", lambda f: f.update(valid_to="2027-11-03"), "term-too-long", "valid_to"),
        ("sharing-request", lambda f: f.update(valid_to="2026-02-30"), "form-member", "valid_to"),
        ("sharing-request", lambda f: f.update(valid_to="20261101"), "form-member", "valid_to"),
        ("sharing-request", lambda f: f.update(method="面交"), "form-member", "method"),
        ("sharing-request", lambda f: f.update(request_no="GX2026"), "form-member", "request_no"),
        ("sharing-request", lambda f: f.update(catalog_version=True), "form-member", "catalog_version"),
        ("sharing-request", lambda f: f.update(standing=0), "form-member", "standing"),
        ("sharing-request", lambda f: f.update(more=1), "form-member-unknown", "more"),
        ("sharing-request", lambda f: f.update({"411599199001010014": 1}), "form-member-unknown", "?"),
        ("sharing-request", lambda f: f["scope"].update(users="a\x00b"), "form-member", "scope.users"),
        ("sharing-request", lambda f: f["scope"].update(users="a\nb"), "form-member", "scope.users"),
        ("sharing-request", lambda f: f.update(scope=[]), "form-member", "scope"),
        ("sharing-request", lambda f: f["requested_items"].append(ITEM), "item-repeated", "requested_items"),
        ("sharing-request", lambda f: f.update(storage={"kind": "落地"}), "storage-terms-missing", "storage"),
        ("answer", lambda f: f.update(answer="同意"), "answer-items", "refused_items"),
        ("answer", lambda f: f.update(answer="不同意"), "answer-items", "agreed_items"),
        ("answer", lambda f: f.update(answer="不同意", agreed_items=[]), "remedy-missing", "remedy"),
        ("answer", lambda f: f.update(agreed_items=["scope_region"]), "item-repeated", "agreed_items"),
        ("answer", lambda f: f["refused_items"][0].update(grounds=["其他"]), "form-member", "refused_items[0].grounds[0]"),
        ("answer", lambda f: f["refused_items"][0].update(grounds=[]), "refusal-grounds-missing", "refused_items[0].grounds"),
        ("extension-application", lambda f: f.update(working_days=11), "form-member", "working_days"),
        ("disposal-record", lambda f: f.update(witnessed_by="测试甲"), "disposal-witness", "witnessed_by"),
        ("case-disposal", lambda f: f.update(witnessed_by="测试甲"), "disposal-witness", "witnessed_by"),
        ("use-record", lambda f: f.update(period_to="2026-10-01"), "term-reversed", "period_to"),
        ("correction-feedback", lambda f: f.update(result="维持"), "correction-result", "corrected_leaf"),
        ("correction-feedback", lambda f: f.update(source_department=OTHER), "correction-result", "source_department"),
    ],
)  # fmt: skip
def test_other_faults_name_their_place(kind: str, change: Change, code: str, field: str) -> None:
    form = copy.deepcopy(GOOD[kind])
    change(form)
    error = refusal(kind, form)
    assert (error.code, error.fields["field"]) == (code, field)
    assert "411599199001010014" not in error.message + repr(error.fields)


def test_all_faults_are_told_at_once_and_no_value() -> None:
    form = without(without(REQUEST, "legal_basis"), "scope")
    form["requested_items"].append({"name_en": "411599199001010014", "modes": [], "necessity_reason": "x"})
    error = refusal("sharing-request", form)
    faults: Any = error.fields["faults"]
    assert {(fault["field"], fault["code"]) for fault in faults} == {
        ("requested_items[1].name_en", "form-member"),
        ("requested_items[1].modes", "form-member"),
        ("legal_basis", "legal-basis-missing"),
        ("scope", "scope-missing"),
    }
    assert "(and 3 more)" in error.message
    assert "411599199001010014" not in error.message + repr(error.fields)


def test_an_unknown_form_and_what_is_no_object() -> None:
    assert refusal("no-such", {}).code == "form-unknown"
    with pytest.raises(InputError) as caught:
        read_form("answer", [])  # type: ignore[arg-type]
    assert caught.value.code == "form-member"


def test_null_is_absence_and_nothing_else_is() -> None:
    form = read_form("sharing-request", {**REQUEST, "pi_basis": None, "security_measures": None})
    assert form.pi_basis is None
    assert "pi_basis" not in to_json(form)
    assert refusal("sharing-request", {**REQUEST, "scope": None}).code == "scope-missing"


def test_grounds_are_the_contracts_bits() -> None:
    assert [ground.bit for ground in Ground] == [1, 2, 4]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def read_or_faults(kind: str, form: dict[str, Any]) -> tuple[dict[str, object], Any]:
    try:
        return to_json(read_form(kind, form)), []
    except InputError as error:
        return {}, error.fields["faults"]


@given(st.sampled_from(sorted(FORMS)), st.data())
def test_whatever_is_put_into_a_member_is_read_or_refused_by_name(kind: str, data: st.DataObject) -> None:
    form = copy.deepcopy(GOOD[kind])
    name = data.draw(st.sampled_from(sorted(form)))
    form[name] = data.draw(JSON)
    read, faults = read_or_faults(kind, form)
    if faults:
        assert {fault["code"] for fault in faults} <= set(CATALOGUE)
    else:
        assert read == {n: v for n, v in form.items() if v is not None}


# -- against the catalogue entry -------------------------------------------------------------------------


def codes_of(alias: str, **changes: Any) -> list[tuple[str, str]]:
    schema = load_schemas("new-home-loan")[alias]
    form: SharingRequest = read_form("sharing-request", {**REQUEST, "catalog_code": schema.code, **changes})
    return [(fault.code, fault.field) for fault in faults_against(form, schema)]


def item(name: str, *modes: str) -> dict[str, Any]:
    return {"name_en": name, "modes": list(modes), "necessity_reason": "办理贷款"}


def test_a_request_that_fits_its_entry() -> None:
    assert codes_of("BDC-01") == []
    assert is_personal(load_schemas("new-home-loan")["BDC-01"])


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"catalog_version": 2}, "catalog-version-wrong", "catalog_version"),
        ({"catalog_code": f"{OTHER}/000009"}, "catalog-version-wrong", "catalog_version"),
        ({"method": "批量交换"}, "method-not-shared", "method"),
        ({"purposes": ["OTHER"]}, "purpose-not-catalogued", "purposes"),
        ({"pi_basis": None}, "pi-basis-missing", "pi_basis"),
        ({"requested_items": [item("no_such", "query")]}, "item-unknown", "requested_items[0].name_en"),
        ({"requested_items": [item("home_count", "query")]}, "item-mode", "requested_items[0].modes"),
        ({"requested_items": [item("owner_id_number", "query")]}, "field-not-grantable", "requested_items[0].name_en"),
    ],
)
def test_what_does_not_fit_the_entry_is_named(changes: dict[str, Any], code: str, field: str) -> None:
    assert (code, field) in codes_of("BDC-01", **changes)


def test_a_dataset_that_is_not_shared_is_not_asked_for() -> None:
    source = orjson.loads(load_schemas("new-home-loan")["BDC-01"].source)
    source["x-catalogue"] |= {"share_type": 3, "no_share_reason": "涉及工作秘密", "no_share_basis": "测试条例第一条"}
    schema = load_schema(orjson.dumps(source))
    form = read_form("sharing-request", {**REQUEST, "catalog_code": schema.code})
    assert [fault.code for fault in faults_against(form, schema)] == ["dataset-not-shared"]
