"""The sheet of the case as a caseworker sees it: value, source, mode, receipt, verdict."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_HEADS: Final = ("item 项目", "value 值", "source 来源", "mode 方式", "receipt 回执", "verdict 结论")
_WIDTHS: Final = (24, 34, 12, 8, 26, 0)


@dataclass(slots=True)
class Line:
    """One value: its name, what it is, who gave it, how, the file with its evidence, what the verifier said."""

    item: str
    value: Any
    source: str
    mode: str
    bundle: Path
    verdict: str = "not verified"

    @property
    def receipt(self) -> str:
        """Where on chain the evidence lies, from the bundle's receipt."""
        receipt = json.loads(self.bundle.read_bytes())["receipt"]
        if receipt is None:
            return "待上链 pending"
        return f"{receipt['stream']} {receipt['sequence']} #{receipt['index']} · block {receipt['block_number']}"


def show(lines: Sequence[Line]) -> None:
    """Print the sheet on standard output."""
    table = [_HEADS, *((line.item, _text(line.value), line.source, line.mode, line.receipt, line.verdict) for line in lines)]
    print()
    for number, row in enumerate(table):
        print("  ".join(_padded(cell, width) for cell, width in zip(row, _WIDTHS, strict=True)).rstrip())
        if number == 0:
            print("-" * 120)
    print(flush=True)


def _text(value: Any) -> str:
    return {True: "是 true", False: "否 false"}[value] if isinstance(value, bool) else str(value)


def _padded(text: str, width: int) -> str:
    return text + " " * max(0, width - _columns(text))


def _columns(text: str) -> int:
    """Columns on a terminal; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
