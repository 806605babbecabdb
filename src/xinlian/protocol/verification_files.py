"""The additional check ``attachment``: whether given files are the ones that a bundle's disclosed values name.

Rules
1. It is made only when files are given; it stands behind the closed list and leaves that list as it is.
2. A file is named when its SHA-256 and its length are those of one disclosed value; name and media type are only what the
   department said of it.
3. It is not run while the check ``disclosures`` has not passed: then no value counts.

Example: ``with_files(report, [GivenFile("scan.pdf", digest, size)]).check("attachment").outcome``

Source: design.md 4.6; issue "2 of 5", Attachments; docs/adr/010.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from xinlian.protocol.report import Check, Outcome, Report

NAME: Final = "attachment"


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file to be checked: what to call it in the report, its SHA-256 (64 hex digits) and its length."""

    label: str
    sha256: str
    bytes: int


def with_files(report: Report, files: Sequence[GivenFile]) -> Report:
    """Add the check of some files to a report.

    Args:
        report: of the bundle.
        files: at least one, or the report comes back as it was.
    """
    return replace(report, checks=(*report.checks, _check(report, files))) if files else report


def _check(report: Report, files: Sequence[GivenFile]) -> Check:
    if report.check("disclosures").outcome is not Outcome.PASSED:
        return Check(NAME, Outcome.NOT_RUN, "the disclosed values are not proven")
    named = {(value.sha256, value.bytes): field for field, value in report.attachments}
    strange = [file.label for file in files if (file.sha256, file.bytes) not in named]
    if strange:
        return Check(NAME, Outcome.FAILED, f"no disclosed value names {', '.join(strange)}")
    return Check(NAME, Outcome.PASSED, "; ".join(f"{file.label} is {named[file.sha256, file.bytes]}" for file in files))
