"""Example files for every JSON form that a command takes: what a person writes, with synthetic content, to copy and change.

Rules
1. An example holds what a person writes; numbers, codes, digests and the persons behind a text are the node's. ``complete`` puts
   something in their place, so that a form can be checked before it is proposed.
2. The files stand in ``examples/<name>.json``; a test reads each as what it is for.

Example: ``complete("agree", {"conditions": ["仅返回套数"]})``
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

from xinlian.protocol.errors import NotFoundError

_USCC: Final = "12411599MBDEM00233"
_CODE: Final = {"catalog_code": f"{_USCC}/000001", "catalog_version": 1}
_NO: Final = {"request_no": "GX20260101000001"}
_REQUEST: Final = {**_NO, **_CODE, "requester": {"uscc": _USCC, "handler": "-"}, "standing": False}
_HASH: Final = "00" * 32
_EXTENDED: Final = {**_NO, "due": "2026-01-01", "consent": _HASH}
_SETTLED: Final = {**_NO, "decision": "同意", "agreed_items": ["a"], "refused_items": []}
_AGREED: Final = {**_NO, "answer": "同意", "agreed_items": ["a"], "refused_items": [], "conditions": []}
_PARTLY: Final = {**_AGREED, "answer": "部分同意"}
_REFUSED: Final = {**_AGREED, "answer": "不同意", "agreed_items": []}
_APPLICATION: Final = {**_CODE, "number": 1, "revision": 1, "affected_cases": []}
_BASIS: Final = {**_NO, "basis": "-"}


@dataclass(frozen=True, slots=True)
class Example:
    """One example file.

    Args:
        name: of the file; of the step when it is a step's form.
        command: that takes it.
        kind: of the form it is, None for another JSON document.
        filled: members that the node fills in.
        member: where the form stands in the file, None when it is the whole file.
    """

    name: str
    command: str
    kind: str | None = None
    filled: Mapping[str, Any] = field(default_factory=dict)
    member: str | None = None


def _step(name: str, kind: str, filled: Mapping[str, Any] = _NO) -> Example:
    return Example(name, f"request step {name}", kind, filled)


def _feedback(name: str, result: str, filled: Mapping[str, Any] | None = None) -> Example:
    whole = {"number": 1, "result": result, **(filled or {})}
    return Example(f"correction-{name}", f"correction step {name}", "correction-feedback", whole)


EXAMPLES: Final[dict[str, Example]] = {
    one.name: one
    for one in (
        Example("request", "request new", "sharing-request", _REQUEST, "form"),
        _step("ask-supplement", "supplement-notice"),
        _step("resubmit", "sharing-request", _REQUEST),
        _step("ask-extension", "extension-application"),
        _step("consent-extension", "extension-consent", {**_NO, "application": _HASH}),
        _step("extend", "extension-notice", _EXTENDED),
        _step("review-scope", "scope-review", {**_NO, "agreed_items": ["a"]}),
        _step("agree", "answer", _AGREED),
        Example("agree-partly", "request step agree", "answer", _PARTLY),
        _step("refuse", "answer", _REFUSED),
        _step("dispute", "dispute"),
        _step("settle-dispute", "dispute-decision", _SETTLED),
        _step("deliver", "delivery-note", {**_NO, "grant_number": 1, "method": "服务接口", "conditions": []}),
        _step("suspend", "suspension-notice", _BASIS),
        _step("report-rectification", "rectification-report"),
        _step("resume", "resumption-notice"),
        _step("terminate", "termination-notice", _BASIS),
        _step("propose-change", "change-negotiation", {**_NO, "kind": "变更"}),
        Example("change", "request step propose-change --change"),
        _step("propose-stop", "change-negotiation", {**_NO, "kind": "停止"}),
        _step("accept-change", "change-outcome", {**_NO, "accepted": True}),
        _step("keep-terms", "change-outcome", {**_NO, "accepted": False}),
        _step("file-closing", "change-outcome", {**_NO, "accepted": True}),
        _step("close", "closing"),
        _step("dispose", "disposal-record", {**_NO, "kept": []}),
        Example("case-subjects", "case open --subjects"),
        Example("case-subject", "case add-subject"),
        Example("authorisation", "authorisation record", "authorisation", {"objects": [], "receiver": _USCC}),
        Example("withdrawal", "authorisation hand-in"),
        Example("query", "query run"),
        Example("query-fields", "query run"),
        Example("query-verify", "query run"),
        Example("correction", "correction new", "correction-application", _APPLICATION, "form"),
        _feedback("correct", "更正", {"corrected_leaf": _HASH}),
        _feedback("maintain", "维持"),
        _feedback("forward", "转数源部门"),
        Example("use-record", "use record", "use-record", {**_NO, "uses": 0}),
        Example("use-dispose", "use dispose", "case-disposal", {"case": f"{_USCC}/CASE-1", "kept": []}),
    )
}
"""Every example by its name, in the order in which a department comes to them."""


def example_text(name: str) -> str:
    """An example file.

    Raises:
        NotFoundError: ``example-unknown``.
    """
    file = files("xinlian.scenarios").joinpath("examples", f"{_known(name).name}.json")
    return file.read_text(encoding="utf-8")


def load_example(name: str) -> Any:
    """The content of an example file, JSON types.

    Raises:
        NotFoundError: ``example-unknown``.
    """
    return json.loads(example_text(name))


def complete(name: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """A form as ``read_form`` reads it: what a person wrote, and in the place of what the node fills in something that fits.

    Args:
        name: of an example that is a form.
        written: the file's content.

    Raises:
        NotFoundError: ``example-unknown``.
    """
    example = _known(name)
    form = written if example.member is None else written.get(example.member, written)
    filled = {**example.filled, **(form if isinstance(form, Mapping) else {})}
    if isinstance(filled.get("evidence"), list):
        filled["evidence"] = [_file(entry) for entry in filled["evidence"]]
    return filled


def _file(entry: Any) -> Any:
    """An own attachment as the node names it; everything else as it is."""
    if isinstance(entry, Mapping) and entry.keys() == {"attachment"}:
        return {"sha256": _HASH, "bytes": 1, "media_type": "application/pdf", "name": "-"}
    return entry


def _known(name: str) -> Example:
    found = EXAMPLES.get(name)
    if found is None:
        raise NotFoundError(
            "example-unknown", f"there is no such example; there are {', '.join(EXAMPLES)}", expected=list(EXAMPLES)
        )
    return found
