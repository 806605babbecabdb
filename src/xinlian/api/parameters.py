"""Types of path and query parameters: every number is bounded, so that none reaches the database that it cannot hold.

Example: ``async def show(request: Request, position: NumberPath) -> …``
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

MAX_NUMBER = 2**53 - 1
MAX_REVISION = 2**31 - 1

NumberPath = Annotated[int, Path(ge=0, le=MAX_NUMBER, examples=[1])]
"""A position, a row id or a grant number."""

RevQuery = Annotated[int | None, Query(ge=1, le=MAX_REVISION, examples=[1], description="Revision; the latest without it.")]

VersionQuery = Annotated[
    int | None, Query(ge=1, le=65_535, examples=[1], description="Version; the newest published without it.")
]
