"""What the node fills in on the form of a step, so that persons write only what it cannot know.

Rules
1. Numbers, codes, digests of earlier texts, dates that follow from a clock, and the persons behind a text are the node's; a
   person's own entry is never changed.
2. An answer without refused items agrees to everything that is asked; with some, to the rest; ``refuse`` agrees to nothing.

Source: dossier 2.3, 4.4, 8.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xinlian.node.chain_state import ChainState, SharingRequest
from xinlian.protocol.clocks import CLOCKS, ClockId, ClockReading, Term
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.forms.grant import LAW
from xinlian.protocol.working_days import date_of, day_of

_ANSWER_WD: Final = CLOCKS[ClockId.ANSWER_CONDITIONAL].length_wd
_DELIVERY_WD: Final = CLOCKS[ClockId.DELIVER].length_wd
NOT_YET: Final = {
    "handler": {"person_id": "-", "name": "-", "post": "-"},
    "office_head": {"person_id": "-", "name": "-", "post": "-"},
    "at": 0,
}
"""Stands for the two persons while a form is only checked."""


@dataclass(frozen=True, slots=True)
class Filling:
    """Fills forms in.

    Args:
        department: USCC of this node.
        state: requests and calendar as followed.
        schemas: schema of a request's dataset when it is known here.
        law_s: law time, epoch seconds.
        read: how a clock stands now, by the calendar on chain.
    """

    department: str
    state: ChainState
    schemas: Callable[[SharingRequest], DatasetSchema | None]
    law_s: Callable[[], int]
    read: Callable[[Term], ClockReading]

    def new(self, number: int, code: str, version: int, form: Mapping[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
        """A 申请表 as it is filed."""
        head = {
            "request_no": f"GX{number:014d}",
            "requester": {"uscc": self.department, "handler": by["handler"]["name"]},
            "catalog_code": code,
            "catalog_version": version,
        }
        return {**head, "standing": False, **form, **head, "office_head_consent": dict(by)}

    def step(self, name: str, request: SharingRequest, form: Mapping[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
        """The form of a later step as it is sent."""
        filled: dict[str, Any] = {**_DEFAULTS.get(name, {}), **form, "request_no": request.request_no, "approved_by": dict(by)}
        if name in ("agree", "refuse"):
            return {**filled, **self._answer(name, request, form)}
        if name == "settle-dispute":
            return {**filled, **self._decision(request, form)}
        if name == "review-scope":
            return {"agreed_items": self.asked(request), **filled}
        if name == "deliver":
            filled["grant_number"] = self.state.newest_grant_number(request.provider) + 1
        if name == "consent-extension":
            filled["application"] = self._earlier(request, "ExtensionAsked")
        if name == "extend":
            filled["consent"] = self._earlier(request, "ExtensionConsented")
            filled["due"] = self._last_day(request.submitted_at_s, _ANSWER_WD + int(form.get("working_days") or 0))
        return filled

    def asked(self, request: SharingRequest) -> list[str]:
        """Names of everything that stands in a request's terms now, fields and views."""
        schema = self.schemas(request)
        if schema is None:
            return []
        terms = request.terms
        fields = schema.names_of(terms.verify_mask | terms.query_mask | terms.batch_mask)
        return [*fields, *schema.view_names_of(terms.answer_mask)]

    def _answer(self, name: str, request: SharingRequest, form: Mapping[str, Any]) -> dict[str, Any]:
        used = self.read(Term(request.submitted_at_s, _ANSWER_WD)).used_wd
        common = {"conditions": form.get("conditions") or [], "working_days_used": used}
        if name == "refuse":
            return {**common, "answer": "不同意", "agreed_items": []}
        refused = form.get("refused_items") or []
        left = _without(self.asked(request), refused)
        kind = "部分同意" if refused else "同意"
        due = self._last_day(self.law_s(), _DELIVERY_WD)
        return {**common, "answer": kind, "agreed_items": left, "refused_items": refused, "delivery_due": due}

    def _decision(self, request: SharingRequest, form: Mapping[str, Any]) -> dict[str, Any]:
        refused = form.get("refused_items") or []
        agreed = form.get("agreed_items")
        agreed = _without(self.asked(request), refused) if agreed is None else agreed
        kind = "不同意" if not agreed else "部分同意" if refused else "同意"
        return {"decision": kind, "agreed_items": agreed, "refused_items": refused}

    @staticmethod
    def _earlier(request: SharingRequest, event: str) -> str | None:
        """Digest of the text of the newest step of this name, 64 hex."""
        return next((step.document for step in reversed(request.steps) if step.event == event), None)

    def _last_day(self, start_s: int, length_wd: int) -> str | None:
        """The last day of a term that is in time, YYYY-MM-DD; None while its year is not loaded."""
        deadline_s = self.read(Term(start_s, length_wd)).deadline_s
        return None if deadline_s is None else date_of(day_of(deadline_s) - 1).isoformat()


def _without(names: list[str], refused: Any) -> list[str]:
    dropped = {item.get("name_en") for item in refused if isinstance(item, Mapping)} if isinstance(refused, list) else set()
    return [name for name in names if name not in dropped and name.partition(".")[0] not in dropped]


_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "deliver": {"method": "服务接口", "conditions": []},
    "suspend": {"basis": LAW},
    "terminate": {"basis": LAW},
    "propose-change": {"kind": "变更"},
    "propose-stop": {"kind": "停止"},
    "accept-change": {"accepted": True},
    "keep-terms": {"accepted": False},
    "file-closing": {"accepted": True},
    "dispose": {"kept": []},
}
