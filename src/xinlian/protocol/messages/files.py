"""Pieces of a file: the inner objects of a sealed file request and its answer.

Rules
1. A file request is an ordinary request in mode ``query`` for exactly one field of exactly one subject, and beside it which
   bytes of which record's file. It passes the same checks, every piece of it.
2. The first piece opens a transfer (``transfer`` null, at most 64 KiB): its request id names the transfer, and both sides write
   their read entries of it. Later pieces, at most 8 MiB each, name it and are counted.
3. An answer is ``length(4, big-endian) || JSON || bytes``. A refusal names the check and carries no bytes.

Example::

    asked = parse_file_request(open_request(header, body, key))
    part = asked.part                  # record, revision, field, digest, offset, length

Source: design 4.5; docs/protocol-exchange.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from xinlian.protocol.attachments import MAX_BYTES
from xinlian.protocol.dataset.model import Mode
from xinlian.protocol.envelope import RID_FORM, Rid
from xinlian.protocol.errors import InputError, PeerError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages.answer import View
from xinlian.protocol.messages.request import MAX_REQUEST_BYTES, Request, request_from_json, request_to_json
from xinlian.protocol.messages.words import FIELD_NAME, HEX32, MAX_DEPTH, VERSION, ProviderCheck
from xinlian.protocol.types import EpochS, RecordId

MAX_OPENING_BYTES: Final = 64 << 10
MAX_PIECE_BYTES: Final = 8 << 20
MAX_HEAD_BYTES: Final = 4_096
_LENGTH_BYTES: Final = 4
_REQUEST: Final = ("v", "request", "file")
_PART: Final = ("transfer", "record", "rev", "field", "sha256", "offset", "length")
_ANSWER: Final = ("v", "rid", "request_digest", "view", "check")
_RECORD_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_IN_REQUEST: Final = Where("request-form", "file request")
_IN_ANSWER: Final = Where("answer-form", "file answer")


@dataclass(frozen=True, slots=True)
class FilePart:
    """Which bytes are wanted.

    Args:
        transfer: request id of the piece that opened the transfer; ``None`` opens one.
        record_id: the record, as the query gave it.
        rev: its revision, from 1.
        field: the file field.
        sha256: of the whole file as the record discloses it, 32 bytes.
        offset: first byte, from 0.
        length: how many at most; ``MAX_OPENING_BYTES`` with ``transfer`` null, else ``MAX_PIECE_BYTES``.
    """

    transfer: Rid | None
    record_id: RecordId
    rev: int
    field: str
    sha256: bytes
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A request for a piece of a file."""

    request: Request
    part: FilePart


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """The answer to a file request.

    Args:
        rid: the request's id.
        request_digest: SHA-256 of the request's sealed body, 32 bytes.
        view: what the provider knew of the chain.
        check: the failed check; ``None`` when the bytes are there.
        content: the bytes; empty with a check.
    """

    rid: Rid
    request_digest: bytes
    view: View
    check: ProviderCheck | None
    content: bytes = field(repr=False, default=b"")


def dumps_file_request(asked: FileRequest) -> bytes:
    """Return the bytes of a file request, after the same checks as ``parse_file_request``."""
    part = asked.part
    raw = dumps_canonical(
        {
            "v": VERSION,
            "request": request_to_json(asked.request),
            "file": {
                "transfer": part.transfer,
                "record": part.record_id,
                "rev": part.rev,
                "field": part.field,
                "sha256": part.sha256.hex(),
                "offset": part.offset,
                "length": part.length,
            },
        }
    )
    parse_file_request(raw)
    return raw


