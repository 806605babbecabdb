"""The seeded generator: deterministic, code-correct, with the dossier's five persons, in files that the readers take."""

from __future__ import annotations

import random
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xinlian.node.files import FileForm, Limits, check_rows, kind_of_name, read_rows
from xinlian.protocol.codes import check_id_number, check_uscc
from xinlian.protocol.dataset import compile_validator, evaluate_view
from xinlian.scenarios.catalogue import load_schemas
from xinlian.scenarios.synthetic import (
    BING,
    CONTRACT_NO,
    DING,
    DOSSIER_PERSONS,
    JIA,
    PERMIT_NO,
    UNIT_CODE,
    WU,
    YI,
    generate,
    make_rows,
)
from xinlian.scenarios.synthetic.people import enterprise_uscc, make_people

SCHEMAS = load_schemas("new-home-loan")
ROWS: dict[str, list[dict[str, Any]]] = make_rows(random.Random(7), 1500)


def _one(alias: str, **wanted: object) -> dict[str, Any]:
    (row,) = [row for row in ROWS[alias] if all(row[name] == value for name, value in wanted.items())]
    return row


@pytest.mark.parametrize("alias", sorted(SCHEMAS))
def test_every_row_is_sound_and_its_key_unique(alias: str) -> None:
    compiled = compile_validator(SCHEMAS[alias])
    assert [compiled.validate(row) for row in ROWS[alias] if compiled.validate(row)] == []
    keys = Counter(compiled.key(row) for row in ROWS[alias])
    assert keys.most_common(1)[0][1] == 1


def test_a_whole_set_of_files_comes_back_through_the_readers(tmp_path: Path) -> None:
    manifest = generate(tmp_path, seed=1, rows=10_000)
    assert manifest.rows >= 10_000
    assert {entry.kind for entry in manifest.files} == {"xlsx", "csv", "ndjson"}
    assert {entry.encoding for entry in manifest.files} == {"utf-8", "gb18030", ""}
    made = make_rows(random.Random(1), 10_000)
    for entry in manifest.files:
        schema = SCHEMAS[entry.dataset]
        with (tmp_path / entry.path).open("rb") as stream:
            rows = read_rows(stream, FileForm(kind_of_name(entry.path)), schema, Limits())
            result = check_rows(rows, compile_validator(schema), Limits())
        assert result.faults == (), entry.dataset
        assert list(result.rows) == made[entry.dataset], entry.dataset
        assert len(result.rows) == entry.rows


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again = generate(tmp_path / "a", seed=5, rows=300), generate(tmp_path / "b", seed=5, rows=300)
    assert first == again
    assert (tmp_path / "a/manifest.json").read_bytes() == (tmp_path / "b/manifest.json").read_bytes()
    assert generate(tmp_path / "c", seed=6, rows=300) != first


def test_all_people_are_synthetic() -> None:
    for row in ROWS["GA-01"]:
        check_id_number(row["id_number"])
        assert row["id_number"].startswith("411599")
        assert re.fullmatch("测试.{1,3}", row["name"])
    assert (
        len({person.id_number for person in make_people(random.Random(3), 500)} | {p.id_number for p in DOSSIER_PERSONS}) == 505
    )
    check_uscc(enterprise_uscc(101))
    check_uscc(enterprise_uscc(120))


def test_the_couple_of_case_a() -> None:
    accounts = [_one("GJJ-01", id_number=person.id_number) for person in (JIA, YI)]
    assert sum(Decimal(row["deposit_base_yuan"]) for row in accounts) == Decimal(11_000)
    assert sum(Decimal(row["balance_yuan"]) for row in accounts) == Decimal(50_000)
    assert [row["continuous_months"] for row in accounts] == [48, 48]
    assert (accounts[0]["pf_account_no"], accounts[0]["deposit_base_yuan"]) == ("4115990000000001", "6000.00")
    for person, spouse in ((JIA, YI), (YI, JIA)):
        marriage = _one("MZ-01", id_number=person.id_number)
        assert (marriage["marital_status"], marriage["spouse_id_number"]) == ("20", spouse.id_number)
        assert (marriage["spouse_name"], marriage["registered_on"]) == (spouse.name, "2018-05-20")
        assert [row for row in ROWS["GJJ-02"] if row["id_number"] == person.id_number] == []


def test_their_contract() -> None:
    contract = _one("ZJ-02", contract_no=CONTRACT_NO)
    assert [buyer["id_number"] for buyer in contract["buyers"]] == [JIA.id_number, YI.id_number]
    assert (contract["total_price_yuan"], contract["down_payment_yuan"]) == ("720000.00", "220000.00")
    assert (contract["unit_price_yuan"], contract["gross_area_sqm"], contract["filing_status"]) == ("7309.64", "98.50", "有效")
    assert (contract["presale_permit_no"], contract["unit_code"]) == (PERMIT_NO, UNIT_CODE)
    assert UNIT_CODE == "411599001001GB00002F00010001"
    assert _one("ZJ-03", contract_no=CONTRACT_NO)["paid_yuan"] == "220000.00"
    assert _one("ZJ-01", presale_permit_no=PERMIT_NO)["escrow_account"] == "6200000000000000001"


@pytest.mark.parametrize(("family", "count"), [((JIA, YI), 0), ((BING,), 2), ((DING,), 1), ((WU,), 0), ((BING, DING), 3)])
def test_homes(family: tuple[Any, ...], count: int) -> None:
    schema = SCHEMAS["BDC-01"]
    owned = [row for row in ROWS["BDC-01"] if row["owner_id_number"] in {person.id_number for person in family}]
    assert evaluate_view(schema, schema.view("home_count"), owned, {}) == count
    assert evaluate_view(schema, schema.view("no_home"), owned, {}) is (count == 0)


def test_the_other_three() -> None:
    assert _one("GJJ-01", id_number=WU.id_number)["continuous_months"] == 5
    assert DING.born_on.year == 1958
    assert _one("GJJ-02", id_number=BING.id_number)["outstanding"] is False
    assert {_one("GA-01", id_number=person.id_number)["person_status"] for person in DOSSIER_PERSONS} == {"正常"}


def test_relations_between_the_datasets_hold() -> None:
    permits = {row["presale_permit_no"] for row in ROWS["ZJ-01"]}
    contracts = {row["contract_no"]: row for row in ROWS["ZJ-02"]}
    assert {row["presale_permit_no"] for row in contracts.values()} <= permits
    paid: dict[str, Decimal] = {}
    for row in ROWS["ZJ-03"]:
        paid[row["contract_no"]] = paid.get(row["contract_no"], Decimal(0)) + Decimal(row["paid_yuan"])
    assert {number: Decimal(row["down_payment_yuan"]) for number, row in contracts.items()} == paid
    marriages = {row["id_number"]: row for row in ROWS["MZ-01"]}
    for row in marriages.values():
        if row["spouse_id_number"] is not None:
            assert marriages[row["spouse_id_number"]]["spouse_id_number"] == row["id_number"]
    for row in ROWS["GJJ-01"]:
        assert Decimal(row["monthly_self_yuan"]) >= Decimal("0.05") * Decimal(row["deposit_base_yuan"])
