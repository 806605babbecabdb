"""Synthetic rows of the eight datasets of scenario A, the five persons of the dossier with their facts among them.

Rules
1. 测试甲 and 测试乙 are married; their deposit bases sum to 11,000.00, their balances to 50,000.00, both with 48 months; contract
   WQ2026000001, price 720,000.00, first payment 220,000.00; no home, no loan record (test vector case A).
2. 测试丙 owns two homes (case D), 测试丁 is born in 1958 (case H), 测试戊 has five months (case B).
3. Natural keys are unique, check digits right, amounts plausible (deposit rate 5 to 12 per cent on both sides).

Source: dossier 2.9, 3.1.2, 3.1.5 (test vectors), 4.3.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Final, TypeAlias

from xinlian.scenarios.synthetic.people import (
    BING,
    DING,
    DOSSIER_PERSONS,
    JIA,
    WU,
    YI,
    Person,
    enterprise_uscc,
    land_code,
    make_people,
    unit_code,
)

Row: TypeAlias = dict[str, object]

AS_OF: Final = "20261102T080000"
SCOPE_REGION: Final = "411599 测试区"
CONTRACT_NO: Final = "WQ2026000001"
PERMIT_NO: Final = "(测)房预售证第2026001号"
UNIT_CODE: Final = unit_code(2, 1, 1)
DEVELOPER: Final = ("测试安居房地产开发有限公司", "91411599MADEM0011L")
_AUTHORITY: Final = ("测试市住房和城乡建设局", "11411599MBDEM00311")
_LAST_DAY: Final = dt.date(2026, 10, 30)
_MARRIED, _UNMARRIED, _WIDOWED, _DIVORCED = "20", "10", "30", "40"
_PERMITS: Final = 20


@dataclass(frozen=True, slots=True)
class Deposit:
    """What a dossier person's deposit account says: base and balance in fen a month / fen, months, day it was opened."""

    base_fen: int
    balance_fen: int
    months: int
    opened_on: str


_DEPOSITS: Final = {
    JIA: Deposit(600_000, 3_200_000, 48, "2018-07-01"),
    YI: Deposit(500_000, 1_800_000, 48, "2019-03-01"),
    BING: Deposit(900_000, 6_400_000, 72, "2016-01-01"),
    DING: Deposit(700_000, 9_900_000, 240, "2006-05-01"),
    WU: Deposit(450_000, 225_000, 5, "2026-06-01"),
}


def yuan(fen: int) -> str:
    """An amount in 元 with two places, from 分."""
    return f"{fen // 100}.{fen % 100:02d}"


