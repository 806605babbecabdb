"""What a department's application forms ask the applicant for: a declared list, against which repeated collection shows.

The file (``xinlian-collected/1``, setting ``collected``)::

    {"format": "xinlian-collected/1", "forms": [{"item_code": "411599GJJDK1", "title": "住房公积金贷款申请表",
     "fields": [{"dataset": "11411599MBDEM0074E/000001", "name": "marital_status"}]}]}

``dataset`` and ``name`` say where the same value stands in the catalogue.

Source: Decree 809 art. 19, 40(1); dossier 2.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xinlian.node.findings.histories import Histories, Moment, RequestHistory
from xinlian.protocol.errors import ConfigError, InputError
from xinlian.protocol.findings import Article, Finding
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.members import Members, Where
from xinlian.protocol.notices.finding import MAX_FACT_CHARS

FORMAT: Final = "xinlian-collected/1"
_WHERE: Final = Where("collected-form", "list of what application forms ask for")
_CODE: Final = re.compile(r"[A-Z0-9_-]{1,32}", re.ASCII)
_DATASET: Final = re.compile(r"[0-9A-Z]{18}/[0-9]{6}", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,120}")
_MAX_BYTES: Final = 1_000_000
_ENDS: Final = ("GrantExpired", "GrantClosed", "GrantTerminated")


@dataclass(frozen=True, slots=True)
class Form:
    """An application form: 实施编码, title, and what it asks for as (catalogue code, field or view)."""

    item_code: str
    title: str
    fields: tuple[tuple[str, str], ...]


def load(path: Path) -> tuple[Form, ...]:
    """Read the file.

    Raises:
        ConfigError: ``collected-form`` when it cannot be read or is not of its form.
    """
    try:
        members = Members.of(loads_strict(path.read_bytes(), max_bytes=_MAX_BYTES), ("format", "forms"), _WHERE)
        members.text("format", re.compile(re.escape(FORMAT)))
        return tuple(_form(value, where) for where, value in members.list("forms", 1_000))
    except OSError as error:
        raise ConfigError("collected-form", f"{path} cannot be read", file=str(path)) from error
    except InputError as error:
        raise ConfigError("collected-form", f"{path}: {error.message}", file=str(path)) from error


def collected_again(department: str, forms: tuple[Form, ...], histories: Histories, moment: Moment) -> Iterator[Finding]:
    """40(1): forms ask the applicant for what a running grant supplies; one finding a grant."""
    for history in (one for one in histories.requests.values() if one.requester == department):
        given, ref = history.grant, history.grant_ref
        if given is None or ref is None:
            continue
        code, supplied = f"{history.provider}/{history.serial:06d}", _supplied(history, moment)
        again = {form.item_code: {name for dataset, name in form.fields if dataset == code} & supplied for form in forms}
        names = sorted(set[str]().union(*again.values()))
        if names:
            asking = sorted(item_code for item_code, some in again.items() if some)
            facts = {"item_codes": _line(asking), "fields": _line(names), "field_count": len(names)}
            yield Finding(Article.COLLECTION, "collected-again", department, ref, given.at_s, True, (given.ref,), facts)


def _line(names: list[str]) -> str:
    """Names in one line, as many as a fact of a notice holds."""
    kept = list(names)
    while len(" ".join(kept)) > MAX_FACT_CHARS:
        kept.pop()
    return " ".join(kept)


def _supplied(history: RequestHistory, moment: Moment) -> frozenset[str]:
    """Names of the fields and views that the request's grant gives now."""
    given = history.grant
    schema = moment.schema(history.provider, history.serial, history.version)
    if given is None or schema is None or history.last(*_ENDS) is not None:
        return frozenset()
    held = history.last("GrantSuspended", "GrantResumed")
    terms = (history.last("TermsChanged") or given).args["terms"]
    if (held is not None and held.name == "GrantSuspended") or not terms["validFrom"] <= moment.now_s < terms["validTo"]:
        return frozenset()
    fields = schema.names_of(terms["verifyMask"] | terms["queryMask"] | terms["batchMask"])
    return frozenset(name.partition(".")[0] for name in fields) | frozenset(schema.view_names_of(terms["answerMask"]))


def _form(value: object, where: Where) -> Form:
    members = Members.of(value, ("item_code", "title", "fields"), where)
    fields = []
    for place, one in members.list("fields", 256, 1):
        field = Members.of(one, ("dataset", "name"), place)
        fields.append((field.text("dataset", _DATASET), field.text("name", _NAME)))
    return Form(members.text("item_code", _CODE), members.text("title", _LINE), tuple(fields))
