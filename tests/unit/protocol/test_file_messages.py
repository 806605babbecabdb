"""Pieces of files: the form of requests and answers, and what belongs together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.protocol.test_messages import ANSWER, NOW, QUERY, RID, TREE, VERIFY, code_of, raw
from xinlian.protocol.envelope import Rid
from xinlian.protocol.errors import PeerError
from xinlian.protocol.messages import (
    MAX_OPENING_BYTES,
    MAX_PIECE_BYTES,
    FileAnswer,
    FilePart,
    FileRequest,
    ProviderCheck,
    RequestItem,
    View,
    check_file_answer,
    dumps_file_answer,
    dumps_file_request,
    dumps_request,
    parse_file_answer,
    parse_file_request,
)
from xinlian.protocol.types import EpochS, RecordId

PART = FilePart(None, RecordId("01a3185c-5000-7000-8000-000000000000"), 1, "scan", bytes(range(32)), 0, MAX_OPENING_BYTES)
ASKED = FileRequest(replace(QUERY, fields=("scan",)), PART)
LATER = replace(ASKED, part=replace(PART, transfer=RID, offset=MAX_OPENING_BYTES, length=MAX_PIECE_BYTES))


def as_json(asked: FileRequest = ASKED) -> dict[str, Any]:
    value = json.loads(dumps_file_request(asked))
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("asked", [ASKED, LATER], ids=["opening", "later"])
def test_a_request_goes_round(asked: FileRequest) -> None:
    text = dumps_file_request(asked)
    assert parse_file_request(text) == asked
    assert dumps_file_request(parse_file_request(text)) == text


def test_the_text_is_the_documented_one() -> None:
    found = as_json(LATER)
    assert list(found) == ["v", "request", "file"]
    assert found["request"] == json.loads(dumps_request(LATER.request))
    assert found["file"] == {
        "transfer": RID,
        "record": "01a3185c-5000-7000-8000-000000000000",
        "rev": 1,
        "field": "scan",
        "sha256": bytes(range(32)).hex(),
        "offset": 65_536,
        "length": 8_388_608,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"transfer": "short"},
        {"record": "01a3185c-5000-4000-8000-000000000000"},
        {"rev": 0},
        {"rev": 2**32},
        {"field": "Scan"},
        {"field": "other"},
        {"sha256": "ab" * 31},
        {"sha256": "AB" * 32},
        {"offset": -1},
        {"offset": 2**31},
        {"length": 0},
        {"length": MAX_OPENING_BYTES + 1},
        {"length": 8.0},
        {"transfer": RID, "length": MAX_PIECE_BYTES + 1},
        {"more": 1},
    ],
)
def test_mistakes_in_the_part(change: dict[str, Any]) -> None:
    value = as_json()
    value["file"] |= change
    assert code_of(lambda: parse_file_request(raw(value))) == "request-form"


@pytest.mark.parametrize("name", ["transfer", "record", "rev", "field", "sha256", "offset", "length"])
def test_every_member_is_required(name: str) -> None:
    value = as_json()
    del value["file"][name]
    assert code_of(lambda: parse_file_request(raw(value))) == "request-form"


def test_the_request_around_is_a_query_for_the_field_alone_of_one_subject() -> None:
    two = (RequestItem((TREE.openings[0],), {}), RequestItem((TREE.openings[1],), {}))
    for request in (
        QUERY,
        replace(QUERY, fields=("scan", "name")),
        replace(QUERY, fields=("scan",), items=two),
        replace(VERIFY, fields=("scan",), items=(RequestItem((TREE.openings[0],), {"scan": "x"}),)),
        ANSWER,
    ):
        assert code_of(lambda request=request: dumps_file_request(replace(ASKED, request=request))) == "request-form"  # type: ignore[misc]


def test_broken_bodies() -> None:
    value = as_json()
    assert code_of(lambda: parse_file_request(raw({**value, "v": 2}))) == "request-form"
    assert code_of(lambda: parse_file_request(raw({**value, "more": 1}))) == "request-form"
    assert code_of(lambda: parse_file_request(b"{")) == "json-broken"
    assert code_of(lambda: parse_file_request(b" " * (1 << 20) + b"{}")) == "request-too-large"
    value["request"]["purpose"] = "x y"
    assert code_of(lambda: parse_file_request(raw(value))) == "request-form"


SEALED = b"the sealed body of the request"
GIVEN = FileAnswer(RID, hashlib.sha256(SEALED).digest(), View(7, EpochS(NOW)), None, b"content of the file")
REFUSED = replace(GIVEN, check=ProviderCheck.FILE, content=b"")


@pytest.mark.parametrize("answer", [GIVEN, REFUSED], ids=["given", "refused"])
def test_an_answer_goes_round(answer: FileAnswer) -> None:
    text = dumps_file_answer(answer)
    assert parse_file_answer(text) == answer
    size = int.from_bytes(text[:4], "big")
    assert list(json.loads(text[4 : 4 + size])) == ["v", "rid", "request_digest", "view", "check"]
    assert text[4 + size :] == answer.content


def framed(head: object, content: bytes = b"x") -> bytes:
    text = raw(head)
    return len(text).to_bytes(4, "big") + text + content


def head(**changes: object) -> dict[str, Any]:
    text = dumps_file_answer(GIVEN)
    value: dict[str, Any] = json.loads(text[4 : 4 + int.from_bytes(text[:4], "big")])
    return {**value, **changes}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\0\0\0",
        (5_000).to_bytes(4, "big") + b"{}",
        (10).to_bytes(4, "big") + b"{}",
        framed(head(v=2)),
        framed(head(rid="x")),
        framed(head(request_digest="ab")),
        framed(head(view={"block_number": 1})),
        framed(head(check="other")),
        framed(head(more=1)),
        framed(head(check="file"), b"x"),
        framed(head(), b""),
    ],
)
def test_mistakes_in_an_answer(text: bytes) -> None:
    assert code_of(lambda: parse_file_answer(text)) == "answer-form"


def test_an_answer_has_a_largest_size() -> None:
    assert parse_file_answer(framed(head(), bytes(MAX_PIECE_BYTES))).content == bytes(MAX_PIECE_BYTES)
    assert code_of(lambda: parse_file_answer(framed(head(), bytes(MAX_PIECE_BYTES + 1)))) == "answer-too-large"


def test_an_answer_must_bring_exactly_what_was_asked() -> None:
    asked = replace(ASKED, part=replace(PART, offset=10, length=100))
    size = 10 + len(GIVEN.content)
    check_file_answer(GIVEN, asked, SEALED, size)
    check_file_answer(REFUSED, asked, SEALED, size)
    check_file_answer(replace(GIVEN, content=bytes(100)), asked, SEALED, 1_000)
    for answer, ciphertext, whole, member in (
        (replace(GIVEN, rid=Rid("A" * 22)), SEALED, size, "rid"),
        (GIVEN, b"another body", size, "request_digest"),
        (GIVEN, SEALED, size + 1, "length"),
        (GIVEN, SEALED, size - 1, "length"),
        (replace(GIVEN, content=bytes(101)), SEALED, 1_000, "length"),
    ):
        with pytest.raises(PeerError) as caught:
            check_file_answer(answer, asked, ciphertext, whole)
        assert (caught.value.code, caught.value.fields["member"]) == ("answer-mismatch", member)
