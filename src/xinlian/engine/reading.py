"""Small strict readers for the JSON files of a scenario folder: each names file and place.

Example: ``a_text(value, "scenario.json", "steps.A2.role")``
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.types import MAX_EXACT_INT

MAX_TEXT: Final = 2000


def document(data: bytes, form: str, names: Collection[str], file: str) -> dict[str, Any]:
    """The object of a file, with exactly ``format`` (of the value ``form``) and these members.

    Raises:
        InputError: ``scenario-file`` or a code of ``protocol.jsontext``.
    """
    root = an_object(loads_strict(data), file, "the file", {"format", *names})
    if root["format"] != form:
        raise wrong(file, "format", form)
    return root


def wrong(file: str, where: str, expected: str) -> InputError:
    """The error for a mistake in a file."""
    return InputError("scenario-file", f"{file}: {where}: expected {expected}", file=file, place=where)


def an_object(
    value: object, file: str, where: str, names: Collection[str] | None = None, optional: Collection[str] = ()
) -> dict[str, Any]:
    """An object; with ``names``, of exactly these members and any of the optional ones."""
    if not isinstance(value, dict):
        raise wrong(file, where, "an object")
    if names is not None:
        missing, more = set(names) - set(value), set(value) - set(names) - set(optional)
        if missing:
            raise wrong(file, where, f"the member {min(missing)}")
        if more:
            raise wrong(file, where, f"no member {min(more)[:64]!r}")
    return value


def a_list(value: object, file: str, where: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise wrong(file, where, "a list")
    return value


def a_text(value: object, file: str, where: str, *, empty: bool = False) -> str:
    """A text of bounded length."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not (value or empty):
        raise wrong(file, where, f"a text of at most {MAX_TEXT} characters")
    return value


def a_text_or_none(value: object, file: str, where: str) -> str | None:
    """A text or null."""
    return None if value is None else a_text(value, file, where)


def texts(value: object, file: str, where: str) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(a_text(one, file, where) for one in a_list(value, file, where))


def a_bool(value: object, file: str, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(file, where, "true or false")
    return value


def a_count(value: object, file: str, where: str, low: int = 0, high: int = MAX_EXACT_INT) -> int:
    """A whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(file, where, f"a whole number {low}..{high}")
    return value
