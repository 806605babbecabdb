"""Damaged scenario files: whatever is changed in one, loading ends with a named error or a scenario, and never in another way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from xinlian.engine.scenario import load_scenario
from xinlian.protocol.errors import XinlianError
from xinlian.scenarios.folder import read_folder

FILES = read_folder("new-home-loan")
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 400), st.sampled_from(["", "x", "D02", "A2", "first", "-", "1.5", "9" * 40]),
    st.just([]), st.just({}), st.just([[]]), st.just({"x": []}), st.just(1.5),
)  # fmt: skip
WORDS = st.sampled_from(["", "-", "x", "A2", "G_join", "true", "false", "number", "]1..3[", 'not("a")', "n", "#in_x", "P3D", "0"])


def loads(path: str, data: bytes) -> None:
    try:
        load_scenario({**FILES, path: data})
    except XinlianError as error:
        assert error.message  # noqa: PT017 (either outcome is right; that no other exception comes is the test)


@pytest.mark.parametrize("path", ["scenario.json", "parameters.json", "need_to_know.json"])
@given(data=st.data())
def test_one_place_of_a_json_file(path: str, data: st.DataObject) -> None:
    root = json.loads(FILES[path])
    node: Any = root
    for _ in range(data.draw(st.integers(0, 5))):
        names = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        if not names:
            break
        name = data.draw(st.sampled_from(names))
        if data.draw(st.booleans()) or not isinstance(node[name], dict | list):
            node[name] = data.draw(JUNK)
            break
        node = node[name]
    loads(path, json.dumps(root).encode())


@pytest.mark.parametrize("path", ["process.bpmn", "decisions/DT-A1.dmn", "decisions/DT-A2.dmn", "decisions/DT-A3.dmn"])
@given(data=st.data())
def test_one_place_of_an_xml_file(path: str, data: st.DataObject) -> None:
    root = etree.fromstring(FILES[path])
    elements = list(root.iter())
    element = elements[data.draw(st.integers(0, len(elements) - 1))]
    what = data.draw(st.sampled_from(["attribute", "text", "remove", "double", "rename"]))
    if what == "attribute" and element.attrib:
        element.set(data.draw(st.sampled_from(sorted(element.attrib))), data.draw(WORDS))
    elif what == "text":
        element.text = data.draw(WORDS)
    elif what == "rename":
        element.tag = data.draw(st.sampled_from(sorted({one.tag for one in elements})))
    elif element.getparent() is not None:
        parent = element.getparent()
        if what == "remove":
            parent.remove(element)
        else:
            parent.append(etree.fromstring(etree.tostring(element)))
    loads(path, etree.tostring(root))


@given(data=st.binary(max_size=300), path=st.sampled_from(sorted(FILES)))
def test_any_bytes(data: bytes, path: str) -> None:
    loads(path, data)
