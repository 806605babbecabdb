"""Files that must not run: each is refused with its code, the element named, and quickly."""

from __future__ import annotations

import time

import pytest

from tests.support.bpmn import HEAD, bpmn
from xinlian.engine.bpmn import read_process
from xinlian.engine.process import Variable
from xinlian.engine.values import BOOLEAN, NUMBER
from xinlian.engine.xml import parse_xml
from xinlian.protocol.errors import InputError

VARIABLES = {"n": Variable(NUMBER, 0), "p": Variable(BOOLEAN, False)}
PLAIN = ("start S > T", "user T > E", "end E")
BOMB = (
    b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        f'<!ENTITY {name} "{"&" + before + ";"}{("&" + before + ";") * 9}">'.encode()
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ) + b"]><d>&i;</d>"
)  # fmt: skip


def refused(data: bytes, limit_s: float = 1) -> InputError:
    started = time.process_time()
    with pytest.raises(InputError) as caught:
        read_process(data, VARIABLES)
    assert time.process_time() - started < limit_s
    return caught.value


def timer(attributes: str, inner: str) -> str:
    definition = f"<timerEventDefinition>{inner}</timerEventDefinition>"
    return f'<boundaryEvent id="X" attachedToRef="T" {attributes}>{definition}</boundaryEvent>'


def test_the_plain_process_runs() -> None:
    assert [task.id for task in read_process(bpmn(*PLAIN), VARIABLES).tasks] == ["T"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<a>",
        b"<a/><b/>",
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
        b"<a>\x00</a>",
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        BOMB,
        b"<a>&undefined;</a>",
        b'<?xml-stylesheet href="x"?><a><?php evil ?></a>',
        b"<a>" * 200 + b"</a>" * 200,
        b"<a>" * 200_000,
        b"<a>" + b"<b/>" * 30_000 + b"</a>",
        b"<a>" + b"x" * 5000 + b"</a>",
        b'<a b="' + b"x" * 5000 + b'"/>',
    ],
    ids=range(17),
)
def test_what_is_no_plain_xml_is_refused(data: bytes) -> None:
    assert refused(data).code == "xml-refused"


def test_ten_megabytes_are_refused_before_they_are_parsed() -> None:
    assert refused(b"<a>" + b"x" * 10_000_000 + b"</a>").code == "too-large"


def test_comments_have_no_effect_and_entities_of_xml_itself_are_read() -> None:
    assert parse_xml(b"<a><!-- <b/> -->&lt;</a>", "f").text == "<"


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ('<scriptTask id="X" name="坏" scriptFormat="python"><script>import os</script></scriptTask>', "X"),
        ('<task id="X"/>', "X"),
        ('<manualTask id="X"/>', "X"),
        ('<sendTask id="X"/>', "X"),
        ('<callActivity id="X"/>', "X"),
        ('<subProcess id="X"/>', "X"),
        ('<adHocSubProcess id="X"/>', "X"),
        ('<eventBasedGateway id="X"/>', "X"),
        ('<complexGateway id="X"/>', "X"),
        ('<intermediateCatchEvent id="X"/>', "X"),
        ('<dataObject id="X"/>', "X"),
        ('<property id="X"/>', "X"),
        ('<extensionElements id="X"/>', "X"),
        ('<userTask id="X"><multiInstanceLoopCharacteristics id="M"/></userTask>', "M"),
        ('<endEvent id="X"><terminateEventDefinition id="M"/></endEvent>', "M"),
        ('<startEvent id="X"><messageEventDefinition id="M"/></startEvent>', "M"),
        ('<serviceTask id="X" implementation="python:os.system"/>', "X"),
        ('<userTask id="X" xmlns:c="http://camunda.org/schema/1.0/bpmn" c:assignee="x"/>', "X"),
        ('<c:task id="X" xmlns:c="urn:other"/>', "X"),
        ('<userTask id="T"/>', "T"),
        ('<userTask id="no blanks"/>', "no blanks"),
        ("<userTask/>", ""),
        ('<boundaryEvent id="X" attachedToRef="T"/>', "X"),
        (timer("", '<timeCycle id="M">R/P1D</timeCycle>'), "M"),
        (timer("", "<timeDuration>PT0S</timeDuration>"), "X"),
        (timer("", "<timeDuration>P3D</timeDuration><timeDuration>P3D</timeDuration>"), ""),
        (timer('cancelActivity="maybe"', "<timeDuration>P1D</timeDuration>"), "X"),
        ('<sequenceFlow id="X" sourceRef="T" targetRef="nowhere"/>', "X"),
        ('<sequenceFlow id="S_T" sourceRef="S" targetRef="T"/>', "S_T"),
        ('<laneSet><lane name="D02"><flowNodeRef>nowhere</flowNodeRef></lane></laneSet>', "nowhere"),
        ("<laneSet/><laneSet/>", "P"),
    ],
)  # fmt: skip
def test_an_element_outside_the_subset_is_refused_and_named(extra: str, named: str) -> None:
    error = refused(bpmn(*PLAIN, extra=extra))
    assert (error.code, error.fields["element"]) == ("bpmn-element", named)


