"""Alembic environment of the keys database: runs on the connection that ``migrations.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from xinlian.store.tables import KEYS_METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=KEYS_METADATA,
    render_as_batch=True,
    transactional_ddl=False,  # the caller owns the one transaction around all steps
)
context.run_migrations()