def make_rows(generator: random.Random, rows: int) -> dict[str, list[Row]]:
    """Rows of all datasets by alias.

    Args:
        generator: seeded.
        rows: rows wanted in total; the result has at least as many.
    """
    people = [*DOSSIER_PERSONS, *make_people(generator, max(20, rows // 5))]
    couples = _couples(generator, people)
    contracts = _contracts(generator, people, couples)
    made = {
        "GA-01": [_identity(generator, person) for person in people],
        "MZ-01": [_marriage(generator, person, couples.get(person)) for person in people],
        "GJJ-01": [_account(generator, number, person) for number, person in enumerate(people, start=1)],
        "GJJ-02": _loans(generator, people),
        "ZJ-01": _permits(generator),
        "ZJ-02": contracts,
        "ZJ-03": _payments(generator, contracts),
    }
    wanted = max(len(people) // 2, rows - sum(len(entries) for entries in made.values()))
    return {**made, "BDC-01": _homes(generator, people, wanted)}


def _day(generator: random.Random, first: dt.date, last: dt.date) -> dt.date:
    return first + dt.timedelta(days=generator.randrange((last - first).days + 1))


def _couples(generator: random.Random, people: list[Person]) -> dict[Person, Person]:
    """Who is married to whom, both ways; among the dossier's only 甲 and 乙."""
    others = people[len(DOSSIER_PERSONS) :]
    generator.shuffle(others)
    half = len(others) // 3
    couples = {JIA: YI, YI: JIA}
    for left, right in zip(others[:half], others[half : 2 * half], strict=True):
        couples[left], couples[right] = right, left
    return couples


def _identity(generator: random.Random, person: Person) -> Row:
    is_dossier = person in DOSSIER_PERSONS
    status = "正常" if is_dossier or generator.randrange(50) > 0 else generator.choice(("死亡", "注销"))
    return {"name": person.name, "id_number": person.id_number, "person_status": status}


def _marriage(generator: random.Random, person: Person, spouse: Person | None) -> Row:
    row: Row = {"id_number": person.id_number, "marital_status": _UNMARRIED, "spouse_name": None, "spouse_id_number": None}
    row |= {"registered_on": None, "registrar": None, "as_of": AS_OF}
    if spouse is not None:
        row |= {"marital_status": _MARRIED, "spouse_name": spouse.name, "spouse_id_number": spouse.id_number}
        row |= {"registered_on": _married_on(person, spouse), "registrar": "测试市民政局"}
    elif person == DING or (person not in DOSSIER_PERSONS and generator.randrange(5) == 0):
        row["marital_status"] = _WIDOWED if person == DING else generator.choice((_WIDOWED, _DIVORCED))
    return row


def _married_on(person: Person, spouse: Person) -> str:
    """The same day for both: 2018-05-20 for 甲 and 乙, else the younger one's 24th birthday or the next day that exists."""
    if JIA in (person, spouse):
        return "2018-05-20"
    younger = max(person.born_on, spouse.born_on)
    return (younger + dt.timedelta(days=24 * 365 + 6)).isoformat()


def _account(generator: random.Random, number: int, person: Person) -> Row:
    given = _DEPOSITS.get(person)
    deposit = given or _random_deposit(generator)
    rate_per_mille = 100 if given else generator.randrange(50, 121, 10)
    monthly_fen = deposit.base_fen * rate_per_mille // 1000
    status = "01" if given or generator.randrange(12) > 0 else generator.choice(("02", "06", "99"))
    employer = 1 if given else generator.randrange(1, 200)
    return {
        "pf_account_no": f"411599{number:010d}",
        "name": person.name,
        "id_type": "01",
        "id_number": person.id_number,
        "deposit_base_yuan": yuan(deposit.base_fen),
        "account_status": status,
        "opened_on": deposit.opened_on,
        "balance_yuan": yuan(deposit.balance_fen),
        "monthly_self_yuan": yuan(monthly_fen),
        "monthly_employer_yuan": yuan(monthly_fen),
        "paid_to": "202610",
        "continuous_months": deposit.months,
        "employer_name": "测试缴存单位有限公司" if employer == 1 else f"测试缴存单位第{employer}有限公司",
        "employer_account_no": f"411599{employer:06d}",
        "frozen": status == "06",
    }


def _random_deposit(generator: random.Random) -> Deposit:
    months = generator.randrange(1, 180)
    base_fen = generator.randrange(250_000, 3_000_000, 5_000)
    opened = _LAST_DAY.replace(day=1) - dt.timedelta(days=30 * months)
    return Deposit(base_fen, base_fen * months // 8 + generator.randrange(100_000), months, opened.replace(day=1).isoformat())


def _loans(generator: random.Random, people: list[Person]) -> list[Row]:
    """Loan records of 丙 and of about two in five others; 甲, 乙, 丁 and 戊 have none."""
    borrowers = [p for p in people if p == BING or (p not in DOSSIER_PERSONS and generator.randrange(5) < 2)]
    return [_loan(generator, person, is_settled=person == BING or generator.randrange(3) == 0) for person in borrowers]


def _loan(generator: random.Random, person: Person, *, is_settled: bool) -> Row:
    settled_on = _day(generator, dt.date(2015, 1, 1), _LAST_DAY).isoformat() if is_settled else None
    return {
        "id_number": person.id_number,
        "loan_count_used": 1 if person == BING else generator.choice((1, 1, 1, 2)),
        "outstanding": not is_settled,
        "loan_balance_yuan": "0.00" if is_settled else yuan(generator.randrange(1_000_000, 60_000_000)),
        "settled_on": settled_on,
        "overdue_times_24m": 0 if is_settled else generator.choice((0, 0, 0, 1, 2)),
        "withdrawal_in_process": person != BING and generator.randrange(30) == 0,
    }


def permit_no(number: int) -> str:
    """预售许可证编号 of permit ``number``, from 1."""
    return f"(测)房预售证第2026{number:03d}号"


def _permits(generator: random.Random) -> list[Row]:
    return [_permit(generator, number) for number in range(1, _PERMITS + 1)]


def _permit(generator: random.Random, number: int) -> Row:
    """Permit 1 is that of project P2; the others belong to further synthetic developers."""
    is_p2 = number == 1
    name, uscc = DEVELOPER if is_p2 else (f"测试置业第{number}有限公司", enterprise_uscc(100 + number))
    issued = dt.date(2026, 1, 20) if is_p2 else _day(generator, dt.date(2025, 3, 1), dt.date(2026, 9, 30))
    return {
        "presale_permit_no": permit_no(number),
        "developer_name": name,
        "developer_uscc": uscc,
        "project_name": "测试安居小区二期" if is_p2 else f"测试小区第{number}期",
        "project_location": "测试市测试路2号" if is_p2 else f"测试市测试路{100 + number}号",
        "escrow_bank": "测试银行",
        "escrow_account": f"62{number:017d}",
        "presale_area_sqm": "50000.00" if is_p2 else yuan(generator.randrange(1_000_000, 12_000_000)),
        "buildings": 5 if is_p2 else generator.randrange(1, 20),
        "units": 480 if is_p2 else generator.randrange(40, 2000),
        "land_unit_code": land_code(_parcel(number)),
        "issuer_name": _AUTHORITY[0],
        "issuer_uscc": _AUTHORITY[1],
        "issued_on": issued.isoformat(),
        "valid_from": issued.isoformat(),
        "valid_to": issued.replace(year=issued.year + 2, day=min(issued.day, 28)).isoformat(),
    }


def _parcel(number: int) -> int:
    """Parcel of a permit's project: P2 has parcel 2, the others 100 and more."""
    return 2 if number == 1 else 100 + number


def _contracts(generator: random.Random, people: list[Person], couples: dict[Person, Person]) -> list[Row]:
    """WQ2026000001 is 甲 and 乙's; then 丙, 丁, 戊; then every fourth of the others."""
    buyers = [[JIA, YI], [BING], [DING], [WU]]
    others = people[len(DOSSIER_PERSONS) :]
    for person in others[: len(others) // 4]:
        spouse = couples.get(person)
        buyers.append([person, spouse] if spouse is not None and generator.randrange(2) == 0 else [person])
    return [_contract(generator, number, names) for number, names in enumerate(buyers, start=1)]


def _contract(generator: random.Random, number: int, buyers: list[Person]) -> Row:
    project = 1 if number <= 4 else generator.randrange(2, _PERMITS + 1)
    building, unit = divmod(number - 1, 96)
    area, inner = (9850, 7820) if number <= 4 else _areas(generator)
    total_fen = 72_000_000 if number <= 4 else area * generator.randrange(400_000, 1_500_000) // 10_000 * 100
    down_fen = 22_000_000 if number <= 4 else total_fen * generator.randrange(20, 60) // 100
    signed = dt.date(2026, 10, 12) if number <= 4 else _day(generator, dt.date(2026, 2, 1), _LAST_DAY)
    share = f"{100 // len(buyers)}%"
    return {
        "contract_no": f"WQ2026{number:06d}",
        "filing_no": f"BA2026{number:06d}",
        "filed_on": signed.isoformat(),
        "filing_status": "有效" if number <= 4 or generator.randrange(25) > 0 else generator.choice(("注销", "变更中")),
        "presale_permit_no": permit_no(project),
        "unit_code": unit_code(_parcel(project), building + 1, unit + 1),
        "address": f"测试市测试路{2 if project == 1 else 100 + project}号{building + 1}幢1单元{101 + unit}",
        "buyers": [{"name": person.name, "id_number": person.id_number, "share": share} for person in buyers],
        "seller_uscc": DEVELOPER[1] if project == 1 else enterprise_uscc(100 + project),
        "house_nature": "01",
        "usage": "住宅" if number <= 4 or generator.randrange(12) > 0 else generator.choice(("商业", "办公", "其他")),
        "house_form": "0",
        "gross_area_sqm": yuan(area),
        "net_area_sqm": yuan(inner),
        "unit_price_yuan": yuan(total_fen * 100 // area),
        "total_price_yuan": yuan(total_fen),
        "down_payment_yuan": yuan(down_fen),
        "pay_mode": "公积金" if number <= 4 else generator.choice(("一次性", "按揭", "公积金", "组合")),
        "delivery_due": "2028-06-30",
    }


def _areas(generator: random.Random) -> tuple[int, int]:
    """Gross and net area in hundredths of a square metre."""
    gross = generator.randrange(6_000, 18_000)
    return gross, gross * generator.randrange(74, 86) // 100


def _payments(generator: random.Random, contracts: list[Row]) -> list[Row]:
    """First payments: one for each contract, in one of seven cases in two parts."""
    payments: list[Row] = []
    for number, contract in enumerate(contracts, start=1):
        total_fen = int(str(contract["down_payment_yuan"]).replace(".", ""))
        parts = [total_fen] if number <= 4 or generator.randrange(7) > 0 else [total_fen // 2, total_fen - total_fen // 2]
        filed = dt.date.fromisoformat(str(contract["filed_on"]))
        for index, part in enumerate(parts):
            payments.append(
                {
                    "contract_no": contract["contract_no"],
                    "paid_yuan": yuan(part),
                    "paid_on": (filed - dt.timedelta(days=3 + 10 * index)).isoformat(),
                    "escrow_account_tail4": "0001" if number <= 4 else f"{generator.randrange(10_000):04d}",
                    "confirmed": number <= 4 or generator.randrange(20) > 0,
                }
            )
    return payments


def _homes(generator: random.Random, people: list[Person], count: int) -> list[Row]:
    """Registered homes: 丙 two, 丁 one, 甲, 乙 and 戊 none; the others none to three."""
    owners = [BING, BING, DING]
    others = people[len(DOSSIER_PERSONS) :]
    while len(owners) < count:
        owners.append(generator.choice(others))
    return [
        {
            "owner_id_number": person.id_number,
            "unit_code": unit_code(1 + number // 2000, 1 + number % 2000 // 100, 1 + number % 100),
            "scope_region": SCOPE_REGION,
            "as_of": AS_OF,
        }
        for number, person in enumerate(owners, start=20_000)
    ]
