"""The example files: each is what its command takes, and every step that has a form has one."""

from __future__ import annotations

import pytest

from xinlian.api.wire.authorisations import WithdrawalIn
from xinlian.api.wire.base import Wire
from xinlian.api.wire.cases import SubjectIn
from xinlian.api.wire.corrections import CorrectionIn
from xinlian.api.wire.queries import QueryIn
from xinlian.api.wire.sharing import RequestIn, StepIn
from xinlian.node.corrections.steps import STEPS as CORRECTION_STEPS
from xinlian.node.sharing.steps import STEPS
from xinlian.protocol.dataset import DatasetSchema, Mode
from xinlian.protocol.errors import NotFoundError
from xinlian.protocol.forms import FORMS, read_form
from xinlian.protocol.forms.fit import faults_against
from xinlian.protocol.forms.request import SharingRequest
from xinlian.scenarios.catalogue import load_schemas
from xinlian.scenarios.forms import EXAMPLES, complete, load_example

BODIES: dict[str, type[Wire]] = {
    "request": RequestIn,
    "correction": CorrectionIn,
    "withdrawal": WithdrawalIn,
    "case-subject": SubjectIn,
}
QUERIES = ("query", "query-fields", "query-verify")


@pytest.mark.parametrize("name", [name for name, one in EXAMPLES.items() if one.kind is not None])
def test_an_example_is_a_form_once_the_node_filled_it_in(name: str) -> None:
    read_form(str(EXAMPLES[name].kind), complete(name, load_example(name)))


@pytest.mark.parametrize("name", BODIES)
def test_an_example_is_the_body_of_its_call(name: str) -> None:
    BODIES[name].model_validate(load_example(name))


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_what_its_dataset_offers(name: str) -> None:
    query = QueryIn.model_validate(load_example(name))
    (schema,) = [one for one in load_schemas("new-home-loan").values() if _serves(one, query)]
    assert Mode(query.mode) in schema.catalogue.modes
    assert query.purpose in schema.catalogue.allowed_purposes
    assert query.view is None or query.view in {view.name for view in schema.views}


def _serves(schema: DatasetSchema, query: QueryIn) -> bool:
    return schema.catalogue.provider_uscc == query.provider


def test_the_request_fits_its_catalogue_entry() -> None:
    example, schema = load_example("request"), load_schemas("new-home-loan")["BDC-01"]
    form = read_form("sharing-request", {**complete("request", example), "catalog_code": schema.code})
    assert isinstance(form, SharingRequest)
    assert (example["provider"], example["dataset"]) == (schema.catalogue.provider_uscc, schema.alias)
    assert list(faults_against(form, schema)) == []


def test_a_change_names_terms() -> None:
    StepIn.model_validate({"form": load_example("propose-change"), "change": load_example("change")})
    assert {mode.value for mode in Mode}.intersection(load_example("change"))


def test_subjects_are_a_list_of_subjects() -> None:
    assert [SubjectIn.model_validate(one).kind for one in load_example("case-subjects")] == ["person", "unit"]


def test_every_step_with_a_form_of_its_own_has_an_example() -> None:
    with_form = {name: step.form for name, step in STEPS.items() if step.form in FORMS and name != "submit"}
    assert {name: EXAMPLES[name].kind for name in with_form} == with_form
    answers = [name for name, step in CORRECTION_STEPS.items() if step.form == "correction-feedback"]
    assert all(f"correction-{name}" in EXAMPLES for name in answers)


def test_an_unknown_example_names_those_that_there_are() -> None:
    with pytest.raises(NotFoundError) as error:
        load_example("no-such")
    assert error.value.code == "example-unknown"
    assert "agree" in error.value.message
