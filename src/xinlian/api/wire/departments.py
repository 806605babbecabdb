"""What the authority and an operator do to departments, keys and the calendar."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from xinlian.api.wire.base import Hash0x, UsccText, Wire


class SuspendIn(Wire):
    """Why a department is suspended: a registered reason code."""

    reason: int = Field(ge=0, le=255, examples=[1])


class CompromisedIn(Wire):
    """From which block on batches of a department are suspect."""

    since_block: int = Field(ge=0, le=9_007_199_254_740_991, examples=[120])


class RotateIn(Wire):
    """Which key is replaced."""

    kind: Literal["signing", "hpke"]
    retire: bool = False


class TermEndOut(Wire):
    """The end of a term."""

    start: str = Field(examples=["2026-09-24"], description="This day is not counted.")
    days: int = Field(examples=[10])
    kind: Literal["working-days", "calendar-days"]
    last_day: str = Field(examples=["2026-10-15"], description="The last day that is still in time.")
    deadline: int = Field(examples=[1792080000], description="First second that is too late, epoch seconds.")


class CalendarYear(Wire):
    """A year of the working-day calendar: what is not as its weekday says."""

    year: int = Field(examples=[2026])
    workdays: int = Field(examples=[248])
    closed_weekdays: list[str] = Field(examples=[["2026-09-25"]], description="Mondays to Fridays that are no workdays.")
    make_up_days: list[str] = Field(examples=[["2026-10-10"]], description="Saturdays and Sundays that are workdays.")
    outages: list[str] = Field(examples=[["2026-09-28"]], description="Days that no clock counts.")


class CalendarChange(Wire):
    """What became of a change of the calendar."""

    change: Literal["loaded", "changed", "declared", "withdrawn", "unchanged"]
    tx_hash: Hash0x | None = Field(description="None when nothing had to change.")
    block_number: int | None = Field(examples=[12])


class RecoverySigner(Wire):
    """A signer to come."""

    address: str = Field(examples=["0x" + "Ab" * 20])
    roles: list[Literal["anchor", "law", "admin"]] = Field(examples=[["admin"]])


class RecoveryOut(Wire):
    """An announced recovery."""

    department: UsccText
    announced_at: int = Field(examples=[1789952400], description="Epoch seconds.")
    earliest: int | None = Field(examples=[1790179200], description="It may be carried out from then on, epoch seconds.")
    missing_year: int | None = Field(examples=[None], description="Calendar year that is not loaded and prevents it.")
    signers: list[RecoverySigner]
