"""Requests by the need-to-know matrix, agreed to and delivered: what no rule names is not asked for.

The request for 住房套数 (BDC-01) is the storyline's first and has its own days (``asking``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from scripts.demo_app.publishing import owner_of
from scripts.demo_app.stage import BY_USCC, PURPOSE, SCENARIO, NodeHandle, Stage, local_day
from scripts.demo_app.web import wait_for
from xinlian.protocol.dataset import Mode
from xinlian.scenarios.catalogue import NeedToKnowRule, load_need_to_know
from xinlian.scenarios.synthetic import SCENARIO as SCENARIO_NAME

USES_PER_CASE: Final = 50
ITEM_CODE: Final = "411599GJJDK1"
NECESSITY: Final = "认定借款人资格和贷款额度"


def grant_all(stage: Stage) -> None:
    """One request for each receiver, dataset and purpose of the matrix that has no grant yet and whose receiver is a department
    with a node here.
    """
    groups = {group: rules for group, rules in _groups().items() if group not in stage.grants}
    expected = {f"{alias} → {BY_USCC[receiver].id} ({purpose})": "active" for alias, receiver, purpose in sorted(groups)}
    title = "sharing requests 共享申请 by the need-to-know matrix 3.1.3, agreed to and delivered: the grants"
    stage.summary.run("grants", title, expected, lambda: _grant_all(stage, groups), needed=True)


def _groups() -> dict[tuple[str, str, str], tuple[NeedToKnowRule, ...]]:
    def key(rule: NeedToKnowRule) -> tuple[str, str, str]:
        return rule.dataset, rule.receiver, rule.purpose

    rules = [rule for rule in load_need_to_know(SCENARIO_NAME).rules if rule.receiver in BY_USCC and not rule.third_party]
    return {group: tuple(found) for group, found in groupby(sorted(rules, key=key), key)}


def _grant_all(stage: Stage, groups: dict[tuple[str, str, str], tuple[NeedToKnowRule, ...]]) -> dict[str, str]:
    for (alias, receiver, purpose), rules in groups.items():
        stage.grants[alias, receiver, purpose] = give(stage, alias, receiver, _terms(stage, purpose, rules))
    return {
        f"{alias} → {BY_USCC[receiver].id} ({purpose})": _seen_by_receiver(
            stage, alias, receiver, stage.grants[alias, receiver, purpose]
        )
        for alias, receiver, purpose in sorted(groups)
    }


def _terms(stage: Stage, purpose: str, rules: Sequence[NeedToKnowRule]) -> dict[str, Any]:
    fields = {mode: _names(rule.fields for rule in rules if rule.mode is mode) for mode in (Mode.VERIFY, Mode.QUERY)}
    return terms(stage, purpose, fields[Mode.VERIFY], fields[Mode.QUERY], _names(rule.views for rule in rules))


def _names(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def terms(
    stage: Stage, purpose: str = PURPOSE, verify: Sequence[str] = (), query: Sequence[str] = (), answer: Sequence[str] = ()
) -> dict[str, Any]:
    """What a request asks for in the demo's scenario, for a year from today."""
    named = {"verify": verify, "query": query, "answer": answer}
    names = dict.fromkeys(name for of_mode in named.values() for name in of_mode)
    items = [
        {"name_en": name, "modes": [mode for mode, of_mode in named.items() if name in of_mode], "necessity_reason": NECESSITY}
        for name in names
    ]
    today = local_day(stage.law_time())
    return {
        "requested_items": items,
        "legal_basis": [{"title": "住房公积金管理条例", "article": "第二十六条"}],
        "scenario": {"name": "新建住房申请公积金贷款", "item_code": ITEM_CODE, "id": SCENARIO.removeprefix("0x")},
        "purposes": [purpose],
        "scope": {"users": "贷款受理岗、审批岗", "region": "411599"},
        "method": "服务接口",
        "frequency": {"per_day": 200},
        "valid_from": today.isoformat(),
        "valid_to": (today + timedelta(days=364)).isoformat(),
        "uses_per_case": USES_PER_CASE,
        "storage": {"kind": "不落地"},
        "security_measures": {"text": "传输和存储加密，专人专岗", "level": 3},
        "pi_basis": {"kind": "法定职责", "plus": "本人授权"},
    }


def ask(stage: Stage, alias: str, receiver: str, form: dict[str, Any]) -> int:
    """File a request, by the receiver's handler with the consent of its head; returns its number once the provider knows it."""
    body = {"provider": owner_of(stage, alias).department.uscc, "dataset": alias, "form": form}
    filed = stage.nodes[BY_USCC[receiver].id].approved("/api/v1/requests", body)
    number = int(filed["number"])
    look = owner_of(stage, alias).person("auditor")
    path = request_path(receiver, number)
    wait_for(f"request {number} at its provider", lambda: True if look.ask("GET", path).status == 200 else None, 60.0, look.node)
    texts = f"/api/v1/documents?object=request%20{receiver}/{number:014d}"
    wait_for(f"form of request {number}", lambda: look.get(texts)["items"] or None, 60.0, look.node)
    return number


def step(node: NodeHandle, request: str, name: str, form: dict[str, Any] | None = None, by: str = "sharing") -> Any:
    """Take a step of a request (``request_path``), by two persons of a node's department; gives what it came to."""
    return node.approved(f"{request}/steps/{name}", {"form": form or {}}, by=by)


def request_path(receiver: str, number: int) -> str:
    """Address of a request on every node."""
    return f"/api/v1/requests/{receiver}/{number}"


def give(stage: Stage, alias: str, receiver: str, form: dict[str, Any]) -> int:
    """A request filed, agreed to and delivered; returns the grant's number once the receiver's node knows it."""
    return deliver(stage, alias, receiver, ask(stage, alias, receiver, form))


def deliver(stage: Stage, alias: str, receiver: str, number: int) -> int:
    """Agree to all that a request asks for and deliver it; returns the grant's number once the receiver's node knows it."""
    owner = owner_of(stage, alias)
    step(owner, request_path(receiver, number), "agree")
    granted = int(step(owner, request_path(receiver, number), "deliver")["grant"])
    _seen_by_receiver(stage, alias, receiver, granted)
    return granted


def _seen_by_receiver(stage: Stage, alias: str, receiver: str, number: int) -> str:
    provider = owner_of(stage, alias).department.uscc
    api = stage.nodes[BY_USCC[receiver].id].person("auditor")

    def look() -> str | None:
        answer = api.ask("GET", f"/api/v1/grants/{provider}/{number}")
        return str(answer.body["state"]) if answer.status == 200 else None

    return wait_for(f"grant {number} of {provider} at its receiver", look, 60.0, api.node)
