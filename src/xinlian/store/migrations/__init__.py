"""Schema migrations (Alembic), packaged with the code: nothing is fetched and no ini file is needed.

Two databases, two histories: ``node`` for node.db, ``keys`` for keys.db.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from xinlian.protocol.errors import StoreError

History = Literal["node", "keys"]
_HERE = Path(__file__).parent


def migrate(engine: Engine, history: History = "node") -> str:
    """Bring a database to the newest schema, in one transaction.

    Args:
        engine: of the database; no other connection writes meanwhile.
        history: which of the two databases it is.

    Returns:
        The revision the database now has.

    Raises:
        StoreError: ``store-schema`` when a newer program made the database.
    """
    with engine.begin() as connection:
        return migrate_connection(connection, history)


def migrate_connection(connection: Connection, history: History) -> str:
    """``migrate`` on a connection whose transaction the caller owns.

    Raises:
        StoreError: ``store-schema`` as ``migrate``.
    """
    config = Config()
    config.set_main_option("script_location", str(_HERE / history).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    have, newest = MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}
    if have is not None and have not in known:
        raise StoreError("store-schema", f"the database has schema {have}, this program knows up to {newest}", schema=have)
    command.upgrade(config, "head")
    return str(newest)
