"""Every bad input about requests that the issue names: its own code, alike from API and contract, nothing half-written.

The contract is asked past the node's own checks, as a node with a defect or a hostile one would.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
import pytest
import pytest_asyncio

from tests.integration.exchange.test_texts import request_form
from tests.support.exchange import PURPOSE, SCENARIO
from tests.support.http import Client, client_of
from tests.support.network import D01, D02, D03, Network, running_network
from xinlian.node.chain_state import RequestState
from xinlian.node.sharing import NewRequest, StepDetails, TermsByName
from xinlian.node.sharing.steps import STEPS, Party, Step
from xinlian.node.sharing.terms import chain_terms
from xinlian.protocol.errors import XinlianError
from xinlian.scenarios.calendar import shipped_calendar
from xinlian.scenarios.catalogue import load_schemas

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = hashlib.sha256(b"a text of the tests").digest()
WORD = "0x" + DOCUMENT.hex()
SCHEMA = load_schemas("new-home-loan")["ZJ-02"]
SECRET_SERIAL = 77
"""Of a dataset that is not shared (property 3)."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    async with running_network(tmp_path_factory.mktemp("bad"), [D02, D03]) as made:
        for year, known in shipped_calendar().items():
            await made[D01].node.transactions.authority("WorkCalendar", "loadYear", year, list(known.days.workday_words))
        await made.offer(D03, "ZJ-02")
        newer = orjson.loads(SCHEMA.source)
        newer["x-catalogue"]["version"] = 2
        await made.propose(D03, orjson.dumps(newer))
        closed = orjson.loads(SCHEMA.source)
        closed["x-catalogue"] |= {"catalog_code": f"{D03}/{SECRET_SERIAL:06d}", "alias": "ZJ-77", "share_type": 3}
        closed["x-catalogue"] |= {"no_share_reason": "涉及未公开的执法信息", "no_share_basis": "某法第十条"}
        for name in ("share_scope", "allowed_purposes"):
            closed["x-catalogue"].pop(name)
        await made.propose(D03, orjson.dumps(closed))
        await made.decide("publish", f"{D03}/{SECRET_SERIAL:06d}", 1)
        await made.in_step()
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(network: Network) -> AsyncIterator[Client]:
    async with client_of(network[D02]) as made:
        yield made


def asked(network: Network) -> TermsByName:
    now = network[D02].node.clock.law_s()
    return TermsByName((), ("contract_no",), (), (), (PURPOSE,), (SCENARIO,), now, now + 90_000, 5)


async def of_contract(network: Network, **changes: Any) -> str:
    """The code with which the contract refuses an application."""
    node = network[D02].node
    application = {
        "number": node.requests.next_number(),
        "provider": D03,
        "serial": SCHEMA.serial,
        "version": 1,
        "terms": chain_terms(SCHEMA, asked(network)),
        "outOfScope": False,
        "legalBasis": WORD,
        "document": WORD,
        **changes,
    }
    with pytest.raises(XinlianError) as refused:
        await node.transactions.law("SharingRegistry", "submit", application)
    return refused.value.code


async def of_api(network: Network, client: Client, body: Mapping[str, Any], **form: Any) -> str:
    """The code with which the API refuses to take a request up."""
    written = {**request_form(network[D02].node.clock.law_s()), **form}
    before = set(network[D02].node.state.requests)
    reply = await client.post("/api/v1/requests", json={"provider": D03, "dataset": "ZJ-02", "form": written, **body})
    assert reply.status in (409, 422), reply.body
    assert (await client.get("/api/v1/approvals?state=pending&limit=200")).ok()["items"] == [], "nothing waits for anybody"
    assert set(network[D02].node.state.requests) == before
    return reply.code


async def test_no_legal_basis(network: Network, client: Client) -> None:
    assert await of_api(network, client, {}, legal_basis=[]) == "legal-basis-missing"
    assert await of_contract(network, legalBasis="0x" + "00" * 32) == "legal-basis-missing"


async def test_a_version_of_the_catalogue_that_is_not_published(network: Network, client: Client) -> None:
    assert await of_api(network, client, {"version": 2}) == "dataset-not-published"
    assert await of_contract(network, version=2) == "dataset-not-published"


async def test_a_dataset_of_property_3(network: Network, client: Client) -> None:
    assert await of_api(network, client, {"dataset": f"{D03}/{SECRET_SERIAL:06d}"}) == "dataset-not-shared"
    assert await of_contract(network, serial=SECRET_SERIAL) == "dataset-not-shared"


async def test_a_field_that_the_entry_does_not_have(network: Network, client: Client) -> None:
    item = {"name_en": "house_colour", "modes": ["query"], "necessity_reason": "认定贷款资格"}
    assert await of_api(network, client, {}, requested_items=[item]) == "item-unknown"
    terms = {**chain_terms(SCHEMA, asked(network)), "queryMask": 1 << 200}
    assert await of_contract(network, terms=terms) == "item-unknown"


async def test_dates_the_wrong_way_round(network: Network, client: Client) -> None:
    assert await of_api(network, client, {}, valid_from="2026-12-01", valid_to="2026-11-01") == "term-reversed"
    terms = chain_terms(SCHEMA, asked(network))
    turned = {**terms, "validFrom": terms["validTo"], "validTo": terms["validFrom"]}
    assert await of_contract(network, terms=turned) == "term-reversed"


