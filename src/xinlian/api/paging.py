"""Cursor pagination of every list: ``limit``, an opaque ``cursor``, and ``next`` in the answer.

Rules
1. ``limit`` is 1 to 200, 50 without it; ``next`` is null exactly at the end.
2. A cursor is opaque to callers: base64url of the list's name and the last item's key. It discloses what the page showed, so it
   is not signed; one of another list, or that none gave out, is ``page-form``.

Example::

    GRANTS = Listing("grants", str, int)

    @router.get("")
    async def list_grants(request: Request, window: Annotated[Window, Depends(GRANTS)]) -> PageOut[GrantOut]: …
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import orjson
from pydantic import Field
from starlette.requests import Request

from xinlian.api.parameters import MAX_NUMBER
from xinlian.api.wire import Wire
from xinlian.node.paging import Key, Page, Window
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.errors import InputError

MAX_LIMIT = 200
DEFAULT_LIMIT = 50
MAX_CURSOR = 400

T = TypeVar("T")
Shown = TypeVar("Shown")


class PageOut(Wire, Generic[Shown]):
    """A page of a list."""

    items: list[Shown]
    next: str | None = Field(None, description="The cursor of the page after this one; null at the end.", examples=[None])


class Listing:
    """One list of the API; as a FastAPI dependency it reads the window that a request asks for.

    Args:
        name: of the list.
        form: types of the members of its keys.
    """

    def __init__(self, name: str, *form: type[int | str]) -> None:
        self._name = name
        self._form = form

    async def __call__(self, request: Request) -> Window:
        """The window a request asks for.

        Raises:
            InputError: ``page-form``.
        """
        return self.window(request)

    def window(self, request: Request) -> Window:
        """The same for plain routes."""
        limit = request.query_params.get("limit", str(DEFAULT_LIMIT))
        cursor = request.query_params.get("cursor")
        if not (len(limit) <= 3 and limit.isascii() and limit.isdecimal() and 1 <= int(limit) <= MAX_LIMIT):
            raise InputError("page-form", f"limit is a whole number from 1 to {MAX_LIMIT}", field="limit")
        return Window(int(limit), None if cursor is None else self._key(cursor))

    def _key(self, cursor: str) -> Key:
        try:
            name, *key = orjson.loads(unb64u(cursor[:MAX_CURSOR]))
        except (InputError, ValueError, TypeError):
            name, key = None, []
        fits = len(key) == len(self._form) and all(type(part) is kind for part, kind in zip(key, self._form, strict=True))
        if name != self._name or not fits or any(type(part) is int and not 0 <= part <= MAX_NUMBER for part in key):
            raise InputError("page-form", "cursor is the next of a page of this list, as it was given", field="cursor")
        return tuple(key)

    def page(self, page: Page[T], show: Callable[[T], Any]) -> dict[str, Any]:
        """A page as the API answers it.

        Args:
            page: from the use case.
            show: an item as shown.
        """
        following = None if page.next is None else b64u(orjson.dumps([self._name, *page.next]))
        return {"items": [show(item) for item in page.items], "next": following}