def parse_file_request(raw: bytes) -> FileRequest:
    """Read the inner object of a file request.

    Raises:
        InputError: ``request-form``, ``request-too-large`` and those of ``parse_request``.
    """
    if len(raw) > MAX_REQUEST_BYTES:
        raise InputError("request-too-large", f"expected at most {MAX_REQUEST_BYTES} bytes")
    members = Members.of(loads_strict(raw, max_bytes=MAX_REQUEST_BYTES, max_depth=MAX_DEPTH + 1), _REQUEST, _IN_REQUEST)
    members.integer("v", VERSION, VERSION)
    request, part = request_from_json(members.values["request"]), _part(members)
    if request.mode is not Mode.QUERY or request.fields != (part.field,) or len(request.items) != 1:
        raise _IN_REQUEST.at("request").error("a query for the file's field alone, of one subject")
    return FileRequest(request, part)


def _part(members: Members) -> FilePart:
    part = Members.of(members.values["file"], _PART, members.where.at("file"))
    transfer = part.optional_text("transfer", RID_FORM)
    return FilePart(
        None if transfer is None else Rid(transfer),
        RecordId(part.text("record", _RECORD_ID)),
        part.integer("rev", 1, 0xFFFFFFFF),
        part.text("field", FIELD_NAME),
        bytes.fromhex(part.text("sha256", HEX32)),
        part.integer("offset", 0, MAX_BYTES - 1),
        part.integer("length", 1, MAX_OPENING_BYTES if transfer is None else MAX_PIECE_BYTES),
    )


def dumps_file_answer(answer: FileAnswer) -> bytes:
    """Return the bytes of a file answer."""
    head = dumps_canonical(
        {
            "v": VERSION,
            "rid": answer.rid,
            "request_digest": answer.request_digest.hex(),
            "view": {"block_number": answer.view.block_number, "block_time": answer.view.block_time},
            "check": None if answer.check is None else answer.check.value,
        }
    )
    return len(head).to_bytes(_LENGTH_BYTES, "big") + head + answer.content


def parse_file_answer(raw: bytes) -> FileAnswer:
    """Read the inner object of a file answer.

    Raises:
        InputError: ``answer-form``, ``answer-too-large``.
    """
    size = int.from_bytes(raw[:_LENGTH_BYTES], "big")
    end = _LENGTH_BYTES + size
    if size > MAX_HEAD_BYTES or len(raw) < end:
        raise _IN_ANSWER.error(f"a head of at most {MAX_HEAD_BYTES} bytes")
    if len(raw) - end > MAX_PIECE_BYTES:
        raise InputError("answer-too-large", f"expected at most {MAX_PIECE_BYTES} bytes of a file")
    members = Members.of(loads_strict(raw[_LENGTH_BYTES:end], max_bytes=MAX_HEAD_BYTES, max_depth=3), _ANSWER, _IN_ANSWER)
    members.integer("v", VERSION, VERSION)
    view = Members.of(members.values["view"], ("block_number", "block_time"), _IN_ANSWER.at("view"))
    answer = FileAnswer(
        Rid(members.text("rid", RID_FORM)),
        bytes.fromhex(members.text("request_digest", HEX32)),
        View(view.integer("block_number", 0), EpochS(view.integer("block_time", 0))),
        None if members.values["check"] is None else members.choice("check", ProviderCheck),
        raw[end:],
    )
    if (answer.check is None) != (len(answer.content) > 0):
        raise _IN_ANSWER.error("bytes of the file, or the check that refuses them")
    return answer


def check_file_answer(answer: FileAnswer, asked: FileRequest, ciphertext: bytes, size: int) -> None:
    """Check that an answer belongs to its request and brings exactly the bytes it can.

    Args:
        answer: as parsed.
        asked: what was asked.
        ciphertext: the request's sealed body.
        size: bytes of the whole file, as the record discloses it.

    Raises:
        PeerError: ``answer-mismatch`` naming the member.
    """
    wanted = min(asked.part.length, size - asked.part.offset)
    for member, agrees in (
        ("rid", answer.rid == asked.request.rid),
        ("request_digest", answer.request_digest == hashlib.sha256(ciphertext).digest()),
        ("length", answer.check is not None or len(answer.content) == wanted),
    ):
        if not agrees:
            raise PeerError("answer-mismatch", f"{member}: the answer belongs to another request", member=member)
