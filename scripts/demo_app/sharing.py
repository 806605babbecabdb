"""Grants by the need-to-know matrix: what no rule names is not granted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from scripts.demo_app.publishing import owner_of
from scripts.demo_app.stage import BY_USCC, PURPOSE, SCENARIO, Stage
from scripts.demo_app.web import wait_for
from xinlian.protocol.dataset import Mode
from xinlian.scenarios.catalogue import NeedToKnowRule, load_need_to_know
from xinlian.scenarios.synthetic import SCENARIO as SCENARIO_NAME

USES_PER_CASE: Final = 50
_TERM_S: Final = 365 * 86_400


def grant_all(stage: Stage) -> None:
    """One grant for each receiver, dataset and purpose of the matrix whose receiver has a node here."""
    groups = _groups()
    expected = {f"{alias} → {BY_USCC[receiver].id} ({purpose})": "active" for alias, receiver, purpose in sorted(groups)}
    title = "grants by the need-to-know matrix 3.1.3, to the receivers that have a node here"
    stage.summary.run("grants", title, expected, lambda: _grant_all(stage, groups), needed=True)


def _groups() -> dict[tuple[str, str, str], tuple[NeedToKnowRule, ...]]:
    def key(rule: NeedToKnowRule) -> tuple[str, str, str]:
        return rule.dataset, rule.receiver, rule.purpose

    rules = [rule for rule in load_need_to_know(SCENARIO_NAME).rules if rule.receiver in BY_USCC]
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
    """Terms of a grant for the scenario of the demo, for a year from now."""
    now = stage.law_time()
    return {
        "verify": list(verify),
        "query": list(query),
        "answer": list(answer),
        "purposes": [purpose],
        "scenarios": [SCENARIO],
        "valid_from": now,
        "valid_to": now + _TERM_S,
        "uses_per_case": USES_PER_CASE,
    }


def give(stage: Stage, alias: str, receiver: str, wanted: dict[str, Any]) -> int:
    """Give a grant, as the owner's sharing officer; returns its number once the receiver's node knows it."""
    body = {"receiver": receiver, "dataset": alias, **wanted}
    number = int(owner_of(stage, alias).person("sharing").post("/api/v1/grants", body)["number"])
    _seen_by_receiver(stage, alias, receiver, number)
    return number


def _seen_by_receiver(stage: Stage, alias: str, receiver: str, number: int) -> str:
    provider = owner_of(stage, alias).department.uscc
    api = stage.nodes[BY_USCC[receiver].id].person("auditor")

    def look() -> str | None:
        answer = api.ask("GET", f"/api/v1/grants/{provider}/{number}")
        return str(answer.body["state"]) if answer.status == 200 else None

    return wait_for(f"grant {number} of {provider} at its receiver", look, 60.0, api.node)
