"""Rules over one node's own logs: the breach is found, the lawful twin is not."""

from __future__ import annotations

from tests.support.findings import PROVIDER, REQUESTER, Chain, at, moment
from xinlian.node.findings.local_rules import (
    SHOWN,
    answers_not_proven,
    calls_outside,
    cases_not_disposed,
    use_gaps,
)
from xinlian.protocol.findings import Finding, ReadRef
from xinlian.protocol.working_days import day_of, start_of
from xinlian.store.use import ReadDay, RefusedCall, UseRow

GRANT, CASE = f"{PROVIDER}/1", f"{REQUESTER}/CASE-1"
NOW = "2026-12-25"


def call(position: int, check: str = "purpose", grant: str = GRANT) -> RefusedCall:
    return RefusedCall(f"rid-{position}", REQUESTER, grant, CASE, check, at("2026-09-21") + position, position, bytes([position]))


def only(found: list[Finding]) -> Finding:
    (one,) = found
    return one


def test_calls_outside_the_grant_are_one_finding_a_check() -> None:
    found = only(list(calls_outside(PROVIDER, [call(1), call(2)])))
    assert (found.article, found.breach, found.department) == ("40(2)", "call-outside-grant", REQUESTER)
    assert found.object_ref == f"grant {GRANT}"
    assert found.facts == {"check": "purpose", "calls": 2, "last_at": call(2).refused_at}
    assert found.evidence == tuple(ReadRef(PROVIDER, n, bytes([n]).hex(), call(n).refused_at) for n in (1, 2))
    assert only(list(calls_outside(PROVIDER, [call(1)]))).id == found.id, "another call is more evidence of the same"
    assert len(list(calls_outside(PROVIDER, [call(1), call(2, "fields"), call(3, grant=f"{PROVIDER}/2")]))) == 3
    assert len(only(list(calls_outside(PROVIDER, [call(n) for n in range(1, 50)]))).evidence) == SHOWN


def test_a_call_that_comes_late_is_no_breach() -> None:
    for check in ("case-open", "grant-running", "uses-left", "view-fresh", "department-active"):
        assert list(calls_outside(PROVIDER, [call(1, check)])) == []


def test_answers_that_prove_nothing() -> None:
    seen = RefusedCall("rid", PROVIDER, GRANT, CASE, "not-proven", at("2026-09-21"), 4, b"\4")
    found = only(list(answers_not_proven(REQUESTER, [seen])))
    assert (found.article, found.breach, found.department) == ("40(6)", "answer-not-proven", PROVIDER)
    assert list(answers_not_proven(REQUESTER, [])) == []


def day(text: str, position: int = 1, case: str | None = CASE) -> ReadDay:
    return ReadDay(GRANT, case, start_of(day_of(at(text))), position, bytes([position]), 3)


def record(first: str, last: str, recorded: str, case: str | None = None) -> UseRow:
    return UseRow(GRANT, case, start_of(day_of(at(first))), start_of(day_of(at(last)) + 1), b"", at(recorded))


def gaps(days: list[ReadDay], records: list[UseRow], now: str = NOW) -> list[Finding]:
    return list(use_gaps(REQUESTER, days, records, 10, moment(now)))


def test_a_read_without_a_use_record() -> None:
    found = only(gaps([day("2026-09-21"), day("2026-09-22", 5)], []))
    assert (found.article, found.breach, found.department, found.is_standing) == ("40(5)", "use-record-missing", REQUESTER, True)
    assert found.facts == {"month": "2026-09", "reads": 6, "days": 2, "length_wd": 10}
    assert gaps([day("2026-09-21")], [], "2026-09-25") == [], "there is still time"
    assert len(gaps([day("2026-09-21"), day("2026-10-20", 5)], [])) == 2, "one a month"


def test_a_use_record_in_time_covers_its_period_and_case() -> None:
    in_time = record("2026-09-01", "2026-09-30", "2026-09-28")
    assert gaps([day("2026-09-21"), day("2026-09-30", 5)], [in_time]) == []
    assert len(gaps([day("2026-10-09")], [in_time])) == 1, "another day"
    assert gaps([day("2026-09-21")], [record("2026-09-21", "2026-09-21", "2026-09-28", CASE)]) == []
    assert len(gaps([day("2026-09-21")], [record("2026-09-21", "2026-09-21", "2026-09-28", f"{REQUESTER}/CASE-2")])) == 1


def test_a_late_use_record_ends_the_breach_but_not_the_finding() -> None:
    found = only(gaps([day("2026-09-21")], []))
    late = only(gaps([day("2026-09-21")], [record("2026-09-01", "2026-09-30", "2026-12-01")]))
    assert (late.id, late.is_standing) == (found.id, False)


def test_what_is_still_here_of_a_closed_case() -> None:
    closed = {CASE: Chain().event("2026-10-12", "CaseClosed", "CaseLedger").entries[0]}

    def found(held: set[str], here: dict[str, int], now: str = NOW) -> list[Finding]:
        return list(cases_not_disposed(REQUESTER, closed, here, held, moment(now)))

    one = only(found(set(), {CASE: 2}))
    assert (one.article, one.breach, one.department, one.facts["values"]) == ("40(4)", "case-not-disposed", REQUESTER, 2)
    assert found({CASE}, {CASE: 2}) == [], "a retention duty keeps it"
    assert found(set(), {}) == [], "disposed of"
    assert found(set(), {CASE: 2}, "2026-10-15") == [], "there is still time"
