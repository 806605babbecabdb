"""Payload guard, rate limit and clock."""

from __future__ import annotations

import base64

import pytest

from xinlian.node.clock import Clock
from xinlian.node.payload_guard import check_payload
from xinlian.node.rate import RateLimit
from xinlian.protocol.chainview import BlockRef
from xinlian.protocol.errors import InputError, NotFoundError, RefusedError

ID = "411599199001010014"


def word(text: str) -> str:
    return "0x" + text.encode().ljust(32, b"\0").hex()


@pytest.mark.parametrize(
    "value",
    [
        ID,
        f"for {ID}.",
        f"GJJ{ID}A",
        f"CASE-{ID}",
        word(f"CASE-{ID}"),
        word(f"X{ID}"),
        "411599195804040040",
        "41159919980414581x",
        "x" * 301,
        base64.b64encode(b"a file's bytes" * 20).decode(),
        "A" * 80,
        '{"keys": [' + "A" * 90 + "]}",
        '{"keys":[' + "A" * 90 + "]}",
    ],
)
def test_what_never_goes_on_chain(value: str) -> None:
    for payload in ([value], [[1, [value]]], [{"terms": {"purposes": (value,)}}]):
        with pytest.raises(InputError) as caught:
            check_payload(payload)
        assert caught.value.code == "payload-refused"
        assert ID not in str(caught.value) + repr(caught.value.fields)


@pytest.mark.parametrize(
    "value",
    [
        "测试市住房公积金管理中心",
        "https://node.example:8443/x",
        "12411599MBDEM00233",
        "411599199001010015",  # 18 digits whose check digit is wrong are no ID number
        "4115991990010100149",  # nor are 19
        word("GJJDK1-20261102-000001"),
        "0x" + "ab" * 2000,
        "0xabc",
        7,
        b"\x01" * 4000,
        None,
        True,
    ],
)
def test_what_may(value: object) -> None:
    check_payload([value, [value], {"name": value}])


def test_a_caller_is_refused_after_so_many_failures_until_the_minute_is_over() -> None:
    limit = RateLimit(2)
    for _ in range(2):
        limit.check("a", 30.0)
        limit.count("a", 30.0)
    with pytest.raises(RefusedError) as caught:
        limit.check("a", 59.9)
    assert caught.value.code == "refused-rate"
    limit.check("b", 59.9)
    limit.check("a", 60.0)
    assert limit.total == 2


def test_guarding_counts_what_fails_and_nothing_else() -> None:
    limit = RateLimit(2)
    for _ in range(5):
        with limit.guarding("a", 1.0):
            pass
    for _ in range(2):
        with pytest.raises(NotFoundError), limit.guarding("a", 1.0):
            raise NotFoundError("leaf-unknown", "none")
    with pytest.raises(RefusedError) as caught, limit.guarding("a", 1.0):
        pytest.fail("the body does not run")
    assert caught.value.code == "refused-rate"
    assert limit.total == 2


def test_the_callers_that_are_remembered_are_bounded() -> None:
    limit = RateLimit(1)
    for number in range(10_050):
        limit.count(str(number), 1.0)
    assert len(limit._counts) == 10_000
    limit.check("10049", 1.0)  # forgotten, but counted
    assert limit.total == 10_050
    limit.count("5", 1.0)
    assert limit._counts["5"] == 2


class Times:
    def __init__(self) -> None:
        self.wall, self.monotonic = 1_000.0, 50.0


def clock(times: Times) -> Clock:
    return Clock(lambda: times.wall, lambda: times.monotonic)


def block(number: int, time: int) -> BlockRef:
    return BlockRef(number, f"0x{number:064x}", time)


def test_law_time_is_the_newest_blocks_plus_what_has_elapsed() -> None:
    times = Times()
    made = clock(times)
    assert (made.law_s(), made.head().number, made.view_age_s()) == (1_000, 0, float("inf"))
    made.saw(block(1, 5_000))
    times.monotonic += 7.5
    assert made.law_s() == 5_007
    assert made.offset_s() == 4_007.0
    made.saw(block(1, 5_000))  # the same head confirmed: elapsed time goes on
    assert (made.law_s(), made.view_age_s()) == (5_007, 0.0)
    times.wall = 1.0  # the wall clock plays no part
    assert made.law_s() == 5_007


def test_law_time_never_runs_backwards() -> None:
    times = Times()
    made = clock(times)
    made.saw(block(1, 5_000))
    times.monotonic += 100
    assert made.law_s() == 5_100
    made.saw(block(2, 5_050))
    assert made.law_s() == 5_100
    times.monotonic += 60
    assert made.law_s() == 5_110


def test_after_a_restart_the_view_is_as_old_as_it_is() -> None:
    times = Times()
    made = clock(times)
    made.restore(block(3, 7_000), 30.0)
    assert (made.view_age_s(), made.law_s(), made.head().number) == (30.0, 7_030, 3)
    made.restore(block(3, 7_000), -5.0)  # the wall clock was set back meanwhile
    assert made.view_age_s() == 0.0
