"""Repeated collection (40(1)): a form asks for what a running grant supplies; the lawful twins are silent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.findings import AUTHORITY, NUMBER, PROVIDER, REQUESTER, Chain, at, moment
from xinlian.node.findings.collected import Form, collected_again, load
from xinlian.node.findings.histories import Histories
from xinlian.protocol.errors import ConfigError
from xinlian.protocol.findings import Finding
from xinlian.scenarios.catalogue import load_schemas

SCHEMA = load_schemas("new-home-loan")["MZ-01"]
CODE = f"{PROVIDER}/000001"
FORMS = (
    Form("411599GJJDK1", "贷款申请表", ((CODE, "marital_status"), (CODE, "registrar"))),
    Form("411599GJJTQ1", "提取申请表", ((CODE, "marital_status"),)),
    Form("411599GJJKH1", "开户申请表", ((f"{PROVIDER}/000002", "marital_status"),)),
)
MARRIED = SCHEMA.mask_of(["marital_status", "spouse_name"])


def given(until: str = "2026-12-20", query: int = MARRIED) -> Chain:
    """A grant for two fields of the marriage register."""
    masks = {"verifyMask": 0, "queryMask": query, "batchMask": 0, "answerMask": 0}
    args: dict[str, Any] = {
        "provider": PROVIDER,
        "number": 1,
        "receiver": REQUESTER,
        "request": NUMBER,
        "serial": 1,
        "version": 1,
    }
    terms = {**masks, "validFrom": at("2026-09-21"), "validTo": at(until)}
    return Chain().submitted("2026-09-21").event("2026-09-28", "GrantGiven", **args, terms=terms)


def found(histories: Histories, day: str = "2026-10-12", department: str = REQUESTER) -> list[Finding]:
    return list(collected_again(department, FORMS, histories, moment(day, SCHEMA)))


def test_what_a_grant_supplies_is_not_to_be_asked_for() -> None:
    (one,) = found(given().histories)
    assert (one.article, one.breach, one.department) == ("40(1)", "collected-again", REQUESTER)
    assert one.object_ref == f"grant {PROVIDER}/1"
    assert one.facts == {"item_codes": "411599GJJDK1 411599GJJTQ1", "fields": "marital_status", "field_count": 1}
    assert one.evidence[0].to_json()["event"] == "GrantGiven"


def test_what_no_running_grant_supplies_may_be_asked_for() -> None:
    assert found(given(query=SCHEMA.mask_of(["spouse_name"])).histories) == []
    assert found(given().histories, department=AUTHORITY) == []
    assert found(given("2026-10-09").histories) == [], "the term is over"
    for name in ("GrantClosed", "GrantTerminated", "GrantExpired", "GrantSuspended"):
        assert found(given().step("2026-10-01", name).histories) == [], name
    resumed = given().step("2026-10-01", "GrantSuspended").step("2026-10-02", "GrantResumed")
    assert len(found(resumed.histories)) == 1


def test_the_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "collected.json"
    form = {"item_code": "411599GJJDK1", "title": "贷款申请表", "fields": [{"dataset": CODE, "name": "marital_status"}]}
    file.write_text(json.dumps({"format": "xinlian-collected/1", "forms": [form]}), "utf-8")
    assert load(file) == (Form("411599GJJDK1", "贷款申请表", ((CODE, "marital_status"),)),)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"format": "xinlian-collected/2", "forms": []}',
        '{"format": "xinlian-collected/1"}',
        '{"format": "xinlian-collected/1", "forms": [{"item_code": "A", "title": "x", "fields": []}]}',
        '{"format": "xinlian-collected/1", "forms": [{"item_code": "A", "title": "x", "fields": [{"dataset": "MZ-01"}]}]}',
    ],
)
def test_another_file_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    file = tmp_path / "collected.json"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load(file)
    assert refused.value.code == "collected-form"
    with pytest.raises(ConfigError):
        load(tmp_path / "missing.json")
