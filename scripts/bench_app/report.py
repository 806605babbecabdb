"""Figures and how they are told."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Args:
        name: stable name.
        value: measured.
        unit: of value and limit.
        limit: measured or fixed, same unit.
        aim: what we aim at, in words.
        is_more_better: how to read the ratio.
    """

    name: str
    value: float
    unit: str
    limit: float
    aim: str
    is_more_better: bool = True

    @property
    def ratio(self) -> float:
        """Value over limit."""
        return self.value / self.limit if self.limit else 0.0

    def to_json(self) -> dict[str, object]:
        """As in ``--json``."""
        return {
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "limit": round(self.limit, 4),
            "ratio": round(self.ratio, 4),
        }

    def line(self) -> str:
        """As printed."""
        reading = "higher is better" if self.is_more_better else "lower is better"
        figure = f"{self.name:20} {self.value:>12,.2f} {self.unit:12} limit {self.limit:>12,.2f}"
        return f"{figure}  ratio {self.ratio:6.3f} ({reading}; aim: {self.aim})"


@dataclass(slots=True)
class Report:
    """Collects figures and prints them as they come."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, *figures: Figure) -> None:
        """Take figures in."""
        for figure in figures:
            self.figures.append(figure)
            print(figure.line(), flush=True)

    def note(self, text: str) -> None:
        """Something worth knowing beside the figures."""
        print(f"  {text}", flush=True)

    def write(self, path: Path) -> None:
        """Write the JSON file."""
        path.write_text(json.dumps([figure.to_json() for figure in self.figures], indent=2) + "\n", encoding="utf-8")


def progress(text: str) -> None:
    """A line on stderr about what is going on."""
    print(f"… {text}", file=sys.stderr, flush=True)
