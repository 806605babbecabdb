"""A person's request for the own ledger, as the authority's node sends it to every department, and the answer.

Rules
1. The one request without grant and case: it names a person whom the authority's node has verified, and how (the login).
2. ``signature`` is of the authority's own chain key over everything else in the request, for this department and this moment: no
   other department can make one, and none can be used again elsewhere.
3. An answer holds bundles of read entries about that person, chosen parts disclosed, never pseudonyms, officials or records.
4. A page has at most ``MAX_PAGE`` entries; ``next`` is where the following one begins, null at the end.

Codes: ``request-form``, ``request-too-large``, ``request-window``, ``answer-form``, ``answer-mismatch``.

Source: issue "2 of 5" (the person's ledger); PIPL art. 44, 45; docs/protocol-exchange.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.dataset.model import SubjectKind
from xinlian.protocol.envelope import KID_FORM, RID_FORM, USCC_FORM, Rid
from xinlian.protocol.errors import InputError, PeerError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages.answer import MAX_ANSWER_BYTES, View
from xinlian.protocol.messages.request import MAX_WINDOW_S
from xinlian.protocol.messages.words import HEX32, MAX_DEPTH, VERSION, ProviderCheck
from xinlian.protocol.subjects import Subject
from xinlian.protocol.types import EpochS, KeyId, Uscc

SELF_ACCESS: Final = "self-access"
"""The purpose."""
MAX_PAGE: Final = 100
MAX_BYTES: Final = 8_192
SIGNED_LABEL: Final = b"xinlian self-access/1\x00"
"""Begins neither a transaction nor typed data."""

_MEMBERS: Final = (
    "v", "rid", "from", "to", "signing_key", "sealing_key", "reply_key", "purpose", "subject", "login", "after", "limit",
    "created", "expires",
)  # fmt: skip
_ANSWER: Final = ("v", "rid", "request_digest", "view", "check", "entries", "next")
_WHERE: Final = Where("request-form", "self-access request")
_IN_ANSWER: Final = Where("answer-form", "self-access answer")
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_VALUE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{130}", re.ASCII)
_PURPOSE: Final = re.compile(SELF_ACCESS)


@dataclass(frozen=True, slots=True)
class Login:
    """How the person was verified: by whom, in which way (``oidc``, ``demo``), when (epoch seconds, wall clock)."""

    issuer: str
    method: str
    at: EpochS


@dataclass(frozen=True, slots=True)
class SelfAccessRequest:
    """The inner object of a sealed request for the own ledger.

    Args:
        rid: request id, 128 random bits base64url.
        from_uscc: the authority's department.
        to_uscc: the department asked.
        signing_kid: the asking department's signing key.
        sealing_kid: the key the request is sealed to.
        reply_key: fresh X25519 public key, 32 bytes.
        subject: the verified person.
        login: how the person was verified.
        after: position of the last entry already given, 0 to begin.
        limit: 1 to ``MAX_PAGE``.
        created, expires: epoch seconds, wall clock; at most 60 s apart.
        signature: of the authority's chain key over ``signed_text``, 65 bytes; empty before it is signed.
    """

    rid: Rid
    from_uscc: Uscc
    to_uscc: Uscc
    signing_kid: KeyId
    sealing_kid: KeyId
    reply_key: bytes
    subject: Subject = field(repr=False)
    login: Login
    after: int
    limit: int
    created: EpochS
    expires: EpochS
    signature: bytes = b""

    def signed_text(self) -> bytes:
        """What the authority's key signs."""
        return SIGNED_LABEL + dumps_canonical(_to_json(self))


def dumps_self_access(request: SelfAccessRequest) -> bytes:
    """The bytes of a signed request, after the same checks as ``parse_self_access_request``."""
    raw = dumps_canonical({**_to_json(request), "signature": request.signature.hex()})
    parse_self_access_request(raw)
    return raw


def _to_json(request: SelfAccessRequest) -> dict[str, object]:
    r = request
    return {
        "v": VERSION,
        "rid": r.rid,
        "from": r.from_uscc,
        "to": r.to_uscc,
        "signing_key": r.signing_kid,
        "sealing_key": r.sealing_kid,
        "reply_key": b64u(r.reply_key),
        "purpose": SELF_ACCESS,
        "subject": {"kind": r.subject.kind.value, "value": r.subject.value},
        "login": {"issuer": r.login.issuer, "method": r.login.method, "at": r.login.at},
        "after": r.after,
        "limit": r.limit,
        "created": r.created,
        "expires": r.expires,
    }


