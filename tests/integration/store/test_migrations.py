from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, inspect, text

from xinlian.protocol.errors import StoreError
from xinlian.store.migrations import History, migrate
from xinlian.store.opening import NODE_DB, Store, open_store
from xinlian.store.tables import KEYS_METADATA, METADATA

HISTORIES: list[tuple[History, MetaData]] = [("node", METADATA), ("keys", KEYS_METADATA)]


@pytest.mark.parametrize(("history", "metadata"), HISTORIES, ids=["node", "keys"])
def test_the_migrated_schema_is_the_one_in_tables(tmp_path: Path, history: History, metadata: MetaData) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    assert migrate(engine, history) == migrate(engine, history)  # twice is once
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_a_database_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / NODE_DB}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path)
    assert caught.value.code == "store-schema"
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    engine.dispose()


def test_blind_index_rows_live_in_their_key_alone(store: Store) -> None:
    with store.node.read() as reader:
        sql = reader.fetch("SELECT sql FROM sqlite_master WHERE name = 'record_index'")[0][0]
    assert "WITHOUT ROWID" in sql
