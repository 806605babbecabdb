"""Types by content: every type is known for what it is, everything else and everything active is refused."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.support.attachments import CONTENT_TYPES, SAMPLES, XLSX_PARTS, archive
from xinlian.node.attachments.content import ContentCheck, looks_like
from xinlian.protocol.attachments import DOCX, DXF, MEDIA_TYPES, OFD, PDF, PNG, XLSX
from xinlian.protocol.errors import InputError


def check(media_type: str, content: bytes, part_bytes: int = 1 << 20) -> None:
    checking = ContentCheck(media_type)
    for start in range(0, len(content), part_bytes):
        checking.update(content[start : start + part_bytes])
    checking.finish(io.BytesIO(content), len(content))  # type: ignore[arg-type]  # a raw stream in memory


def refused(media_type: str, content: bytes, part_bytes: int = 1 << 20) -> InputError:
    with pytest.raises(InputError) as error:
        check(media_type, content, part_bytes)
    return error.value


def test_there_is_a_sample_of_every_type() -> None:
    assert set(SAMPLES) == set(MEDIA_TYPES)


@pytest.mark.parametrize("part_bytes", [1, 7, 1 << 20])
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_sound_file_passes_however_it_is_cut(media_type: str, part_bytes: int) -> None:
    check(media_type, SAMPLES[media_type], part_bytes)


@pytest.mark.parametrize("declared", MEDIA_TYPES)
@pytest.mark.parametrize("actual", MEDIA_TYPES)
def test_no_type_passes_for_another(declared: str, actual: str) -> None:
    if declared != actual:
        assert refused(declared, SAMPLES[actual]).code == "attachment-type"


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize(
    "content", [b"MZ\x90\0" + bytes(60), b"<html><script>1</script></html>", b"#!/bin/sh\n", b"\0", b"PK\x03\x04", bytes(5000)]
)
def test_other_files_are_refused_and_named(media_type: str, content: bytes) -> None:
    error = refused(media_type, content)
    assert error.code == "attachment-type"
    assert error.fields["declared"] == media_type


def test_the_message_says_what_it_looks_like() -> None:
    assert refused(PDF, b"MZ\x90\0" + bytes(60)).fields["found"] == "application/vnd.microsoft.portable-executable"
    assert refused(PNG, SAMPLES[PDF]).fields["found"] == "application/pdf"
    assert refused(PDF, SAMPLES[XLSX]).fields["found"] == "a ZIP archive"
    assert looks_like(b"\0\1\2\3") == "an unknown kind of file"


def test_what_stands_before_the_magic_is_refused() -> None:
    for media_type in (PDF, PNG, XLSX, OFD):
        assert refused(media_type, b"\n" + SAMPLES[media_type]).code == "attachment-type"


@pytest.mark.parametrize("part_bytes", [1, 3, 8, 1 << 20])
@pytest.mark.parametrize("token", [b"/Encrypt 5 0 R", b"/S /JavaScript", b"/S/Launch/", b"/Encrypt<<"])
def test_active_and_encrypted_pdf(token: bytes, part_bytes: int) -> None:
    error = refused(PDF, SAMPLES[PDF] + b"2 0 obj << " + token + b" >> endobj", part_bytes)
    assert error.code == "attachment-active"


def test_names_that_only_begin_alike_are_no_reason() -> None:
    check(PDF, SAMPLES[PDF] + b"/EncryptMetadata true /Launchpad (x) /JavaScripts")


@pytest.mark.parametrize(
    "name",
    [
        "xl/vbaProject.bin",
        "xl/embeddings/oleObject1.bin",
        "xl/activeX/activeX1.xml",
        "xl/macrosheets/sheet1.xml",
        "docProps/setup.exe",
        "a/b/run.PS1",
        "x.js",
    ],
)
@pytest.mark.parametrize("media_type", [XLSX, DOCX, OFD])
def test_archives_with_macros_or_programs(media_type: str, name: str) -> None:
    parts = {XLSX: XLSX_PARTS, DOCX: ("[Content_Types].xml", "word/document.xml"), OFD: ("OFD.xml",)}[media_type]
    assert refused(media_type, archive(*parts, name)).code == "attachment-active"


def test_macro_enabled_content_types() -> None:
    content = archive("xl/workbook.xml", **{"[Content_Types].xml": CONTENT_TYPES + b"application/vnd.ms-excel.macroEnabled"})
    assert refused(XLSX, content).code == "attachment-active"


def test_archives_with_a_password_or_two_parts_of_one_name() -> None:
    made = bytearray(SAMPLES[XLSX])
    entry = made.index(b"PK\x01\x02")
    made[entry + 8] |= 1  # general purpose flag: encrypted
    assert refused(XLSX, bytes(made)).code == "attachment-active"
    assert refused(XLSX, archive(*XLSX_PARTS, "XL/workbook.XML")).code == "attachment-active"


def test_an_archive_that_unpacks_to_far_more_than_its_size() -> None:
    assert refused(OFD, archive("OFD.xml", **{"bomb.xml": bytes(101 << 20)})).code == "attachment-active"


@pytest.mark.parametrize("media_type", [XLSX, DOCX, OFD])
def test_damaged_archives(media_type: str) -> None:
    whole = SAMPLES[media_type]
    for content in (whole[:-10], whole[: len(whole) // 2], whole[:4] + bytes(100)):
        assert refused(media_type, content).code == "attachment-type"


def test_an_archive_that_lies_about_a_part() -> None:
    made = bytearray(SAMPLES[XLSX])
    made[made.index(b"PK\x03\x04") + 14] ^= 1  # the checksum of [Content_Types].xml
    entry = made.index(b"PK\x01\x02")
    made[entry + 16] ^= 1
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(made)).read("[Content_Types].xml")
    assert refused(XLSX, bytes(made)).code == "attachment-type"


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (b"0\nSECTION\n", True),
        (b"999\nmade by a test\n  0\nSECTION\n2\nHEADER\n", True),
        (b"AutoCAD Binary DXF\r\n\x1a\x00" + bytes(9), True),
        (b"0\nSECTIONS\n", False),
        (b"0 SECTION\n", False),
        (b"10\nSECTION\n", False),
    ],
)
def test_dxf(content: bytes, is_one: bool) -> None:
    if is_one:
        check(DXF, content)
    else:
        assert refused(DXF, content).code == "attachment-type"
