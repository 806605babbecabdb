"""The two sides of a page of the read log: what is no request, what is no answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from xinlian.node import reconciling
from xinlian.node.paging import Window
from xinlian.protocol.errors import InputError, PeerError


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"after":0}',
        b'{"after":-1,"limit":1}',
        b'{"after":null,"limit":1}',
        b'{"after":0,"limit":0}',
        b'{"after":0,"limit":501}',
        b'{"after":0,"limit":1,"more":1}',
    ],
)
def test_what_is_no_request_for_a_page(body: bytes) -> None:
    with pytest.raises(InputError) as caught:
        reconciling._asked(body)
    assert caught.value.code == "reconciliation-form"


def test_a_request_names_where_it_goes_on_and_how_much_it_takes() -> None:
    assert reconciling._asked(b'{"after":7,"limit":500}') == Window(500, (7,))


def test_a_page_larger_than_one_may_be_is_not_taken() -> None:
    whole: dict[str, Any] = {"statements": [], "receipts": [], "next": None}
    assert reconciling._read_page(orjson.dumps(whole)) == ([], None)
    with pytest.raises(PeerError) as caught:
        reconciling._read_page(orjson.dumps({**whole, "statements": ["AA"] * 501, "receipts": [None] * 501}))
    assert caught.value.code == "peer-answer"
