"""``xinlian calendar``: when a term ends, what a year looks like, and the authority's upkeep of the calendar on the chain.

Rules
1. ``add`` and ``show`` answer from a calendar file, by default the one that is shipped; with ``--rpc`` from the contract.
2. With ``--rpc``, chain and code must be those of the deployment manifest, and several endpoints must agree.
3. ``load`` and ``outage`` sign with the authority's key; what stands on the chain already is not sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from xinlian.cli.command import OFFLINE, SIGNING, Session, command, group
from xinlian.cli.files import read_bytes
from xinlian.cli.output import pairs, table
from xinlian.cli.trust import DeploymentOption, RpcOption, require_deployment, require_rpc_urls

if TYPE_CHECKING:
    from xinlian.chain.calendar import WorkCalendar
    from xinlian.chain.calls import Call
    from xinlian.chain.questions import Question
    from xinlian.protocol.calendar_file import YearFile
    from xinlian.protocol.clocks import TermQuestion
    from xinlian.protocol.manifest import Deployment
    from xinlian.protocol.working_days import Calendar, Year

T = TypeVar("T")
app = group("Working days: when a term ends, and the calendar's upkeep.")

DateArgument = Annotated[str, typer.Argument(metavar="DATE", help="The day the term starts, YYYY-MM-DD; it is not counted.")]
CountArgument = Annotated[int, typer.Argument(metavar="N", help="Length: 1 to 250 working days, 1 to 366 calendar days.")]
YearArgument = Annotated[int, typer.Argument(metavar="YEAR", min=2000, max=2100)]
CalendarDaysOption = Annotated[
    bool, typer.Option("--calendar-days", help="Every day counts; an end that is no workday runs to the next one.")
]
PauseOption = Annotated[
    list[str] | None,
    typer.Option("--pause", metavar="FROM..TO", help="Days of a special procedure 特别程序 that do not count; repeatable."),
]
FileOption = Annotated[
    str | None, typer.Option("--file", help="Calendar file; - for stdin; default: the shipped one.", show_default=False)
]


@command(app, "add", OFFLINE)
def add(
    session: Session,
    start: DateArgument,
    count: CountArgument,
    calendar_days: CalendarDaysOption = False,
    pause: PauseOption = None,
    file: FileOption = None,
    rpc: RpcOption = None,
    deployment: DeploymentOption = None,
) -> None:
    """Print the last day that is still in time, YYYY-MM-DD."""
    from xinlian.protocol.calendar_file import parse_date, parse_interval
    from xinlian.protocol.clocks import TermQuestion
    from xinlian.protocol.working_days import day_number

    pauses = tuple(parse_interval(text) for text in pause or ())
    question = TermQuestion(day_number(parse_date(start)), count, calendar_days, pauses)
    if rpc:
        end = question.ended(_asked(rpc, require_deployment(deployment), lambda contract: _on_chain(contract, question)))
    else:
        end = question.answer(_calendar(file))
    document = end.to_json()
    session.output.result(document, str(document["last_day"]))


@command(app, "show", OFFLINE)
def show(
    session: Session,
    year: YearArgument,
    file: FileOption = None,
    rpc: RpcOption = None,
    deployment: DeploymentOption = None,
) -> None:
    """A year: workdays, weekdays that are none, weekend days that are, and on the chain declared outages."""
    from xinlian.protocol.working_days import overview, year_missing

    if rpc:
        found = _asked(rpc, require_deployment(deployment), lambda contract: contract.calendar_of(year))
    else:
        found = _calendar(file).years.get(year)
    if found is None:
        raise year_missing(year)
    document = overview(year, found).to_json()
    session.output.result(document, lambda: pairs(document))


@command(app, "load", SIGNING)
def load(
    session: Session,
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="Calendar file; - for stdin; else the shipped one.")] = None,
) -> None:
    """Authority: make the chain's calendar what the file says; of a year that is loaded only days to come may differ."""
    years = _years(file)
    urls, trusted = require_rpc_urls(session.signing.rpc), require_deployment(session.signing.deployment)
    done = [_load_year(session, year, _on_chain_now(urls, trusted, year.year)) for year in years.values()]
    session.output.result({"years": done}, lambda: table(("year", "change", "tx_hash"), _rows(done)))