@pytest.mark.parametrize(
    "data",
    [
        b"<definitions/>",
        f"{HEAD}</definitions>".encode(),
        (HEAD + '<process id="A"/><process id="B"/></definitions>').encode(),
        (HEAD + '<message id="M"/></definitions>').encode(),
        b"<html/>",
        bpmn(*PLAIN, process='id="P" evil="1"'),
    ],
)
def test_a_file_needs_exactly_one_plain_process(data: bytes) -> None:
    assert refused(data).code == "bpmn-element"


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (("user T > E", "end E"), "P"),
        (("start S > T", "start R > T", "user T > E", "end E"), "P"),
        (("start S > T", "user T"), "T"),
        (("start S > T", "user T > E", "end E", "user U > E"), "U"),
        (("start S > T", "user T > E | F", "end E", "end F"), "T"),
        (("start S > T", "user T > E", "end E > T"), "E"),
        (("start S > T", "user T > S", "end E"), "S"),
        (("start S > G", "xor G > G", "end E"), "S"),
        (("start S > G", "xor G > H", "xor H > G if p | E!", "end E"), "G"),
        (("start S > A", "xor A > B", "xor B > C! | E if p", "xor C > A", "end E"), "A"),
        (("start S > G", "xor G > E if p | F if n > 1", "end E", "end F"), "G"),
        (("start S > G", "or G > E if p | F if n > 1", "end E", "end F"), "G"),
        (("start S > G", "xor G > E | F!", "end E", "end F"), "G"),
        (("start S > G", "and G > E if p | F", "end E", "end F"), "G"),
        (("start S > T", "user T > E if p", "end E"), "T"),
        (("start S > G", "xor G > T! if p | E", "user T > E", "end E"), "G"),
        (("start S > T", "user T > G", "xor G > E", "end E", "timer X on G > E"), "X"),
        (("start S > T", "user T > E", "end E", "timer X on nowhere > E"), "X"),
        (("start S > T", "user T > E", "end E", "timer X on T"), "X"),
        # sound in form, but it hangs or doubles
        (("start S > G", "xor G > J if p | K!", "and J > E", "user K > J", "end E"), "J"),
        (("start S > G", "and G > A | B", "user A > J", "user B > X", "xor X > J if p | F!", "and J > E", "end E", "end F"), "J"),
        (("start S > G", "and G > A | B", "user A > T", "user B > T", "user T > E", "end E"), "T"),
        (
            (
                "start S > A",
                "user A > E",
                "reminder R on A > B",
                "user B > J",
                "timer X on B > C",
                "user C > J",
                "and J > E",
                "end E",
            ),
            "J",
        ),
    ],
)
def test_a_process_that_could_hang_or_skip_is_refused_and_the_element_named(lines: tuple[str, ...], named: str) -> None:
    error = refused(bpmn(*lines))
    assert (error.code, error.fields["element"]) == ("bpmn-structure", named)


def wide(join: str, count: int) -> tuple[str, ...]:
    """A split into many paths, each with a reminder, that join again."""
    tasks = [f"T{number}" for number in range(count)]
    paths = [
        line for task in tasks for line in (f"user {task} > J", f"reminder R{task} on {task} > U{task}", f"user U{task} > F")
    ]
    return ("start S > G", f"and G > {' | '.join(tasks)}", *paths, f"{join} J > E", "end E", "end F")


def test_many_paths_at_once_are_checked_one_after_the_other() -> None:
    started = time.process_time()
    assert len(read_process(bpmn(*wide("and", 20)), VARIABLES).tasks) == 40
    hanging = [line.replace("user T7 > J", "user T7 > X") for line in wide("and", 20)]
    error = refused(bpmn(*hanging, "xor X > J if p | F!"), limit_s=10)
    assert (error.code, error.fields["element"]) == ("bpmn-structure", "J")
    assert time.process_time() - started < 15


def test_too_many_paths_before_an_inclusive_join_cannot_be_checked() -> None:
    error = refused(bpmn(*wide("or", 20)), limit_s=10)
    assert (error.code, error.fields["element"]) == ("bpmn-structure", "P")


def test_a_condition_outside_the_grammar_names_its_flow() -> None:
    error = refused(bpmn("start S > G", "xor G > E if __import__('os').getpid() > 0 | F!", "end E", "end F"))
    assert error.code == "expression-form"
    assert "G_E" in error.message
