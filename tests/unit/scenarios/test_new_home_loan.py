"""The shipped datasets and need-to-know matrix of scenario A."""

from __future__ import annotations

import pytest

from xinlian.protocol.codes import check_uscc
from xinlian.protocol.dataset import Mode, SubjectKind
from xinlian.protocol.errors import NotFoundError
from xinlian.scenarios.catalogue import NeedToKnowRule, dataset_files, load_need_to_know, load_schemas, scenario_names

SCENARIO = "new-home-loan"
SCHEMAS = load_schemas(SCENARIO)
MATRIX = load_need_to_know(SCENARIO)

# dossier 3.0 and 3.1.2, plus the lookup fields the issue names, minus the results of the exchange
DOSSIER_FIELDS = {
    "GA-01": "name id_number person_status",
    "MZ-01": "id_number marital_status spouse_name spouse_id_number registered_on registrar as_of",
    "GJJ-01": "pf_account_no name id_type id_number deposit_base_yuan account_status opened_on balance_yuan monthly_self_yuan "
    "monthly_employer_yuan paid_to continuous_months employer_name employer_account_no frozen",
    "GJJ-02": "id_number loan_count_used outstanding loan_balance_yuan settled_on overdue_times_24m withdrawal_in_process",
    "ZJ-01": "presale_permit_no developer_name developer_uscc project_name project_location escrow_bank escrow_account "
    "presale_area_sqm buildings units land_unit_code issuer_name issuer_uscc issued_on valid_from valid_to",
    "ZJ-02": "contract_no filing_no filed_on filing_status presale_permit_no unit_code address buyers.1.name buyers.1.id_number "
    "buyers.1.share buyers.2.name buyers.2.id_number buyers.2.share buyers.3.name buyers.3.id_number buyers.3.share "
    "buyers.4.name buyers.4.id_number buyers.4.share seller_uscc house_nature usage house_form gross_area_sqm net_area_sqm "
    "unit_price_yuan total_price_yuan down_payment_yuan pay_mode delivery_due",
    "ZJ-03": "contract_no paid_yuan paid_on escrow_account_tail4 confirmed",
    "BDC-01": "owner_id_number unit_code scope_region as_of",
}
OWNERS = {
    "GA-01": "11411599MBDEM0066K",
    "MZ-01": "11411599MBDEM0074E",
    "GJJ-01": "12411599MBDEM00233",
    "GJJ-02": "12411599MBDEM00233",
    "ZJ-01": "11411599MBDEM00311",
    "ZJ-02": "11411599MBDEM00311",
    "ZJ-03": "11411599MBDEM00311",
    "BDC-01": "12411599MBDEM0058M",
}
NEVER_GRANTED = {
    "MZ-01": {"id_number"},
    "GJJ-02": {"id_number"},
    "ZJ-03": {"paid_yuan", "paid_on", "escrow_account_tail4"},
    "BDC-01": {"owner_id_number", "unit_code"},
}
RECEIVERS = {"12411599MBDEM00233", "12411599MBDEM0058M", "91411599MADEM0070P", "11411599MBDEM00311", "11411599MBDEM00829"}


def test_the_scenario_is_shipped() -> None:
    assert SCENARIO in scenario_names()
    assert set(dataset_files(SCENARIO)) == set(DOSSIER_FIELDS)
    with pytest.raises(NotFoundError) as caught:
        load_schemas("../synthetic")
    assert caught.value.code == "scenario-unknown"


def test_who_asks_for_the_persons_authorisation_says_so() -> None:
    """Where the conditions name it (须有本人授权, 须有家庭成员授权) and nothing else opens the data instead (或法定职责)."""
    asking = {alias for alias, schema in SCHEMAS.items() if schema.catalogue.requires_authorisation}
    assert asking == {"GJJ-01", "GJJ-02", "BDC-01", "MZ-01"}
    named = {alias for alias, schema in SCHEMAS.items() if "授权" in schema.catalogue.use_conditions}
    assert named - asking == {"ZJ-02"}
    assert "或法定职责" in SCHEMAS["ZJ-02"].catalogue.use_conditions


@pytest.mark.parametrize(
    ("alias", "sensitive"),
    [
        ("GJJ-01", "pf_account_no deposit_base_yuan account_status balance_yuan monthly_self_yuan monthly_employer_yuan frozen"),
        ("ZJ-03", "paid_yuan"),
        ("MZ-01", ""),
        ("ZJ-01", ""),
    ],
)
def test_sensitive_fields(alias: str, sensitive: str) -> None:
    schema = SCHEMAS[alias]
    assert " ".join(schema.names_of(schema.sensitive_mask)) == sensitive
    assert schema.is_personal == (alias != "ZJ-01")


