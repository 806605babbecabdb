"""The inner object of a sealed request: which department wants what of whom, under which grant, within which case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.envelope import KID_FORM, RID_FORM, USCC_FORM, Direction, EnvelopeHeader, Rid
from xinlian.protocol.errors import InputError, RefusedError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.members import Members, Scalar, Where
from xinlian.protocol.messages.authorisation import ShownAuthorisation, shown_from_json
from xinlian.protocol.messages.words import (
    CODE_TEXT,
    FIELD_NAME,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_SUBJECTS_PER_ITEM,
    MAX_VALUE_CHARS,
    NAME,
    VCT,
    VERSION,
    CaseRef,
    GrantRef,
    ProviderCheck,
    case_from_json,
    grant_from_json,
)
from xinlian.protocol.subjects import Opening, opening_from_json, opening_to_json
from xinlian.protocol.types import EpochS, KeyId, Uscc

MAX_WINDOW_S: Final = 60
MAX_REQUEST_BYTES: Final = 1 << 20

OFFERED_MODES: Final = frozenset({Mode.VERIFY, Mode.QUERY, Mode.ANSWER})

_REQUEST: Final = (
    "v", "rid", "from", "to", "signing_key", "sealing_key", "reply_key", "grant", "dataset", "case", "purpose",
    "mode", "fields", "view", "items", "authorisations", "created", "expires",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One thing asked.

    Args:
        subjects: one opening (``verify``, ``query``) or one to eight (``answer``).
        values: by field (``verify``) or by parameter (``answer``); empty for ``query``.
    """

    subjects: tuple[Opening, ...]
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Request:
    """The inner object of a sealed request.

    Args:
        rid: request id, 128 random bits base64url.
        from_uscc: asking department.
        to_uscc: providing department.
        signing_kid: the asking department's signing key.
        sealing_kid: the provider's key the request is sealed to.
        reply_key: fresh X25519 public key, 32 bytes, for this answer only.
        grant: under which grant.
        dataset: ``<catalogue code>@<version>``.
        case: within which case; ``None`` for standing use.
        purpose: a purpose code of the grant.
        mode: verify, query or answer.
        fields: field names in the order wanted; empty for ``answer``.
        view: the derived view; ``None`` but for ``answer``.
        items: 1 to 100.
        authorisations: of the data subjects, where the grant or the dataset needs them; 0 to 100.
        created: epoch seconds, wall clock.
        expires: epoch seconds, at most 60 s after ``created``.
    """

    rid: Rid
    from_uscc: Uscc
    to_uscc: Uscc
    signing_kid: KeyId
    sealing_kid: KeyId
    reply_key: bytes
    grant: GrantRef
    dataset: str
    case: CaseRef | None
    purpose: str
    mode: Mode
    fields: tuple[str, ...]
    view: str | None
    items: tuple[RequestItem, ...]
    created: EpochS
    expires: EpochS
    authorisations: tuple[ShownAuthorisation, ...] = ()


def dumps_request(request: Request) -> bytes:
    """Return the bytes of a request, after the same checks as ``parse_request``.

    Raises:
        InputError: as ``parse_request``.
    """
    raw = dumps_canonical(request_to_json(request))
    parse_request(raw)
    return raw


def request_to_json(request: Request) -> dict[str, object]:
    """Return the members of a request."""
    case = request.case
    return {
        "v": VERSION,
        "rid": request.rid,
        "from": request.from_uscc,
        "to": request.to_uscc,
        "signing_key": request.signing_kid,
        "sealing_key": request.sealing_kid,
        "reply_key": b64u(request.reply_key),
        "grant": {"provider": request.grant.provider, "number": request.grant.number},
        "dataset": request.dataset,
        "case": None if case is None else {"lead": case.lead, "no": case.case_no},
        "purpose": request.purpose,
        "mode": request.mode.value,
        "fields": list(request.fields),
        "view": request.view,
        "items": [_item_to_json(item) for item in request.items],
        "authorisations": [one.to_json() for one in request.authorisations],
        "created": request.created,
        "expires": request.expires,
    }


def _item_to_json(item: RequestItem) -> dict[str, object]:
    return {"subjects": [opening_to_json(opening) for opening in item.subjects], "values": dict(item.values)}


def parse_request(raw: bytes) -> Request:
    """Read the inner object of a request.

    Args:
        raw: UTF-8 JSON, at most ``MAX_REQUEST_BYTES``.

    Raises:
        InputError: ``request-*``, ``json-*`` or ``subject-opening-form``; see the module's head.
    """
    if len(raw) > MAX_REQUEST_BYTES:
        raise InputError("request-too-large", f"expected at most {MAX_REQUEST_BYTES} bytes")
    return request_from_json(loads_strict(raw, max_bytes=MAX_REQUEST_BYTES, max_depth=MAX_DEPTH))


