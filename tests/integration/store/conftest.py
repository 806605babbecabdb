"""Real databases on disk for the store's tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from xinlian.store import datasets
from xinlian.store.opening import Store, open_store
from xinlian.store.record_keys import Vault
from xinlian.store.sealing import Sealer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def dataset_id(store: Store) -> int:
    new = datasets.StoredDataset(0, "12411599MBDEM00233/000001", 1, "GJJ-01", b"{}", bytes(32), "published", 1)
    return store.node.submit(lambda tx: datasets.insert(tx, new)).result().id


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(os.urandom(32), os.urandom)


@pytest.fixture
def vault() -> Vault:
    return Vault({1: os.urandom(32)}, os.urandom)