@pytest.mark.parametrize("alias", sorted(DOSSIER_FIELDS))
def test_fields_owner_and_what_is_never_granted(alias: str) -> None:
    schema = SCHEMAS[alias]
    assert [entry.name for entry in schema.fields] == DOSSIER_FIELDS[alias].split()
    assert (schema.alias, schema.owner, schema.version) == (alias, OWNERS[alias], 1)
    check_uscc(schema.owner)
    assert {entry.name for entry in schema.fields if not entry.is_grantable} == NEVER_GRANTED.get(alias, set())


def test_catalogue_codes_are_unique() -> None:
    assert len({schema.code for schema in SCHEMAS.values()}) == len(SCHEMAS)


@pytest.mark.parametrize(
    ("alias", "kind", "name"),
    [
        ("GA-01", SubjectKind.PERSON, "id_number"),
        ("MZ-01", SubjectKind.PERSON, "id_number"),
        ("GJJ-01", SubjectKind.PERSON, "id_number"),
        ("GJJ-02", SubjectKind.PERSON, "id_number"),
        ("ZJ-01", SubjectKind.PERMIT, "presale_permit_no"),
        ("ZJ-02", SubjectKind.CONTRACT, "contract_no"),
        ("ZJ-02", SubjectKind.PERSON, "buyers.id_number"),
        ("ZJ-03", SubjectKind.CONTRACT, "contract_no"),
        ("BDC-01", SubjectKind.PERSON, "owner_id_number"),
    ],
)
def test_lookups(alias: str, kind: SubjectKind, name: str) -> None:
    lookup = SCHEMAS[alias].lookup(kind)
    assert lookup is not None
    assert lookup.name == name


def test_sharing_properties() -> None:
    assert SCHEMAS["ZJ-01"].catalogue.share_type == 1
    assert {alias for alias, schema in SCHEMAS.items() if schema.catalogue.share_type == 2} == set(SCHEMAS) - {"ZJ-01"}
    assert SCHEMAS["GA-01"].catalogue.modes == (Mode.VERIFY,)
    assert SCHEMAS["BDC-01"].catalogue.modes == (Mode.ANSWER,)


def test_results_of_the_exchange_are_no_fields() -> None:
    names = {entry.name for schema in SCHEMAS.values() for entry in schema.fields}
    assert not names & {"match", "verify_no", "family_members_digest", "home_count", "query_no"}
    assert SCHEMAS["BDC-01"].view("home_count").distinct == "unit_code"
    assert SCHEMAS["ZJ-03"].view("down_payment_reached").where == (("confirmed", True),)


def _id(rule: NeedToKnowRule) -> str:
    return f"{rule.receiver[-6:]}-{rule.dataset}-{rule.mode}"


@pytest.mark.parametrize("rule", MATRIX.rules, ids=_id)
def test_every_rule_fits_its_dataset(rule: NeedToKnowRule) -> None:
    schema = SCHEMAS[rule.dataset]
    assert rule.mode in schema.catalogue.modes
    assert rule.receiver in RECEIVERS - {schema.owner}
    assert rule.purpose in (schema.catalogue.allowed_purposes or (rule.purpose,))
    assert rule.third_party == rule.receiver.startswith("9")
    mask = schema.mask_of(rule.fields)
    assert mask & ~schema.grantable_mask == 0
    if rule.mode is Mode.VERIFY:
        assert mask & ~schema.verifiable_mask == 0
    assert (rule.mode is Mode.ANSWER) == (schema.view_mask_of(rule.views) != 0) == (mask == 0)


def test_the_rules_give_what_the_matrix_says_and_nothing_more() -> None:
    assert set(MATRIX.levels) == RECEIVERS
    allowed = {"full": {Mode.QUERY}, "derived": {Mode.VERIFY, Mode.ANSWER}}
    given: dict[tuple[str, str], set[Mode]] = {}
    for rule in MATRIX.rules:
        given.setdefault((rule.receiver, rule.column), set()).add(rule.mode)
    for receiver, columns in MATRIX.levels.items():
        for column, level in columns.items():
            modes = given.pop((receiver, column), set())
            if column in MATRIX.not_covered or level in ("own", "none"):
                assert modes == set(), (receiver, column)
            else:
                assert modes, (receiver, column)
                assert modes <= allowed[level], (receiver, column)
    assert given == {}


def test_levels_are_those_of_the_dossier() -> None:
    assert list(MATRIX.levels["12411599MBDEM00233"].values()) == [
        "derived",
        "full",
        "own",
        "own",
        "own",
        "derived",
        "full",
        "full",
        "derived",
        "derived",
        "own",
    ]
    assert list(MATRIX.levels["12411599MBDEM0058M"].values()) == [
        "derived",
        "none",
        "none",
        "none",
        "none",
        "own",
        "full",
        "none",
        "none",
        "none",
        "full",
    ]
    assert list(MATRIX.levels["91411599MADEM0070P"].values()) == [
        "derived",
        "derived",
        "none",
        "none",
        "none",
        "derived",
        "full",
        "none",
        "derived",
        "own",
        "full",
    ]
    assert set(MATRIX.levels["11411599MBDEM00829"].values()) == {"none", "derived"}