def request_from_json(value: object) -> Request:
    """Read a request that was parsed already.

    Raises:
        InputError: as ``parse_request``.
    """
    members = Members.of(value, _REQUEST, Where("request-form", "request"))
    members.integer("v", VERSION, VERSION)
    mode = _mode(members)
    fields = _fields(members, mode)
    created, expires = members.integer("created", 0), members.integer("expires", 0)
    if not 0 < expires - created <= MAX_WINDOW_S:
        raise InputError("request-window", f"expires must be 1 to {MAX_WINDOW_S} s after created")
    return Request(
        rid=Rid(members.text("rid", RID_FORM)),
        from_uscc=Uscc(members.text("from", USCC_FORM)),
        to_uscc=Uscc(members.text("to", USCC_FORM)),
        signing_kid=KeyId(members.text("signing_key", KID_FORM)),
        sealing_kid=KeyId(members.text("sealing_key", KID_FORM)),
        reply_key=unb64u(members.text("reply_key", KID_FORM)),
        grant=grant_from_json(members),
        dataset=members.text("dataset", VCT),
        case=case_from_json(members),
        purpose=members.text("purpose", CODE_TEXT),
        mode=mode,
        fields=fields,
        view=_view(members, mode),
        items=_items(members, mode, fields),
        created=EpochS(created),
        expires=EpochS(expires),
        authorisations=shown_from_json(members),
    )


def _mode(members: Members) -> Mode:
    text = members.values["mode"]
    if not isinstance(text, str) or text not in {mode.value for mode in OFFERED_MODES}:
        raise InputError("request-mode", "mode: expected verify, query or answer")
    return Mode(text)


def _fields(members: Members, mode: Mode) -> tuple[str, ...]:
    value = members.values["fields"]
    if isinstance(value, list) and len(value) > MAX_FIELDS:
        raise InputError("request-too-many-fields", f"expected at most {MAX_FIELDS} fields, got {len(value)}")
    least, most = (0, 0) if mode is Mode.ANSWER else (1, MAX_FIELDS)
    names = members.texts("fields", FIELD_NAME, most, least)
    if len(set(names)) != len(names):
        raise members.where.at("fields").error("every field once")
    return names


def _view(members: Members, mode: Mode) -> str | None:
    if mode is Mode.ANSWER:
        return members.text("view", NAME)
    if members.values["view"] is not None:
        raise members.where.at("view").error("null but for mode answer")
    return None


def _items(members: Members, mode: Mode, fields: tuple[str, ...]) -> tuple[RequestItem, ...]:
    value = members.values["items"]
    if isinstance(value, list) and len(value) > MAX_ITEMS:
        raise InputError("request-too-many-items", f"expected at most {MAX_ITEMS} items, got {len(value)}")
    items = members.list("items", MAX_ITEMS, 1)
    return tuple(_item(item, place, mode, fields) for place, item in items)


def _item(value: object, where: Where, mode: Mode, fields: tuple[str, ...]) -> RequestItem:
    members = Members.of(value, ("subjects", "values"), where)
    most = MAX_SUBJECTS_PER_ITEM if mode is Mode.ANSWER else 1
    subjects = members.values["subjects"]
    if isinstance(subjects, list) and len(subjects) > most:
        raise InputError("request-too-many-subjects", f"{where.path}: expected at most {most} subjects in mode {mode.value}")
    openings = tuple(opening_from_json(opening) for _, opening in members.list("subjects", most, 1))
    values = members.scalars("values", FIELD_NAME, MAX_FIELDS, MAX_VALUE_CHARS)
    if mode is not Mode.ANSWER and values.keys() != (frozenset(fields) if mode is Mode.VERIFY else frozenset()):
        raise where.at("values").error("a value for every field in mode verify, none in mode query")
    return RequestItem(openings, values)


def check_outside(request: Request, header: EnvelopeHeader) -> None:
    """Check that a request says inside what its (already signature-bound) envelope says outside.

    Raises:
        InputError: ``envelope-mismatch`` naming the member.
    """
    for member, agrees in (
        ("direction", header.direction is Direction.REQUEST),
        ("rid", request.rid == header.rid),
        ("from", request.from_uscc == header.from_uscc),
        ("to", request.to_uscc == header.to_uscc),
        ("signing_key", request.signing_kid == header.from_kid),
        ("sealing_key", request.sealing_kid == header.to_kid),
        ("grant", request.grant.provider == header.to_uscc),
    ):
        if not agrees:
            raise InputError("envelope-mismatch", f"{member}: request and envelope disagree", member=member)


def check_time(request: Request, now_s: int, skew_s: int) -> None:
    """Check that a request is of this time: ``created - skew <= now < expires + skew``.

    Raises:
        RefusedError: ``request-expired`` with check ``expired``.
    """
    if not request.created - skew_s <= now_s < request.expires + skew_s:
        raise RefusedError("request-expired", "the request is not of this time", check=ProviderCheck.EXPIRED.value)