@command(app, "outage", SIGNING)
def outage(
    session: Session,
    days: Annotated[str, typer.Argument(metavar="FROM..TO", help="Days YYYY-MM-DD..YYYY-MM-DD, both included; at most 31.")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take back an outage of days that have not begun.")] = False,
) -> None:
    """Authority: declare that the system is out of service on these days; no clock counts them."""
    from xinlian.protocol.calendar_file import parse_interval

    interval = parse_interval(days)
    done = session.signing.send(
        lambda d: _contract(d).withdraw_outage(interval) if withdraw else _contract(d).declare_outage(interval),
        session.output.progress,
    )
    session.output.result(done, lambda: pairs(done))


# -- inside --------------------------------------------------------------------------------------------


def _years(file: str | None) -> Mapping[int, YearFile]:
    """The years of a calendar file, of the shipped one without a name."""
    from xinlian.protocol.calendar_file import MAX_FILE_BYTES, parse
    from xinlian.scenarios.calendar import shipped_calendar

    return shipped_calendar() if file is None else parse(read_bytes(file, MAX_FILE_BYTES))


def _calendar(file: str | None) -> Calendar:
    from xinlian.protocol.calendar_file import calendar_of

    return calendar_of(_years(file))


def _contract(deployment: Deployment) -> WorkCalendar:
    from xinlian.chain.calendar import WorkCalendar

    return WorkCalendar(deployment.contracts["WorkCalendar"].address)


def _on_chain(contract: WorkCalendar, question: TermQuestion) -> Question[int]:
    from xinlian.protocol.working_days import start_of

    ask = contract.add_calendar_days if question.is_calendar_days else contract.add_working_days
    return ask(start_of(question.start_day), question.count, question.pauses)


def _asked(urls: Sequence[str], deployment: Deployment, make: Callable[[WorkCalendar], Question[T]]) -> T:
    """What every endpoint answers.

    Raises:
        ChainError: ``chain-wrong``, ``code-missing``, ``rpc-disagree``, the transport's errors.
        InputError, ConflictError: what the contract refuses.
    """
    import asyncio

    from xinlian.chain.rejections import explained
    from xinlian.chain.rpc import Rpc, check_chain, check_code
    from xinlian.protocol.errors import ChainError

    async def ask(url: str) -> T:
        async with Rpc(url) as rpc:
            await check_chain(rpc, deployment.chain_id, deployment.genesis_hash)
            await check_code(rpc, deployment)
            return await rpc.ask(make(_contract(deployment)))

    try:
        answers = [asyncio.run(ask(url)) for url in urls]
    except ChainError as error:
        raise explained(error) from error
    if any(answer != answers[0] for answer in answers):
        raise ChainError("rpc-disagree", "the RPC endpoints answer differently about the calendar")
    return answers[0]


def _on_chain_now(urls: Sequence[str], deployment: Deployment, year: int) -> Year | None:
    return _asked(urls, deployment, lambda contract: contract.calendar_of(year))


def _load_year(session: Session, year: YearFile, known: Year | None) -> dict[str, object]:
    if known is not None and known.workdays == year.days.workdays:
        return {"year": year.year, "change": "unchanged", "tx_hash": None}
    change = "loaded" if known is None else "changed"

    def call(deployment: Deployment) -> Call:
        contract = _contract(deployment)
        return contract.load_year(year.year, year.days) if known is None else contract.change_days(year.year, year.days)

    done = session.signing.send(call, session.output.progress)
    return {"year": year.year, "change": change, "tx_hash": done["tx_hash"]}


def _rows(done: Sequence[Mapping[str, object]]) -> list[list[object]]:
    return [[one["year"], one["change"], one["tx_hash"]] for one in done]
