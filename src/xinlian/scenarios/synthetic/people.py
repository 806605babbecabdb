"""Synthetic people and codes: right check digits, region 411599 (which no real person has), names that begin with 测试.

Source: dossier 2.9 (codes, the five persons, organisations), 4.3 (demo data).
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Final

from xinlian.protocol.codes import id_check_digit, organisation_check_digit, uscc_check_digit

REGION: Final = "411599"
_SYLLABLES: Final = "子丑寅卯辰巳午未申酉戌亥乾坤震巽坎离艮兑金木水火土春夏秋冬东南西北"
_FIRST_BIRTH: Final = dt.date(1960, 1, 1)
_BIRTH_DAYS: Final = 16_000


@dataclass(frozen=True, slots=True)
class Person:
    """A synthetic person: 中文 name and 公民身份号码 (18 characters)."""

    name: str
    id_number: str

    @property
    def born_on(self) -> dt.date:
        """Day of birth, from the number."""
        return dt.date(int(self.id_number[6:10]), int(self.id_number[10:12]), int(self.id_number[12:14]))


JIA: Final = Person("测试甲", "411599199001010014")
"""Borrower and buyer."""
YI: Final = Person("测试乙", "411599199102020027")
"""Spouse of 测试甲, co-borrower."""
BING: Final = Person("测试丙", "411599198503030037")
"""Owns two homes."""
DING: Final = Person("测试丁", "411599195804040040")
"""Born 1958: too old at the end of the loan."""
WU: Final = Person("测试戊", "411599199606060057")
"""Five months of deposits only."""
DOSSIER_PERSONS: Final = (JIA, YI, BING, DING, WU)


def make_people(generator: random.Random, count: int) -> list[Person]:
    """Different people, none of them of the dossier.

    Args:
        generator: seeded.
        count: how many.
    """
    taken = {person.id_number for person in DOSSIER_PERSONS}
    people: list[Person] = []
    while len(people) < count:
        born = _FIRST_BIRTH + dt.timedelta(days=generator.randrange(_BIRTH_DAYS))
        body = f"{REGION}{born:%Y%m%d}{generator.randrange(100, 1000)}"
        id_number = body + id_check_digit(body)
        if id_number not in taken:
            taken.add(id_number)
            people.append(Person(_name(generator), id_number))
    return people


def _name(generator: random.Random) -> str:
    return "测试" + "".join(generator.choices(_SYLLABLES, k=generator.choice((2, 2, 2, 3))))


def enterprise_uscc(number: int) -> str:
    """A right USCC of a synthetic enterprise.

    Args:
        number: 101 to 999; below are the organisations of the dossier.
    """
    organisation = f"MADEM{number:03d}"
    body = f"91{REGION}{organisation}{organisation_check_digit(organisation)}"
    return body + uscc_check_digit(body)


def unit_code(parcel: int, building: int, unit: int) -> str:
    """不动产单元代码 of a flat (28 characters): parcel 1-99999, building 1-9999, unit 1-9999."""
    return f"{REGION}001001GB{parcel:05d}F{building:04d}{unit:04d}"


def land_code(parcel: int) -> str:
    """不动产单元代码 of a parcel of land (28 characters)."""
    return f"{REGION}001001GB{parcel:05d}W00000000"
