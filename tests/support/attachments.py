"""Synthetic files of every kind that an attachment may be, and some that it may not."""

from __future__ import annotations

import io
import os
import zipfile
from hashlib import sha256

from xinlian.api.upload_headers import digest_field, disposition
from xinlian.protocol.attachments import DOCX, DWG, DXF, JPEG, OFD, PDF, PNG, TIFF, XLSX

CONTENT_TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def archive(*names: str, **more: bytes) -> bytes:
    """A ZIP with parts of these names."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in names:
            target.writestr(name, CONTENT_TYPES if name == "[Content_Types].xml" else b"<x/>")
        for name, content in more.items():
            target.writestr(name, content)
    return made.getvalue()


XLSX_PARTS = ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml")
SAMPLES = {
    PDF: b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n",
    PNG: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17),
    JPEG: b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(20),
    TIFF: b"II*\0\x08\0\0\0" + bytes(20),
    DWG: b"AC1032\0\0\0\0\0" + bytes(20),
    DXF: b"  0\r\nSECTION\r\n  2\r\nHEADER\r\n  0\r\nENDSEC\r\n  0\r\nEOF\r\n",
    OFD: archive("OFD.xml", "Doc_0/Document.xml"),
    XLSX: archive(*XLSX_PARTS),
    DOCX: archive("[Content_Types].xml", "word/document.xml"),
}
"""One small sound file of every type."""


def pdf(size: int) -> bytes:
    """A PDF-like file of that many bytes, different each time."""
    head = SAMPLES[PDF]
    return head + os.urandom(8).hex().encode() * ((size - len(head)) // 16) + b"\n" * ((size - len(head)) % 16)


def upload_fields(content: bytes | None, media_type: str = PDF, name: str = "授权书.pdf", **more: str) -> dict[str, str]:
    """Header fields of a creation."""
    fields = {"Content-Type": media_type, "Content-Disposition": disposition("inline", name), **more}
    return fields if content is None else {**fields, "Repr-Digest": digest_field(sha256(content).digest())}
