from __future__ import annotations

from datetime import date

import pytest

from xinlian.protocol.calendar_file import calendar_of
from xinlian.protocol.clocks import CLOCKS, ClockId, Light, LightRule, Overdue, Term, read_clock
from xinlian.protocol.errors import InputError
from xinlian.protocol.working_days import Calendar, Interval, day_number, end_of, start_of
from xinlian.scenarios.calendar import shipped_calendar

CALENDAR = calendar_of(shipped_calendar())
NINE_O_CLOCK = 9 * 3600


def _at(day: str, second: int = NINE_O_CLOCK) -> int:
    return start_of(day_number(date.fromisoformat(day))) + second


def test_the_decision_table_is_that_of_the_dossier() -> None:
    found = {clock: (rule.length_wd, rule.extension_wd, rule.overdue) for clock, rule in CLOCKS.items()}
    assert found == {
        ClockId.ANSWER_UNCONDITIONAL: (1, 0, Overdue.ESCALATE),
        ClockId.ANSWER_CONDITIONAL: (10, 10, Overdue.ESCALATE),
        ClockId.DELIVER: (20, 0, Overdue.ESCALATE),
        ClockId.CORRECTION_ANSWER: (10, 0, Overdue.ESCALATE),
        ClockId.CATALOG_UPDATE: (10, 5, Overdue.WARN),
        ClockId.CATALOG_REVIEW: (2, 0, Overdue.WARN),
    }
    assert set(CLOCKS) == set(ClockId)


def test_three_of_ten_working_days_used() -> None:
    reading = read_clock(CALENDAR, Term(_at("2026-09-24"), 10), _at("2026-09-30"))
    assert reading.text == "3 of 10 working days used"
    assert reading.to_json() == {
        "length_wd": 10, "used_wd": 3, "left_wd": 7, "deadline": end_of(day_number(date(2026, 10, 15))),
        "last_day": "2026-10-15", "light": "green", "paused": False, "missing_year": None, "text": "3 of 10 working days used",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("length_wd", "now", "light"),
    [
        (10, "2026-10-11", Light.GREEN),  # 6 used: 09-28 29 30, 10-08 09 10; 11 is a Sunday
        (10, "2026-10-12", Light.YELLOW),  # 7 of 10: 70 %
        (10, "2026-10-15", Light.YELLOW),  # the last day
        (10, "2026-10-16", Light.RED),
        (4, "2026-09-28", Light.GREEN),  # 1 of 4
        (4, "2026-09-29", Light.YELLOW),  # 2 left
        (2, "2026-09-24", Light.YELLOW),
    ],
)
def test_lights(length_wd: int, now: str, light: Light) -> None:
    assert read_clock(CALENDAR, Term(_at("2026-09-24"), length_wd), _at(now)).light == light


def test_the_light_turns_red_at_the_first_second_after_the_last_day() -> None:
    deadline_s = end_of(day_number(date(2026, 10, 15)))
    term = Term(_at("2026-09-24"), 10)
    assert read_clock(CALENDAR, term, deadline_s - 1).light == Light.YELLOW
    assert read_clock(CALENDAR, term, deadline_s).light == Light.RED
    late = read_clock(CALENDAR, term, _at("2026-10-20"))
    assert (late.used_wd, late.left_wd, late.text) == (13, 0, "13 of 10 working days used")


def test_when_it_turns_yellow_is_configurable() -> None:
    term, now_s = Term(_at("2026-09-24"), 10), _at("2026-10-11")
    assert read_clock(CALENDAR, term, now_s, LightRule(yellow_left_wd=4)).light == Light.YELLOW
    assert read_clock(CALENDAR, term, now_s, LightRule(yellow_used_percent=60)).light == Light.YELLOW
    late_only = LightRule(yellow_left_wd=0, yellow_used_percent=101)
    assert read_clock(CALENDAR, term, _at("2026-10-14"), late_only).light == Light.GREEN


def test_a_paused_clock_says_so_and_stands_still() -> None:
    pause = Interval(day_number(date(2026, 11, 9)), day_number(date(2026, 11, 20)))
    term = Term(_at("2026-11-02"), 15, (pause,))
    inside, after = read_clock(CALENDAR, term, _at("2026-11-13")), read_clock(CALENDAR, term, _at("2026-11-23"))
    assert (inside.used_wd, inside.is_paused, inside.last_day) == (4, True, "2026-12-07")
    assert (after.used_wd, after.is_paused) == (5, False)


def test_a_missing_year_is_named_and_stops_only_the_deadline() -> None:
    reading = read_clock(CALENDAR, Term(_at("2026-12-24"), 10), _at("2026-12-29"))
    assert (reading.used_wd, reading.deadline_s, reading.light, reading.missing_year) == (3, None, None, 2027)
    assert (reading.last_day, reading.text) == (None, "3 of 10 working days used")
    nothing = read_clock(Calendar({}), Term(_at("2026-12-24"), 10), _at("2026-12-29"))
    assert (nothing.used_wd, nothing.left_wd, nothing.text) == (None, None, "? of 10 working days used")
    assert nothing.missing_year == 2026


def test_a_node_that_is_a_block_behind_reads_zero() -> None:
    assert read_clock(CALENDAR, Term(_at("2026-09-24"), 10), _at("2026-09-24", 0)).used_wd == 0


def test_terms_outside_the_limits_are_defects() -> None:
    with pytest.raises(InputError) as caught:
        read_clock(CALENDAR, Term(_at("2026-09-24"), 0), _at("2026-09-24"))
    assert caught.value.code == "calendar-term"