async def test_no_scenario_for_use_in_cases(network: Network, client: Client) -> None:
    scenario = {"name": "新建住房申请公积金贷款", "item_code": "411599GJJDK1"}
    assert await of_api(network, client, {}, scenario=scenario) == "scenario-missing"
    terms = {**chain_terms(SCHEMA, asked(network)), "scenarios": []}
    assert await of_contract(network, terms=terms) == "scenario-missing"


async def filed(network: Network) -> int:
    shown, _ = await network[D02].node.requests.submit(NewRequest(D03, "ZJ-02", None, asked(network), False, DOCUMENT, DOCUMENT))
    await network.in_step()
    return int(shown["number"])


async def take(network: Network, at: str, name: str, number: int, **details: Any) -> None:
    await network[at].node.requests.take(name, D02, number, StepDetails(DOCUMENT, **details))
    await network.in_step()


async def refusal(network: Network, at: str, name: str, number: int, **details: Any) -> str:
    """The code with which a step is refused; the request stays as it was."""
    requests = network[at].node.requests
    before = requests.known(D02, number)
    with pytest.raises(XinlianError) as refused:
        await requests.take(name, D02, number, StepDetails(None if name.startswith("record-") else DOCUMENT, **details))
    await network.in_step()
    assert requests.known(D02, number) == before
    return refused.value.code


async def refused_alike(network: Network, at: str, name: str, number: int, patch: pytest.MonkeyPatch, **details: Any) -> str:
    """The code of a step, which node and contract must refuse alike."""
    of_node = await refusal(network, at, name, number, **details)
    with patch.context() as patched:
        patched.setattr(network[at].node.requests, "_check", _sent_anyway)
        assert await refusal(network, at, name, number, **details) == of_node
    return of_node


def _sent_anyway(step: Step, *_: object) -> bool:
    return step.party is Party.AUTHORITY


async def test_a_second_supplement(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await filed(network)
    await take(network, D03, "ask-supplement", number)
    await take(network, D02, "resubmit", number, terms=asked(network), legal_basis=DOCUMENT)
    assert await refused_alike(network, D03, "ask-supplement", number, monkeypatch) == "supplement-repeated"


async def test_extensions_without_consent_and_twice(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await filed(network)
    assert await refused_alike(network, D03, "extend", number, monkeypatch, working_days=3) == "extension-without-consent"
    await take(network, D03, "ask-extension", number, working_days=3)
    await take(network, D01, "consent-extension", number, working_days=3)
    await take(network, D03, "extend", number, working_days=3)
    assert await refused_alike(network, D03, "ask-extension", number, monkeypatch, working_days=3) == "extension-repeated"
    assert await refused_alike(network, D03, "extend", number, monkeypatch, working_days=3) == "extension-repeated"


async def test_an_answer_by_the_requester(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await filed(network)
    assert await refused_alike(network, D02, "agree", number, monkeypatch) == "request-party"
    assert await refused_alike(network, D02, "refuse", number, monkeypatch, grounds=("conditions",)) == "request-party"


async def test_overdue_before_the_deadline(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await filed(network)
    for at in (D01, D02, D03):
        assert await refused_alike(network, at, "record-overdue", number, monkeypatch) == "not-overdue"


@pytest.mark.parametrize("name", sorted(set(STEPS) - {"submit", "resubmit"}))
async def test_a_step_from_a_wrong_state(network: Network, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """No step leads out of a request that was withdrawn."""
    number = await filed(network)
    await take(network, D02, "withdraw", number)
    assert network[D03].node.requests.known(D02, number).state is RequestState.WITHDRAWN
    at = {Party.REQUESTER: D02, Party.AUTHORITY: D01}.get(STEPS[name].party, D03)
    details: dict[str, Any] = {"working_days": 3} if name in _LONG else {}
    if name == "propose-change":
        details = {"terms": asked(network)}
    if name in _NOT_SENT:
        assert await refusal(network, at, name, number) == "request-state"
        return
    code = "disposal-unexpected" if name == "dispose" else "request-state"
    assert await refused_alike(network, at, name, number, monkeypatch, **details) == code


CHANGES: dict[str, dict[str, Any]] = {
    "fields that are no list": {"query": 5},
    "fields that are a text": {"query": "contract_no"},
    "a field that is no name": {"query": [1]},
    "a day that is none": {"query": ["contract_no"], "valid_to": "tomorrow"},
    "a day that is no text": {"query": ["contract_no"], "valid_to": 5},
    "uses that are no number": {"query": ["contract_no"], "uses_per_case": "many"},
    "uses below one": {"query": ["contract_no"], "uses_per_case": -1},
    "uses beyond the chain's": {"query": ["contract_no"], "uses_per_case": 1 << 40},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def active(network: Network) -> int:
    number = await filed(network)
    await take(network, D03, "agree", number)
    await take(network, D03, "deliver", number)
    return number


@pytest.mark.parametrize("name", sorted(CHANGES))
async def test_a_change_that_is_none(network: Network, active: int, name: str) -> None:
    async with client_of(network[D03]) as client:
        body = {"form": {"reason": "职责调整", "planned_on": "2026-12-01", "terms": "少一项"}, "change": CHANGES[name]}
        reply = await client.post(f"/api/v1/requests/{D02}/{active}/steps/propose-change", json=body)
        assert (reply.status, reply.code) == (422, "approval-payload"), reply.body
        assert (await client.get("/api/v1/approvals?state=pending&limit=200")).ok()["items"] == []


_LONG = ("ask-extension", "extend", "consent-extension", "suspend")
_NOT_SENT = ("accept-change", "record-overdue")
"""There is nothing to accept; the contract says of the mark that no clock runs."""
