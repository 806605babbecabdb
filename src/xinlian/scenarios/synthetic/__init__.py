"""Seeded generator of the demo's input: synthetic, code-correct rows of scenario A in files as a clerk would hand them in.

Rules
1. The same seed and number of rows give the same bytes.
2. All people are synthetic: region 411599, names 测试…; the five persons of the dossier are among them with the dossier's facts.
3. Every row is sound against its schema (a test checks them all).

Example::

    manifest = generate(Path("input"), seed=20261102, rows=10_000)
    for entry in manifest.files: …   # dataset alias, path, kind, encoding, rows, sha256

Source: dossier 2.9, 3.1, 4.3; contract of issue "1 of 5" (Demo on real input).
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from xinlian.protocol.dataset import DatasetSchema, Field
from xinlian.scenarios.catalogue import load_schemas
from xinlian.scenarios.synthetic.files import Row, csv_bytes, ndjson_bytes, xlsx_bytes
from xinlian.scenarios.synthetic.people import BING, DING, DOSSIER_PERSONS, JIA, REGION, WU, YI, Person, make_people
from xinlian.scenarios.synthetic.rows import AS_OF, CONTRACT_NO, PERMIT_NO, UNIT_CODE, make_rows

__all__ = [
    "AS_OF",
    "BING",
    "CONTRACT_NO",
    "DING",
    "DOSSIER_PERSONS",
    "JIA",
    "PERMIT_NO",
    "REGION",
    "UNIT_CODE",
    "WU",
    "YI",
    "Manifest",
    "ManifestFile",
    "Person",
    "generate",
    "make_people",
    "make_rows",
]

SCENARIO: Final = "new-home-loan"


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file: dataset alias, file name, kind (csv, xlsx, ndjson), encoding (csv only, else empty), data rows, SHA-256 (hex)."""

    dataset: str
    path: str
    kind: str
    encoding: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``generate`` wrote: the seed, the number of rows in all files, and the files in alias order."""

    seed: int
    rows: int
    files: tuple[ManifestFile, ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """How a dataset's file is written."""

    kind: str
    encoding: str
    write: Callable[[DatasetSchema, Sequence[Row]], bytes]


def _title(entry: Field) -> str:
    return entry.title


def _name(entry: Field) -> str:
    return entry.name


def _mixed(entry: Field) -> str:
    return entry.title if entry.index % 2 == 0 else entry.name


_FORMS: Final = {
    "BDC-01": _Form("ndjson", "", ndjson_bytes),
    "GA-01": _Form("csv", "utf-8", lambda schema, rows: csv_bytes(schema, rows, encoding="utf-8", header=_name)),
    "GJJ-01": _Form("xlsx", "", xlsx_bytes),
    "GJJ-02": _Form("csv", "utf-8", lambda schema, rows: csv_bytes(schema, rows, encoding="utf-8-sig", header=_mixed)),
    "MZ-01": _Form("csv", "gb18030", lambda schema, rows: csv_bytes(schema, rows, encoding="gb18030", header=_title)),
    "ZJ-01": _Form("xlsx", "", xlsx_bytes),
    "ZJ-02": _Form("xlsx", "", xlsx_bytes),
    "ZJ-03": _Form("csv", "gb18030", lambda schema, rows: csv_bytes(schema, rows, encoding="gb18030", header=_title)),
}


def generate(out_dir: Path, seed: int, rows: int = 10_000) -> Manifest:
    """Write the input files of scenario A.

    Args:
        out_dir: folder; made when it does not exist. Files of the same names are replaced.
        seed: any integer.
        rows: rows wanted in total; at least as many are written.

    Returns:
        the manifest, which is also written as ``manifest.json``.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    schemas = load_schemas(SCENARIO)
    made = make_rows(random.Random(seed), rows)
    files = tuple(_write(out_dir, schemas[alias], made[alias]) for alias in sorted(made))
    manifest = Manifest(seed, sum(entry.rows for entry in files), files)
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=2) + "\n"
    (out_dir / "manifest.json").write_text(text, encoding="utf-8")
    return manifest


def _write(out_dir: Path, schema: DatasetSchema, rows: Sequence[Row]) -> ManifestFile:
    form = _FORMS[schema.alias]
    data = form.write(schema, rows)
    name = f"{schema.alias}.{form.kind}"
    (out_dir / name).write_bytes(data)
    return ManifestFile(schema.alias, name, form.kind, form.encoding, len(rows), hashlib.sha256(data).hexdigest())
