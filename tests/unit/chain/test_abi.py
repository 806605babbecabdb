"""Coding by the compiled interfaces; web3, which the product does not import, is the oracle."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from eth_abi.abi import encode as oracle_encode
from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3
from web3._utils.events import get_event_data

from tests.support.deployed import DEPARTMENT, DOCUMENT, OTHER, batch, proposal
from xinlian.chain import abi
from xinlian.chain.abi import Parameter
from xinlian.chain.authorisations import commitment
from xinlian.chain.bindings import DatasetCatalog, RecordLedger, encode_call
from xinlian.chain.calls import Mark, Terms, text32, text_of32
from xinlian.chain.corrections import CorrectionRegistry, Opening
from xinlian.chain.events import AccumulatorId, Event, body, decode_log, folds, replay, topic0
from xinlian.chain.reverts import explain
from xinlian.chain.wire import Log
from xinlian.protocol.errors import ChainError
from xinlian.protocol.keccak import keccak256
from xinlian.protocol.manifest import CONTRACTS

ADDRESS = "0x" + "11" * 20
TERMS = Terms(3, 5, 1, 0, (text32("NEW-HOME-LOAN"),), (b"s" * 32,), 1, 2, 3)


def _raw_abi(name: str) -> list[dict[str, Any]]:
    text = resources.files("xinlian.chain").joinpath("artifacts", f"{name}.json").read_text()
    found: list[dict[str, Any]] = json.loads(text)["abi"]
    return found


@pytest.mark.parametrize("name", CONTRACTS)
def test_selectors_and_topics_are_those_of_web3(name: str) -> None:
    entries: Any = _raw_abi(name)
    ours = abi.contract(name)
    functions = {one["name"]: function_abi_to_4byte_selector(one) for one in entries if one["type"] == "function"}
    assert {one.name: one.selector for one in ours.functions.values()} == functions
    events = {event_abi_to_log_topic(one): one["name"] for one in entries if one["type"] == "event"}
    assert {topic: one.name for topic, one in ours.events.items()} == events


def test_calldata_of_nested_structs_is_that_of_web3() -> None:
    sharing = Web3().eth.contract(abi=_raw_abi("SharingRegistry"))
    plain = TERMS.plain()
    theirs = sharing.encode_abi("deliver", args=[OTHER.encode(), 1, 33, tuple(plain.values()), DOCUMENT])
    assert "0x" + encode_call("SharingRegistry", "deliver", [OTHER, 1, 33, plain, DOCUMENT]).hex() == theirs
    ledger = RecordLedger(ADDRESS).anchor([batch(1)], [Mark(1, 2, 5)])
    oracle = Web3().eth.contract(abi=_raw_abi("RecordLedger"))
    one = batch(1)
    args = [[(one.stream, one.sequence, one.root, one.size, one.suite)], [(1, 2, 5)], bytes(32)]
    assert "0x" + ledger.data.hex() == oracle.encode_abi("anchor", args=args)


def _log_of(contract: str, name: str, values: dict[str, Any]) -> Log:
    member = abi.event_members()[contract, name]
    indexed = [one for one in member.inputs if one.indexed]
    rest = [one for one in member.inputs if not one.indexed]
    topics = (member.digest, *(abi.encode([one], [values[one.name]]) for one in indexed))
    return Log(ADDRESS, topics, abi.encode(rest, [values[one.name] for one in rest]), 7, "0x" + "bb" * 32, "0x" + "cc" * 32, 0)


def _grant_values() -> dict[str, Any]:
    of_dataset = {"serial": 33, "version": 1, "cover": 1, "terms": TERMS.plain(), "document": DOCUMENT}
    return {"provider": DEPARTMENT, "number": 4, "receiver": OTHER, "request": 20260924000001, **of_dataset}


def test_an_event_is_decoded_as_web3_decodes_it() -> None:
    log = _log_of("SharingRegistry", "GrantGiven", _grant_values())
    event = decode_log(log, 100, {ADDRESS: "SharingRegistry"})
    entry = next(one for one in _raw_abi("SharingRegistry") if one.get("name") == "GrantGiven")
    raw: Any = {
        "address": ADDRESS,
        "topics": [Web3.to_bytes(topic) for topic in log.topics],
        "data": log.data,
        "blockNumber": 7,
        "blockHash": b"",
        "transactionHash": b"",
        "transactionIndex": 0,
        "logIndex": 0,
    }
    theirs = get_event_data(Web3().codec, entry, raw)["args"]
    assert event.args["provider"].encode() == theirs["provider"]
    assert event.args["number"] == theirs["number"]
    assert Terms.from_plain(event.args["terms"]) == TERMS
    assert dict(theirs["terms"])["queryMask"] == event.args["terms"]["queryMask"]
    assert event.keys == (DEPARTMENT, "4", OTHER)


def test_plain_arguments_survive_json_and_give_the_same_body() -> None:
    event = decode_log(_log_of("SharingRegistry", "GrantGiven", _grant_values()), 100, {ADDRESS: "SharingRegistry"})
    again = Event(event.contract, event.name, json.loads(event.args_json), 7, "", 100, "", 0)
    assert body(again) == body(event)
    terms = "(uint256,uint256,uint256,uint256,bytes32[],bytes32[],uint40,uint40,uint32,bool)"
    types = ["bytes18", "uint64", "bytes18", "uint64", "uint32", "uint16", "uint8", terms, "bytes32"]
    head = [DEPARTMENT.encode(), 4, OTHER.encode(), 20260924000001, 33, 1, 1]
    values = [*head, tuple(TERMS.plain().values()), DOCUMENT]
    assert body(event) == oracle_encode(types, values)
    assert topic0(event) == keccak256(f"GrantGiven({','.join(types)})".encode())


def test_a_log_of_another_contract_or_shape_is_refused() -> None:
    log = _log_of(
        "RecordLedger", "StatusSet", dict.fromkeys(("sequence", "word", "mask", "status", "reason"), 1) | {"department": OTHER}
    )
    for wrong, names in ((log, {}), (log, {ADDRESS: "CaseLedger"})):
        with pytest.raises(ChainError) as caught:
            decode_log(wrong, 1, names)
        assert caught.value.code == "chain-abi"
    short = Log(log.address, log.topics, log.data[:-1], 1, "", "", 0)
    with pytest.raises(ChainError) as broken:
        decode_log(short, 1, {ADDRESS: "RecordLedger"})
    assert broken.value.code == "chain-abi"


def test_creation_goes_to_the_owner_too_and_only_the_first_version() -> None:
    def event(contract: str, name: str, **args: object) -> Event:
        return Event(contract, name, args, 1, "", 1, "", 0)

    first = event("DatasetCatalog", "DatasetProposed", owner=DEPARTMENT, serial=33, version=1, round=1)
    assert folds(first) == (
        AccumulatorId("DatasetCatalog", "accumulatorOf", (DEPARTMENT, 33)),
        AccumulatorId("DatasetCatalog", "ownerAccumulatorOf", (DEPARTMENT,)),
    )
    for later in ({"version": 2, "round": 1}, {"version": 1, "round": 2}):
        assert len(folds(event("DatasetCatalog", "DatasetProposed", owner=DEPARTMENT, serial=33, **later))) == 1
    opened = event("CorrectionRegistry", "CorrectionOpened", receiver=DEPARTMENT, number=7, provider=OTHER)
    assert folds(opened) == (
        AccumulatorId("CorrectionRegistry", "accumulatorOf", (DEPARTMENT, 7)),
        AccumulatorId("CorrectionRegistry", "receiverAccumulatorOf", (DEPARTMENT,)),
        AccumulatorId("CorrectionRegistry", "addresseeAccumulatorOf", (OTHER,)),
    )
    forwarded = event("CorrectionRegistry", "CorrectionForwarded", receiver=DEPARTMENT, number=7, source=OTHER)
    assert folds(forwarded)[1:] == (AccumulatorId("CorrectionRegistry", "addresseeAccumulatorOf", (OTHER,)),)
    recorded = event("AuthorisationRegistry", "AuthorisationRecorded", recorder=DEPARTMENT, id="0x01")
    assert folds(recorded) == (
        AccumulatorId("AuthorisationRegistry", "accumulatorOf", (DEPARTMENT, "0x01")),
        AccumulatorId("AuthorisationRegistry", "recorderAccumulatorOf", (DEPARTMENT,)),
    )
    marked = event("RecordLedger", "StatusSet", department=DEPARTMENT, sequence=5)
    assert folds(marked) == (AccumulatorId("RecordLedger", "accumulatorOf", (DEPARTMENT, 1)),)
    moved = event("DepartmentRegistry", "AuthorityTransferStarted", **{"from": ADDRESS, "to": ADDRESS})
    assert folds(moved) == (AccumulatorId("DepartmentRegistry", "authorityAccumulator", ()),)
    assert replay([]) == {}


BYTES32 = Parameter("root", "bytes32")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (BYTES32, b"short"),
        (BYTES32, "ab" * 32),
        (Parameter("n", "uint8"), 256),
        (Parameter("n", "uint8"), -1),
        (Parameter("n", "uint8"), "1"),
        (Parameter("department", "bytes18"), "1241159"),
        (Parameter("department", "bytes18"), "信" * 18),
        (Parameter("to", "address"), "0x12"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(parameter: Parameter, value: object) -> None:
    with pytest.raises(ChainError) as caught:
        abi.encode([parameter], [value])
    assert caught.value.code == "chain-abi"
    assert parameter.name in caught.value.message


@given(st.integers(0, 2**256 - 1), st.binary(min_size=32, max_size=32), st.text(max_size=40), st.booleans())
def test_plain_values_come_back(number: int, root: bytes, text: str, flag: bool) -> None:
    parameters = [
        Parameter(
            "t",
            "(uint256,bytes32[],string,bool)",
            (
                Parameter("n", "uint256"),
                Parameter("r", "bytes32[]"),
                Parameter("s", "string"),
                Parameter("b", "bool"),
            ),
        ),
        Parameter("department", "bytes18"),
    ]
    values = [{"n": number, "r": ["0x" + root.hex()], "s": text, "b": flag}, DEPARTMENT]
    assert abi.decode(parameters, abi.encode(parameters, values)) == values


def test_texts_that_are_no_utf8_come_back_byte_for_byte_and_can_be_stored() -> None:
    """Any department may put such bytes on chain; a follower that refused them would stand still for good."""
    raw = b"https://\xff\xc3(\xe4\xb8\xad"
    member = abi.event_members()["DepartmentRegistry", "EndpointChanged"]
    topics = (member.digest, abi.encode([member.inputs[0]], [DEPARTMENT]))
    log = Log(ADDRESS, topics, oracle_encode(["bytes"], [raw]), 7, "0x" + "bb" * 32, "0x" + "cc" * 32, 0)
    event = decode_log(log, 100, {ADDRESS: "DepartmentRegistry"})
    assert abi.text_bytes(event.args["endpoint"]) == raw
    stored = event.args_json.encode("utf-8").decode("utf-8")
    again = Event(event.contract, event.name, json.loads(stored), 7, "", 100, "", 0)
    assert body(again) == body(event) == oracle_encode(["bytes18", "bytes"], [DEPARTMENT.encode(), raw])
    with pytest.raises(ChainError):
        abi.encode([Parameter("endpoint", "string")], ["\ud800"])


def test_an_unknown_contract_function_or_event_is_named() -> None:
    for attempt in (
        lambda: abi.contract("Nothing"),
        lambda: encode_call("RecordLedger", "destroy", []),
        lambda: topic0(Event("RecordLedger", "Nothing", {}, 1, "", 1, "", 0)),
    ):
        with pytest.raises(ChainError) as caught:
            attempt()
        assert caught.value.code == "chain-abi"


def test_code_is_recognised_whatever_its_immutables_hold() -> None:
    ledger = abi.contract("RecordLedger")
    standing = bytearray(ledger.deployed)
    for start, length in ledger.immutables:
        standing[start : start + length] = b"\x42" * length
    assert ledger.immutables
    assert ledger.is_code(bytes(standing))
    standing[0] ^= 1
    assert not ledger.is_code(bytes(standing))
    assert not ledger.is_code(b"")
    assert not ledger.is_code(ledger.deployed + b"\0")


def test_custom_errors_of_every_contract_are_explained() -> None:
    member = next(one for one in abi.error_members().values() if one.name == "RecordLedgerSequenceGap")
    reason = explain(member.selector + abi.encode(member.inputs, [1, 3, 2]))
    assert reason.text == "RecordLedgerSequenceGap(stream=1, sequence=3, missing=2)"
    for one in abi.error_members().values():
        words = {"bytes18": OTHER.encode().ljust(32, b"\0"), "bool": (1).to_bytes(32)}
        data = b"".join(words.get(p.type, (7).to_bytes(32)) for p in one.inputs)
        found = explain(one.selector + data)
        assert (found.name, list(found.args)) == (one.name, [p.name for p in one.inputs])
    assert explain(bytes.fromhex("4e487b71") + (0x11).to_bytes(32)).args == {"code": 0x11}
    assert explain(b"\xde\xad\xbe\xef").name == "Unknown"
    assert explain(member.selector + b"cut").name == "Unknown"
    assert explain(b"").text == "Unknown()"


def test_words_of_32_bytes() -> None:
    assert text_of32(text32("NEW-HOME-LOAN")) == "NEW-HOME-LOAN"
    assert text_of32("0x" + text32("A" * 32).hex()) == "A" * 32
    for wrong in ("", "A" * 33):
        with pytest.raises(ValueError, match="1 to 32"):
            text32(wrong)


def test_a_proposal_names_every_member_of_the_struct() -> None:
    """Each in its own place, though several have the same type."""
    call = DatasetCatalog(ADDRESS).propose(proposal())
    decoded = abi.decode(abi.contract("DatasetCatalog").functions["propose"].inputs, call.data[4:])[0]
    word = {name: "0x" + keccak256(name.encode()).hex() for name in ("schema", "secrecy", "impact")}
    assert decoded == {
        "serial": 33,
        "version": 1,
        "schemaHash": word["schema"],
        "shareType": 2,
        "fieldCount": 10,
        "viewCount": 2,
        "personal": True,
        "authorisationRequired": False,
        "verifiableMask": 3,
        "sensitiveMask": 4,
        "secrecyAssessment": word["secrecy"],
        "impactAssessment": word["impact"],
        "headConsent": "0x" + DOCUMENT.hex(),
        "noShareBasis": "0x" + "00" * 32,
        "purposes": ["0x" + text32("NEW-HOME-LOAN").hex()],
    }


def test_an_opening_names_every_member_of_the_struct() -> None:
    opening = Opening(7, OTHER, 4, 33, 1, b"t" * 32, b"e" * 32, b"d" * 32)
    call = CorrectionRegistry(ADDRESS).open(opening)
    decoded = abi.decode(abi.contract("CorrectionRegistry").functions["open"].inputs, call.data[4:])[0]
    assert decoded == {
        "number": 7,
        "provider": OTHER,
        "grantNumber": 4,
        "serial": 33,
        "version": 1,
        "target": "0x" + (b"t" * 32).hex(),
        "evidence": "0x" + (b"e" * 32).hex(),
        "document": "0x" + (b"d" * 32).hex(),
    }


def test_the_commitment_is_the_hash_of_the_secrets_32_bytes() -> None:
    assert commitment(b"s" * 32) == keccak256(b"s" * 32)
    with pytest.raises(ValueError, match="32 bytes"):
        commitment(b"s" * 31)
