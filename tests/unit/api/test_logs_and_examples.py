"""Log lines hold no text of an exception; examples come from schemas."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from xinlian.api import examples, openapi
from xinlian.api.logs import configure_logging
from xinlian.api.problems import STATUS_BY_CODE
from xinlian.protocol.errors import CATALOGUE

SECRET = "411599199001010014"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    configure_logging(stream)
    yield stream
    root.handlers[:], root.level = kept, level
    structlog.reset_defaults()


def fail(value: str) -> None:
    raise KeyError(value)


def the_line(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    assert SECRET not in line
    read = json.loads(line)
    assert isinstance(read, dict)
    return read


@pytest.mark.parametrize("how", ["instance", "current"])
def test_an_exception_is_its_type_and_places(log: io.StringIO, how: str) -> None:
    try:
        fail(SECRET)
    except KeyError as error:
        structlog.get_logger().error("broken", exc_info=error if how == "instance" else True)
    line = the_line(log)
    assert line["exception"]["type"] == "KeyError"
    assert line["exception"]["at"][-1].endswith(" fail")
    assert (line["event"], line["level"]) == ("broken", "error")


def test_libraries_write_the_same_form(log: io.StringIO) -> None:
    try:
        fail(SECRET)
    except KeyError:
        logging.getLogger("some.library").exception('it "failed"')
    logging.getLogger("some.library").info("not from INFO on")
    line = the_line(log)
    assert (line["event"], line["logger"], line["exception"]["type"]) == ('it "failed"', "some.library", "KeyError")


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"$ref": "#/components/schemas/A"}, {"name": "x", "many": [3]}),
        ({"const": 5}, 5),
        ({"default": None}, None),
        ({"enum": ["a", "b"]}, "a"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "boolean"}}}, {"items": [False]}),
        ({"type": "string"}, "text"),
        ({"type": "number"}, 1.5),
        ({}, {}),
    ],
)
def test_examples(schema: dict[str, Any], example: object) -> None:
    parts = {"name": {"examples": ["x"]}, "many": {"type": "array", "items": {"examples": [3]}}}
    assert openapi.example_of(schema, {"A": {"properties": parts}}) == example


def test_codes_with_a_status_of_their_own_and_examples_stand_in_the_catalogue() -> None:
    assert set(STATUS_BY_CODE) <= set(CATALOGUE)
    assert set(examples.PROBLEM_EXAMPLES.values()) <= set(CATALOGUE)
