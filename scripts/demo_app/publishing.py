"""Datasets and rows: schema files proposed by their owners, published by the authority, filled from spreadsheet files."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from scripts.demo_app.problems import DemoError
from scripts.demo_app.stage import BY_USCC, NodeHandle, Stage
from scripts.demo_app.web import wait_for
from xinlian.scenarios.catalogue import dataset_files, load_schemas
from xinlian.scenarios.synthetic import SCENARIO as SCENARIO_NAME
from xinlian.scenarios.synthetic import Manifest, ManifestFile, generate

SEED: Final = 20261102
ROWS: Final = 10_000
_ANCHORED_S: Final = 60.0


def catalogue(stage: Stage) -> None:
    """The datasets, from proposal to publication."""
    states = dict.fromkeys(sorted(load_schemas(SCENARIO_NAME)), "published")
    title = "eight datasets (目录) proposed by their owners with the consent of the head 负责人, published by the authority"
    run = stage.summary.run
    run("datasets", title, states, lambda: _datasets(stage), needed=True)
    title = "consents and decisions (同意、审核意见) reached the other side as texts of the digests on chain; none is missing"
    run("texts", title, _texts_by_node(), lambda: _texts(stage))


def publish(stage: Stage) -> None:
    """Files and rows, until everything is anchored."""
    run = stage.summary.run
    manifest = generate(stage.places.input, SEED, ROWS)
    stage.summary.rows = manifest.rows
    rows = {entry.dataset: entry.rows for entry in manifest.files}
    title = f"{manifest.rows} rows handed in by clerks as XLSX, CSV (UTF-8, GB18030) and NDJSON files, with the command line"
    run("published", title, rows, lambda: _files(stage, manifest), needed=True)
    title = "the same file a second time is refused: no natural key lives twice"
    run("published-twice", title, "record-exists", lambda: _again(stage, manifest))
    title = "every record is anchored (上链), exactly once"
    run("anchored", title, _rows_by_node(manifest), lambda: _wait_anchored(stage, manifest), needed=True)


def owner_of(stage: Stage, alias: str) -> NodeHandle:
    """The node of the department that owns a dataset."""
    return stage.nodes[BY_USCC[load_schemas(SCENARIO_NAME)[alias].owner].id]


def _datasets(stage: Stage) -> dict[str, str]:
    authority = stage.nodes["D01"]
    files = dataset_files(SCENARIO_NAME)
    for alias, source in files.items():
        proposed = owner_of(stage, alias).approved("/api/v1/datasets", source, {"content-type": "application/schema+json"})
        body = {"code": proposed["code"], "version": proposed["version"]}
        _wait_proposed(authority, body)
        authority.approved("/api/v1/authority/datasets/publish", body, by="authority")
    return {alias: _published(stage, alias) for alias in sorted(files)}


def _texts_by_node() -> dict[str, int]:
    """The authority has the consents of the others, every other owner the decisions on its datasets."""
    owners = Counter(BY_USCC[schema.owner].id for schema in load_schemas(SCENARIO_NAME).values())
    others = {number: count for number, count in sorted(owners.items()) if number != "D01"}
    return {"D01": sum(others.values()), **others}


def _texts(stage: Stage) -> dict[str, int]:
    """Confirmed texts of others by node, once no node misses any."""
    return {number: _confirmed(stage.nodes[number], count) for number, count in _texts_by_node().items()}


def _confirmed(node: NodeHandle, wanted: int) -> int:
    api = node.person("auditor")

    def look() -> int | None:
        items = api.get("/api/v1/documents?limit=200")["items"]
        confirmed = sum(item["state"] == "confirmed" for item in items)
        is_complete = confirmed >= wanted and not api.get("/api/v1/documents/missing")["items"]
        return confirmed if is_complete else None

    return wait_for(f"the texts of {node.name}", look, 60.0, api.node)


def _wait_proposed(authority: NodeHandle, dataset: dict[str, Any]) -> None:
    path, api = f"/api/v1/datasets/{dataset['code'].replace('/', '.')}?version={dataset['version']}", authority.person("auditor")
    wait_for(f"{path} at the authority", lambda: True if api.ask("GET", path).status == 200 else None, 60.0, authority.name)


def _published(stage: Stage, alias: str) -> str:
    api = owner_of(stage, alias).person("auditor")

    def look() -> str | None:
        state = str(api.get(f"/api/v1/datasets/{alias}")["state"])
        return state if state == "published" else None

    return wait_for(f"dataset {alias} to be published", look, 60.0, api.node)


def _files(stage: Stage, manifest: Manifest) -> dict[str, int]:
    return {entry.dataset: _hand_in(stage, entry) for entry in manifest.files}


def _hand_in(stage: Stage, entry: ManifestFile) -> int:
    """One file by the command line, as its clerk would."""
    node = owner_of(stage, entry.dataset)
    encoding = ("--encoding", entry.encoding) if entry.encoding else ()
    file = stage.places.input / entry.path
    person = as_person(node, "publisher")
    ran = stage.commands.need("publish", file, "--dataset", entry.dataset, *encoding, "--json", extra=person)
    return int(ran.document()["accepted"])


def as_person(node: NodeHandle, role: str) -> dict[str, str]:
    """Environment of the command line for a person: which node, which token."""
    return {"XINLIAN_URL": node.url, "XINLIAN_TOKEN": node.tokens[role]}


def _again(stage: Stage, manifest: Manifest) -> str:
    entry = next(entry for entry in manifest.files if entry.dataset == "ZJ-01")
    api = owner_of(stage, entry.dataset).person("publisher")
    content = (stage.places.input / entry.path).read_bytes()
    answer = api.ask("POST", f"/api/v1/datasets/{entry.dataset}/imports", content, {"x-file-name": entry.path})
    return answer.code


def _rows_by_node(manifest: Manifest) -> dict[str, int]:
    schemas, rows = load_schemas(SCENARIO_NAME), Counter[str]()
    for entry in manifest.files:
        rows[BY_USCC[schemas[entry.dataset].owner].id] += entry.rows
    return dict(sorted(rows.items()))


def _wait_anchored(stage: Stage, manifest: Manifest) -> dict[str, int]:
    wanted = _rows_by_node(manifest)
    for number, rows in wanted.items():
        wait_final(stage.nodes[number], rows, _ANCHORED_S)
    return {number: final_records(stage.nodes[number]) for number in wanted}


def wait_final(node: NodeHandle, rows: int, timeout_s: float) -> None:
    """Wait until so many records of a node are final on chain.

    Raises:
        DemoError: after the timeout, or when the node gave up on a batch.
    """

    def look() -> bool | None:
        return True if final_records(node) >= rows else None

    wait_for(f"{rows} records of {node.department.id} on chain", look, timeout_s, node.name)


def final_records(node: NodeHandle) -> int:
    """Records of a node in batches that are final on chain."""
    batches: list[dict[str, Any]] = node.person("auditor").get("/api/v1/batches?limit=200")["items"]
    parked = node.person("auditor").get("/api/v1/parked")["items"]
    if parked:
        raise DemoError(f"{node.name} parked an item: {parked[0]}", process=node.name)
    return sum(batch["size"] for batch in batches if batch["stream"] == "records" and batch["state"] == "final")
