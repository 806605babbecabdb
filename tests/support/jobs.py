"""Jobs for a ``Writer`` in tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from xinlian.store.writer import Transaction

P = ParamSpec("P")
T = TypeVar("T")


def job(function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> Callable[[Transaction], T]:
    """A job that calls a repository function with these arguments, bound now (a lambda in a loop would bind late)."""
    return lambda tx: function(tx, *args, **kwargs)
