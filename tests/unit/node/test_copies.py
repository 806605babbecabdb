"""Taking a record out of kept content: what is left, what is taken, and what does not look like a copy at all."""

from __future__ import annotations

from typing import Any

from xinlian.node.notices.copies import split
from xinlian.protocol.record import disclosure

LEAVES = frozenset({"11" * 32, "22" * 32})


def of_records(*ids: str, bundles: bool = True) -> dict[str, Any]:
    return {
        "outcome": "records",
        "check": None,
        "records": [{"record_id": one, "values": {"a": one}} for one in ids],
        "answer": None,
        "bundles": [{"disclosures": [], "of": one} for one in ids] if bundles else [],
    }


def stated(*sources: str, name: str = "sources") -> dict[str, Any]:
    value = "[" + ",".join(f'"{leaf}"' for leaf in sources) + "]"
    texts = [disclosure(b"\1" * 16, "outcome", '"answer"'), disclosure(b"\2" * 16, name, value)]
    answer = {"record_id": "statement", "result": 1}
    return {"outcome": "answer", "check": None, "records": [], "answer": answer, "bundles": [{"disclosures": texts}]}


def test_the_only_record_leaves_nothing() -> None:
    content = of_records("x")
    found = split(content, "x", LEAVES)
    assert (found.left, found.taken) == (None, content)


def test_one_of_several_goes_with_its_bundle_and_the_others_keep_theirs() -> None:
    found = split(of_records("a", "x", "b"), "x", LEAVES)
    assert found.left == of_records("a", "b")
    assert found.taken == of_records("x")


def test_what_was_not_proven_has_no_bundles() -> None:
    found = split(of_records("a", "x", bundles=False), "x", LEAVES)
    assert found.left == of_records("a", bundles=False)
    assert found.taken == of_records("x", bundles=False)


def test_another_record_is_left_alone() -> None:
    content = of_records("a", "b")
    found = split(content, "x", LEAVES)
    assert (found.left, found.taken) == (content, None)


def test_a_statement_goes_when_a_source_is_one_of_the_leaves() -> None:
    for sources in (("11" * 32,), ("33" * 32, "22" * 32)):
        content = stated(*sources)
        found = split(content, "x", LEAVES)
        assert (found.left, found.taken) == (None, content)


def test_a_statement_of_other_sources_or_of_none_stays() -> None:
    for content in (stated("33" * 32), stated(), stated("11" * 32, name="fields")):
        found = split(content, "x", LEAVES)
        assert (found.left, found.taken) == (content, None)


def test_disclosures_of_another_form_are_passed_over() -> None:
    content = stated("11" * 32)
    content["bundles"][0]["disclosures"].insert(0, "!!!")
    assert split(content, "x", LEAVES).taken == content
    content["bundles"][0]["disclosures"] = ["!!!", disclosure(b"\1" * 16, "sources", "7")]
    assert split(content, "x", LEAVES).taken is None
