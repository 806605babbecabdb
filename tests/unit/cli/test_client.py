from __future__ import annotations

import io
import socket
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.cli.conftest import StubNode
from xinlian.cli import client as client_module
from xinlian.cli.client import Body, Client, RemoteError, segment
from xinlian.cli.exit_codes import Exit
from xinlian.protocol.errors import ConfigError


def client_of(stub: StubNode, token: str | None = "xl_secret") -> Client:
    return Client.create(stub.url, None, token, 5.0)


def test_the_token_goes_in_the_header_and_comes_from_the_file_first(stub: StubNode, tmp_path: Path) -> None:
    stub.answer("GET", "/x", {})
    client_of(stub).get("/x")
    assert stub.last.headers["authorization"] == "Bearer xl_secret"
    file = tmp_path / "token"
    file.write_text("xl_of_file\nsecond line\n")
    Client.create(stub.url, file, "xl_secret", 5.0).get("/x")
    assert stub.last.headers["authorization"] == "Bearer xl_of_file"
    Client.create(stub.url, None, None, 5.0).get("/x")
    assert "authorization" not in stub.last.headers


def test_a_token_is_never_shown_by_repr(stub: StubNode) -> None:
    assert "xl_secret" not in repr(client_of(stub))


@pytest.mark.parametrize("content", ["", "\n", "with\x00zero", "带中文"])
def test_a_file_without_a_token_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        Client.create("http://127.0.0.1", file, None, 5.0)
    assert caught.value.code == "token-file"


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8700", "ftp://x", "http://", "http://u:p@host", "http://host:port", "http://h?q=1"]
)
def test_a_url_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Client.create(url, None, None, 5.0)
    assert caught.value.code == "url-form"


@pytest.mark.parametrize(
    ("url", "token", "expected"),
    [
        ("http://node.example", "t", True),
        ("http://node.example", None, False),
        ("https://node.example", "t", False),
        ("http://127.0.0.1:8700", "t", False),
        ("http://localhost", "t", False),
    ],
)
def test_a_token_that_leaves_the_machine_without_tls_is_noticed(url: str, token: str | None, *, expected: bool) -> None:
    assert Client.create(url, None, token, 5.0).sends_token_in_clear is expected


def test_pages_are_followed_to_the_end_or_the_limit(stub: StubNode) -> None:
    stub.pages["/list"] = [
        {"items": [1, 2], "next": 1},
        {"items": [3, 4], "next": 2},
        {"items": [5], "next": None},
    ]
    assert client_of(stub).items("/list", {"a": 2}) == [1, 2, 3, 4, 5]
    assert [one.target for one in stub.asked] == [f"/list?a=2&limit=200{more}" for more in ("", "&cursor=1", "&cursor=2")]
    stub.asked.clear()
    assert client_of(stub).items("/list", limit=3) == [1, 2, 3]
    assert [one.target for one in stub.asked] == ["/list?limit=3", "/list?limit=3&cursor=1"]
    stub.asked.clear()
    assert client_of(stub).items("/list", body=Body.json({"field": "x"})) == [1, 2, 3, 4, 5]
    second = stub.asked[1]
    assert (second.method, second.target, second.json) == ("POST", "/list?limit=200&cursor=1", {"field": "x"})


def test_an_empty_page_ends_the_list_whatever_its_cursor_says(stub: StubNode) -> None:
    stub.pages["/list"] = [{"items": [], "next": 0}]
    assert client_of(stub).items("/list") == []
    assert len(stub.asked) == 1


def test_a_problem_document_keeps_its_code_members_and_exit(stub: StubNode) -> None:
    document = {"code": "rows-invalid", "detail": "2 faults", "retryable": False, "status": 422, "faults": [{"row": 1}]}
    stub.answer("POST", "/x", document, 422)
    with pytest.raises(RemoteError) as caught:
        client_of(stub).post("/x", {"a": 1})
    problem = caught.value.problem
    assert (problem.code, problem.message, problem.exit_code) == ("rows-invalid", "2 faults", Exit.USAGE)
    assert problem.fields["faults"] == [{"row": 1}]


@pytest.mark.parametrize(("status", "body"), [(500, b"<html>"), (502, b"{}"), (404, b'["x"]'), (302, b'{"a": 1}')])
def test_an_answer_that_is_no_problem_document_says_so(stub: StubNode, status: int, body: bytes) -> None:
    stub.answer("GET", "/x", body, status, Location="http://127.0.0.1:1/elsewhere")
    with pytest.raises(RemoteError) as caught:
        client_of(stub).get("/x")
    assert caught.value.problem.code == "node-answer"
    assert len(stub.asked) == 1  # a redirect is not followed: the token stays here


@pytest.mark.parametrize("body", [b"not json", b'"text"', b'{"items": 1}'])
def test_a_list_that_is_none_is_not_believed(stub: StubNode, body: bytes) -> None:
    stub.answer("GET", "/x", body)
    with pytest.raises(RemoteError) as caught:
        client_of(stub).items("/x")
    assert caught.value.problem.code == "node-answer"


