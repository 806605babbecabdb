"""Gives out the shipped calendar file: the years that the State Council's notices have settled.

Example: ``shipped_calendar()[2026].days``
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from xinlian.protocol.calendar_file import YearFile, parse


def shipped_calendar() -> Mapping[int, YearFile]:
    """The years of ``calendar.json`` beside this module."""
    return parse(shipped_calendar_bytes())


def shipped_calendar_bytes() -> bytes:
    """The file as shipped."""
    return files("xinlian.scenarios").joinpath("calendar.json").read_bytes()
