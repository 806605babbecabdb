"""Attachments: files that belong to records, uploaded with resume, encrypted at rest, checked by content, scanned, given out by
range.

``keeping`` holds store, files and keys; ``uploads`` takes files in (``turns``, ``content``, ``scanning`` help); ``library``
shows them, resolves references in rows and notes what uses them; ``building`` puts them together.
"""

from xinlian.node.attachments.building import library_of
from xinlian.node.attachments.keeping import Keeping
from xinlian.node.attachments.library import Content, FilesOfRow, Library
from xinlian.node.attachments.scanning import Scanner, Verdict, scanner_of
from xinlian.node.attachments.uploads import Limits, NewUpload, Part, Uploads

__all__ = [
    "Content",
    "FilesOfRow",
    "Keeping",
    "Library",
    "Limits",
    "NewUpload",
    "Part",
    "Scanner",
    "Uploads",
    "Verdict",
    "library_of",
    "scanner_of",
]