def test_a_closed_port_is_unreachable_and_retryable() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(RemoteError) as caught:
        Client.create(f"http://127.0.0.1:{port}", None, "xl_secret", 5.0).get("/x")
    problem = caught.value.problem
    assert (problem.code, problem.exit_code, problem.retryable) == ("node-unreachable", Exit.UNREACHABLE, True)
    assert "xl_secret" not in problem.message


def test_a_server_that_never_answers_is_unreachable_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client.create(f"http://127.0.0.1:{silent.getsockname()[1]}", None, None, 0.2)
        with pytest.raises(RemoteError) as caught:
            client.get("/x")
    assert caught.value.problem.code == "node-unreachable"
    assert "no answer in time" in caught.value.problem.message


def test_a_server_that_speaks_something_else_is_not_a_node() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        client = Client.create(f"http://127.0.0.1:{other.getsockname()[1]}", None, None, 5.0)

        def speak() -> None:
            connection, _ = other.accept()
            connection.recv(1000)
            connection.sendall(b"220 smtp ready\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(RemoteError) as caught:
            client.get("/x")
        thread.join()
    assert caught.value.problem.code == "node-answer"


def test_a_file_is_sent_with_its_length_from_where_it_stands(stub: StubNode) -> None:
    stub.answer("POST", "/x", {})
    stream = io.BytesIO(b"skipped" + b"x" * 100_000)
    stream.seek(7)
    client_of(stub).call("POST", "/x", Body(stream, "text/csv", {"X-File-Name": "a.csv"}))
    assert stub.last.body == b"x" * 100_000
    assert stub.last.headers["content-length"] == "100000"
    assert stub.last.headers["content-type"] == "text/csv"
    assert "transfer-encoding" not in stub.last.headers


def test_queries_leave_out_none_and_write_truth_in_json_words(stub: StubNode) -> None:
    stub.answer("GET", "/x", {})
    client_of(stub).get("/x", {"fields": "", "signed": True, "rev": None, "name": "甲 乙"})
    assert stub.last.target == "/x?fields=&signed=true&name=%E7%94%B2+%E4%B9%99"


@pytest.mark.parametrize(
    ("value", "expected"), [("GJJ-01", "GJJ-01"), ("1241/000001", "1241.000001"), ("a b?c#d", "a%20b%3Fc%23d"), ("..", "%2E%2E")]
)
def test_a_path_segment_cannot_leave_its_place(value: str, expected: str) -> None:
    assert segment(value) == expected
    assert "/" not in segment(value)


# -- creating calls ----------------------------------------------------------------------------------


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def keys(stub: StubNode) -> list[str]:
    return [one.headers["idempotency-key"] for one in stub.asked]


def test_a_creating_call_carries_a_fresh_key_or_the_callers(stub: StubNode) -> None:
    stub.answer("POST", "/x", {"number": 1}, 201)
    client = client_of(stub)
    assert client.once("/x", Body.json({})).json() == {"number": 1}
    client.once("/x", Body.json({}))
    replace(client, key="mine").once("/x", Body.json({}))
    first, second, third = keys(stub)
    assert uuid.UUID(first) != uuid.UUID(second)
    assert third == "mine"


def test_a_broken_connection_is_tried_again_under_the_same_key_with_the_whole_body(stub: StubNode, pauses: list[float]) -> None:
    stub.answer("POST", "/x", {"number": 1}, 201)
    stub.breaking, stub.races = 2, 1
    stream = io.BytesIO(b"skipped" + b"rows")
    stream.seek(7)
    assert client_of(stub).once("/x", Body(stream, "text/csv")).json() == {"number": 1}
    assert len(set(keys(stub))) == 1
    assert [one.body for one in stub.asked] == [b"rows"] * 4
    assert pauses == list(client_module.PAUSES_S[:3])


def test_when_the_answer_never_comes_the_problem_names_the_key(stub: StubNode, pauses: list[float]) -> None:
    stub.breaking = 100
    with pytest.raises(RemoteError) as caught:
        client_of(stub).once("/x", Body.json({}))
    problem = caught.value.problem
    assert (problem.code, problem.exit_code) == ("node-unreachable", Exit.UNREACHABLE)
    assert problem.fields["idempotency_key"] == keys(stub)[0]
    assert f"--idempotency-key {keys(stub)[0]}" in problem.message
    assert len(pauses) == len(client_module.PAUSES_S) == len(stub.asked) - 1


def test_what_was_certainly_not_carried_out_is_not_tried_again(stub: StubNode, pauses: list[float]) -> None:
    with pytest.raises(RemoteError) as refused:
        client_of(stub).once("/unknown", Body.json({}))
    assert refused.value.problem.code == "route-unknown"
    assert "idempotency_key" not in refused.value.problem.fields
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(RemoteError) as down:
        Client.create(f"http://127.0.0.1:{port}", None, "xl_secret", 5.0).once("/x", Body.json({}))
    assert "idempotency_key" not in down.value.problem.fields
    assert (len(stub.asked), pauses) == (1, [])


def test_a_timeout_is_not_tried_again_but_names_the_key(pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client.create(f"http://127.0.0.1:{silent.getsockname()[1]}", None, None, 0.2)
        with pytest.raises(RemoteError) as caught:
            client.once("/x", Body.json({}))
    assert caught.value.problem.fields["idempotency_key"] in caught.value.problem.message
    assert pauses == []
