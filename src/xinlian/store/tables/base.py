"""Metadata and columns that all tables share."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Text

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
METADATA = MetaData(naming_convention=_NAMES)
KEYS_METADATA = MetaData(naming_convention=_NAMES)


def int_(name: str, *, null: bool = False, comment: str | None = None) -> Column[int]:
    """Return a column of whole numbers."""
    return Column(name, Integer, nullable=null, comment=comment)


def text_(name: str, *, null: bool = False, comment: str | None = None) -> Column[str]:
    """Return a column of text."""
    return Column(name, Text, nullable=null, comment=comment)


def blob_(name: str, *, null: bool = False, comment: str | None = None) -> Column[bytes]:
    """Return a column of bytes."""
    return Column(name, LargeBinary, nullable=null, comment=comment)


def id_(name: str = "id") -> Column[int]:
    """Return the rising id of a table's rows."""
    return Column(name, Integer, primary_key=True)
