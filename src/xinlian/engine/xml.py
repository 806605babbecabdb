"""Reads an XML file that somebody else wrote, so that nothing but its elements can have an effect.

Rules
1. UTF-8 only, at most ``MAX_BYTES``, ``MAX_ELEMENTS`` elements, nested at most ``MAX_DEPTH`` deep.
2. A document type is refused before the parser sees it, so there are no entities of its own; nothing is loaded from anywhere.
3. Comments are dropped, processing instructions refused.

Example: ``parse_xml(b"<a/>", "process.bpmn").tag == "a"``
"""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

from xinlian.protocol.errors import InputError

MAX_BYTES: Final = 1024 * 1024
MAX_ELEMENTS: Final = 20_000
MAX_DEPTH: Final = 24
MAX_TEXT: Final = 4_000

Element = Any
"""An lxml element; lxml publishes no types."""


def parse_xml(data: bytes, file: str) -> Element:
    """The root element of a file.

    Args:
        data: the file.
        file: its name, for messages.

    Raises:
        InputError: ``too-large`` or ``xml-refused``.
    """
    if len(data) > MAX_BYTES:
        raise InputError("too-large", f"{file}: {len(data)} bytes; at most {MAX_BYTES}", file=file, limit_bytes=MAX_BYTES)
    _check_text(data, file)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, encoding="utf-8"
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _refused(file, f"not well-formed at line {error.lineno}") from error
    _check_tree(root, file)
    return root


def local(element: Element) -> str:
    """Name of an element without its namespace."""
    return str(etree.QName(element).localname)


def namespace(element: Element) -> str:
    """Namespace of an element, empty when it has none."""
    return str(etree.QName(element).namespace or "")


def name_of(element: Element) -> str:
    """How messages name an element: its kind, id and name."""
    name = " ".join(str(element.get("name", "")).split())[:60]
    return f"{local(element)} {str(element.get('id', ''))[:60]!r}" + (f" ({name})" if name else "")


def text_of(element: Element) -> str:
    """The text of an element without blanks around it."""
    return (element.text or "").strip()


def children(element: Element, *names: str) -> list[Element]:
    """The children with these local names, in document order; all without a name."""
    return [child for child in element if not names or local(child) in names]


def _check_text(data: bytes, file: str) -> None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(file, f"not UTF-8 at byte {error.start}") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _refused(file, "declares a document type or an entity")
    if "\0" in text:
        raise _refused(file, "holds a zero byte")


def _check_tree(root: Element, file: str) -> None:
    level, count, depth = [root], 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        if count > MAX_ELEMENTS or depth > MAX_DEPTH:
            raise _refused(file, f"more than {MAX_ELEMENTS} elements or nested deeper than {MAX_DEPTH}")
        for element in level:
            if not isinstance(element.tag, str):
                raise _refused(file, f"a processing instruction or an entity at line {element.sourceline}")
            if len(element.text or "") > MAX_TEXT or any(len(value) > MAX_TEXT for value in element.attrib.values()):
                raise _refused(file, f"{name_of(element)}: a text longer than {MAX_TEXT} characters")
        level = [child for element in level for child in element]


def _refused(file: str, what: str) -> InputError:
    return InputError("xml-refused", f"{file}: {what}", file=file)
