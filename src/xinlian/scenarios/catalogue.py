"""Gives out the files of the shipped scenarios: dataset schemas and need-to-know matrices.

A scenario is data, not code: one folder per scenario with ``datasets/<alias>.json`` and ``need_to_know.json``.

Rules
1. A need-to-know rule names receiver, dataset, mode, purpose and fields (or views); nothing is granted that no rule names.
2. A rule's fields exist in the dataset, are verifiable for mode ``verify`` and grantable for mode ``query``; its purpose is one
   of the dataset's. A test holds every shipped rule to this.
3. ``third_party`` marks receivers that are no department: the provider must consent (Decree 809 art. 25).

Example::

    schemas = load_schemas("new-home-loan")          # {"GA-01": DatasetSchema, …}
    rules = load_need_to_know("new-home-loan").rules

Source: dossier 3.1.3; design 9.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from xinlian.protocol.dataset import DatasetSchema, Mode, load_schema
from xinlian.protocol.errors import NotFoundError

NEED_TO_KNOW_FORMAT = "xinlian-need-to-know/1"


@dataclass(frozen=True, slots=True)
class NeedToKnowRule:
    """What one receiver may have of one dataset.

    Args:
        column: column of the matrix.
        receiver: USCC.
        dataset: alias, such as ZJ-02.
        mode: how.
        purpose: code of the purpose (at most 32 of A-Z 0-9 _ -).
        fields: field names; an array's name stands for all its fields. Modes verify, query and batch.
        views: names of derived views. Mode answer.
        third_party: True when the receiver is no department (Decree 809 art. 25).
    """

    column: str
    receiver: str
    dataset: str
    mode: Mode
    purpose: str
    fields: tuple[str, ...]
    views: tuple[str, ...]
    third_party: bool


@dataclass(frozen=True, slots=True)
class NeedToKnow:
    """The matrix of a scenario: its rules, the level (full, derived, own, none) of every receiver and column, and the columns
    that no shipped dataset covers.
    """

    scenario: str
    rules: tuple[NeedToKnowRule, ...]
    levels: Mapping[str, Mapping[str, str]]
    not_covered: tuple[str, ...]


def scenario_names() -> tuple[str, ...]:
    """Names of the shipped scenarios, such as ``new-home-loan``."""
    root = files("xinlian.scenarios")
    found = [entry.name for entry in root.iterdir() if entry.is_dir() and entry.joinpath("need_to_know.json").is_file()]
    return tuple(sorted(name.replace("_", "-") for name in found))


def dataset_files(scenario: str) -> dict[str, bytes]:
    """The schema files of a scenario by alias, in alias order.

    Raises:
        NotFoundError: ``scenario-unknown``.
    """
    folder = _folder(scenario).joinpath("datasets")
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda entry: entry.name)
    return {entry.name.removesuffix(".json"): entry.read_bytes() for entry in entries}


def load_schemas(scenario: str) -> dict[str, DatasetSchema]:
    """The datasets of a scenario by alias.

    Raises:
        NotFoundError: ``scenario-unknown``.
    """
    return {alias: load_schema(data) for alias, data in dataset_files(scenario).items()}


def load_need_to_know(scenario: str) -> NeedToKnow:
    """The need-to-know matrix of a scenario.

    Raises:
        NotFoundError: ``scenario-unknown``.
    """
    document = json.loads(_folder(scenario).joinpath("need_to_know.json").read_bytes())
    return NeedToKnow(
        scenario=document["scenario"],
        rules=tuple(_rule(entry) for entry in document["rules"]),
        levels=document["levels"],
        not_covered=tuple(document["not_covered"]),
    )


def _rule(entry: Mapping[str, object]) -> NeedToKnowRule:
    return NeedToKnowRule(
        column=str(entry["column"]),
        receiver=str(entry["receiver"]),
        dataset=str(entry["dataset"]),
        mode=Mode(str(entry["mode"])),
        purpose=str(entry["purpose"]),
        fields=_texts(entry.get("fields", ())),
        views=_texts(entry.get("views", ())),
        third_party=entry.get("third_party") is True,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _folder(scenario: str) -> Traversable:
    if scenario not in scenario_names():
        raise NotFoundError("scenario-unknown", f"there is no scenario of that name; shipped: {', '.join(scenario_names())}")
    return files("xinlian.scenarios").joinpath(scenario.replace("-", "_"))