def parse_self_access_request(raw: bytes) -> SelfAccessRequest:
    """Read a request.

    Raises:
        InputError: ``request-form``, ``request-too-large``, ``request-window``, ``json-*``, the codes of a person's number.
    """
    if len(raw) > MAX_BYTES:
        raise InputError("request-too-large", f"expected at most {MAX_BYTES} bytes")
    members = Members.of(loads_strict(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH), (*_MEMBERS, "signature"), _WHERE)
    members.integer("v", VERSION, VERSION)
    members.text("purpose", _PURPOSE)
    created, expires = members.integer("created", 0), members.integer("expires", 0)
    if not 0 < expires - created <= MAX_WINDOW_S:
        raise InputError("request-window", f"expires must be 1 to {MAX_WINDOW_S} s after created")
    return SelfAccessRequest(
        rid=Rid(members.text("rid", RID_FORM)),
        from_uscc=Uscc(members.text("from", USCC_FORM)),
        to_uscc=Uscc(members.text("to", USCC_FORM)),
        signing_kid=KeyId(members.text("signing_key", KID_FORM)),
        sealing_kid=KeyId(members.text("sealing_key", KID_FORM)),
        reply_key=unb64u(members.text("reply_key", KID_FORM)),
        subject=_subject(members),
        login=_login(members),
        after=members.integer("after", 0),
        limit=members.integer("limit", 1, MAX_PAGE),
        created=EpochS(created),
        expires=EpochS(expires),
        signature=bytes.fromhex(members.text("signature", _SIGNATURE)),
    )


def _subject(members: Members) -> Subject:
    found = Members.of(members.values["subject"], ("kind", "value"), members.where.at("subject"))
    return Subject(found.choice("kind", SubjectKind), found.text("value", _VALUE))


def _login(members: Members) -> Login:
    found = Members.of(members.values["login"], ("issuer", "method", "at"), members.where.at("login"))
    return Login(found.text("issuer", _LINE), found.text("method", _LINE), EpochS(found.integer("at", 0)))


@dataclass(frozen=True, slots=True)
class SelfAccessAnswer:
    """The answer.

    Args:
        rid: the request's id.
        request_digest: SHA-256 of the request's sealed body, 32 bytes.
        view: what the department asked knew of the chain.
        check: the failed check; None when the entries are there.
        entries: bundles (JSON objects), in the order of the log.
        next: where the following page begins, None at the end.
    """

    rid: Rid
    request_digest: bytes
    view: View
    check: ProviderCheck | None
    entries: tuple[Mapping[str, Any], ...] = field(repr=False, default=())
    next: int | None = None


def dumps_self_access_answer(answer: SelfAccessAnswer) -> bytes:
    """The bytes of an answer."""
    view = {"block_number": answer.view.block_number, "block_time": answer.view.block_time}
    return dumps_canonical(
        {
            "v": VERSION,
            "rid": answer.rid,
            "request_digest": answer.request_digest.hex(),
            "view": view,
            "check": None if answer.check is None else answer.check.value,
            "entries": [dict(entry) for entry in answer.entries],
            "next": answer.next,
        }
    )


def parse_self_access_answer(raw: bytes, request: SelfAccessRequest, sealed: bytes) -> SelfAccessAnswer:
    """Read the answer to a request; the bundles are not looked into.

    Args:
        raw: opened.
        request: what was asked.
        sealed: SHA-256 of its sealed body.

    Raises:
        InputError: ``answer-form``, ``json-*``.
        PeerError: ``answer-mismatch``.
    """
    members = Members.of(loads_strict(raw, max_bytes=MAX_ANSWER_BYTES, max_depth=MAX_DEPTH), _ANSWER, _IN_ANSWER)
    members.integer("v", VERSION, VERSION)
    view = Members.of(members.values["view"], ("block_number", "block_time"), _IN_ANSWER.at("view"))
    entries = [value for _, value in members.list("entries", MAX_PAGE)]
    if not all(isinstance(value, dict) for value in entries):
        raise _IN_ANSWER.at("entries").error("objects")
    check = None if members.values["check"] is None else members.choice("check", ProviderCheck)
    answer = SelfAccessAnswer(
        Rid(members.text("rid", RID_FORM)),
        bytes.fromhex(members.text("request_digest", HEX32)),
        View(view.integer("block_number", 0), EpochS(view.integer("block_time", 0))),
        check,
        tuple(cast("list[Mapping[str, Any]]", entries)),
        members.optional_integer("next", 1),
    )
    follows = answer.next is None or (answer.next > request.after and answer.entries)
    if (answer.rid, answer.request_digest) != (request.rid, sealed) or len(entries) > request.limit or not follows:
        raise PeerError("answer-mismatch", "the answer does not belong to this request", member="rid")
    return answer
