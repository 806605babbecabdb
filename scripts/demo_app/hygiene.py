"""What must not be there: personal data in logs, on chain, or in clear in a node's files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scripts.demo_app.stage import Stage
from xinlian.scenarios.synthetic import CONTRACT_NO, DOSSIER_PERSONS, JIA, YI


def clean(stage: Stage) -> list[str]:
    """Files of the work folder in which an ID number of the dossier's persons, a borrower's name or the contract's number stands.

    Looked for in UTF-8 and in hex. The input files, which are what the clerks hold, are left out; the other persons' names too,
    because officials in the schema files bear them.
    """
    texts = [*(person.id_number for person in DOSSIER_PERSONS), JIA.name, YI.name, CONTRACT_NO]
    needles = [text.encode() for text in texts]
    needles += [needle.hex().encode() for needle in needles]
    return [str(path.relative_to(stage.places.root)) for path in _files(stage) if _holds(path, needles)]


def _files(stage: Stage) -> Iterator[Path]:
    for path in sorted(stage.places.work.rglob("*")):
        if path.is_file() and not path.is_relative_to(stage.places.input):
            yield path


def _holds(path: Path, needles: list[bytes]) -> bool:
    content = path.read_bytes()
    return any(needle in content for needle in needles)
