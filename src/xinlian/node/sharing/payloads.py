"""What the handler wrote, read: a completed form or a proposal's payload as terms, scope, grounds and cover of a call.

Source: dossier 2.3, 2.3.1; docs/protocol.md (texts of requests).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import orjson

from xinlian.node.chain_state import Cover, SharingRequest
from xinlian.node.sharing.terms import TermsByName
from xinlian.protocol.dataset import Mode
from xinlian.protocol.errors import InputError
from xinlian.protocol.forms import Ground
from xinlian.protocol.forms.request import SharingRequest as RequestForm
from xinlian.protocol.working_days import day_number, end_of, start_of

MAX_USES: Final = 2**32 - 1
_COVERS: Final = {cover.name.lower(): cover for cover in Cover}


def terms_of(form: RequestForm) -> TermsByName:
    """The terms that a sharing request asks for; its term runs from 00:00 of the first to the end of the last day."""
    names = {mode.value: tuple(item.name_en for item in form.requested_items if mode in item.modes) for mode in Mode}
    return TermsByName(
        names["verify"],
        names["query"],
        names["answer"],
        names["batch"],
        form.purposes,
        () if form.scenario.id is None else ("0x" + form.scenario.id,),
        start_of(_day(form.valid_from)),
        end_of(_day(form.valid_to)),
        form.uses_per_case,
        form.standing,
    )


def basis_digest(content: Mapping[str, Any], document: bytes) -> bytes:
    """What stands on chain for the 使用依据: SHA-256 over 0x03, the document's digest and the basis as JSON, 32 bytes."""
    return hashlib.sha256(b"\x03" + document + orjson.dumps(content["legal_basis"])).digest()


def changed_terms(request: SharingRequest, payload: Mapping[str, Any]) -> TermsByName:
    """The terms of a change: names per mode as the payload's ``change`` says; what it does not name of the rest stays."""
    change, terms = payload.get("change"), request.terms
    if not isinstance(change, Mapping):
        raise InputError("change-terms-missing", "a change names fields per mode under change", field="change")
    verify, query, answer, batch = (_names(change, mode) for mode in Mode)
    until, uses = change.get("valid_to"), change.get("uses_per_case")
    if uses is not None and (type(uses) is not int or not 1 <= uses <= MAX_USES):
        raise InputError("approval-payload", f"uses_per_case is a number from 1 to {MAX_USES}", field="change.uses_per_case")
    return TermsByName(
        verify,
        query,
        answer,
        batch,
        terms.purposes,
        terms.scenarios,
        terms.valid_from_s,
        terms.valid_to_s if until is None else _end_of(until),
        terms.uses_per_case if uses is None else uses,
        terms.standing,
    )


def _names(change: Mapping[str, Any], mode: Mode) -> tuple[str, ...]:
    names = change.get(mode) or []
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InputError("approval-payload", f"{mode} is a list of names", field=f"change.{mode}")
    return tuple(names)


def _end_of(day: object) -> int:
    try:
        return end_of(_day(str(day)))
    except ValueError as error:
        raise InputError("approval-payload", "valid_to is a day as YYYY-MM-DD", field="change.valid_to") from error


def _day(text: str) -> int:
    return day_number(date.fromisoformat(text))


def grounds_of(items: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """Names of the grounds of all refused items."""
    named = {str(ground) for item in items for ground in item.get("grounds") or ()}
    return tuple(ground.name.lower() for ground in Ground if ground.value in named)


def cover_of(payload: Mapping[str, Any]) -> Cover:
    """What covers a receiver that is no department.

    Raises:
        InputError: ``third-party-cover`` for another word.
    """
    name = payload.get("cover") or "none"
    if name not in _COVERS:
        raise InputError("third-party-cover", "cover is none, consent or authorisation", expected=sorted(_COVERS))
    return _COVERS[name]


def addressed(payload: Mapping[str, Any]) -> tuple[str, str, int | None]:
    """Provider, dataset and version of a new request.

    Raises:
        InputError: ``approval-payload``.
    """
    provider, dataset, version = payload.get("provider"), payload.get("dataset"), payload.get("version")
    if not isinstance(provider, str) or not isinstance(dataset, str) or not isinstance(version, int | None):
        raise InputError("approval-payload", "a request names provider, dataset and (or null) version", field="provider")
    return provider, dataset, version
