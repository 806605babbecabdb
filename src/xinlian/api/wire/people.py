"""Users and their tokens, and what waits for a person."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from xinlian.api.wire.base import Wire
from xinlian.node.people import Role

_CLOCK = {
    "length_wd": 10,
    "used_wd": 3,
    "left_wd": 7,
    "deadline": 1791993600,
    "last_day": "2026-10-14",
    "light": "green",
    "paused": False,
    "missing_year": None,
    "text": "3 of 10 working days used",
}


class UserIn(Wire):
    """A user to be added."""

    person_id: str = Field(min_length=1, max_length=64, examples=["P0001"], description="Staff number, never an ID number.")
    name: str = Field(min_length=1, max_length=120, examples=["测试经办"])
    post: str = Field(min_length=1, max_length=120, examples=["贷款受理岗"])
    roles: list[Role] = Field(min_length=1, examples=[["publisher", "caseworker"]])
    expires: int = Field(ge=0, le=4_294_967_295, description="Epoch seconds.", examples=[1830000000])


class UserOut(Wire):
    """A user."""

    id: int
    person_id: str
    name: str
    post: str
    roles: list[Role]
    expires: int
    disabled: bool


class TokenIn(Wire):
    """Life of a new token."""

    days: int = Field(ge=1, le=36_500, examples=[90])
    label: str = Field("", max_length=120)


class TokenOut(Wire):
    """A new token; this is the only time it is shown."""

    token: str


class TodoOut(Wire):
    """One thing that waits for the caller; ``urging`` is 催办 from a yellow light on, 督办 from a red one."""

    kind: str = Field(examples=["approval-decide"])
    ref: str = Field(examples=["approval 7"])
    object: str = Field(examples=["dataset 12411599MBDEM00233/000001@1"])
    what: str = Field(examples=["dataset-propose"])
    capacity: Literal["handler", "head", "authority"]
    since: int = Field(examples=[1790000000])
    clock: dict[str, Any] | None = Field(examples=[_CLOCK])
    urging: Literal["催办", "督办"] | None
