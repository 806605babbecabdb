"""``xinlian document``: the texts behind the law's steps, and their digests."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from xinlian.cli.client import Body
from xinlian.cli.command import CREATING, OFFLINE, ONLINE, Session, command, group
from xinlian.cli.files import read_object, write_bytes
from xinlian.cli.output import pairs, table
from xinlian.protocol.errors import InputError

app = group("Texts behind the law's steps: forms, reasons, decisions.")
Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="Salted digest, 64 hex, as on chain.")]
_COLUMNS = ("created_at", "kind", "digest", "sender", "state", "on_chain_at")
_MISSING = ("at", "object", "event", "digest")


@command(app, "list", ONLINE)
def list_documents(
    session: Session,
    object_: Annotated[str | None, typer.Option("--object", help="Such as 'request <USCC>/20260924000001'.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """Documents, all or those about one object, oldest first."""
    found = session.client.items("/api/v1/documents", {"object": object_}, limit)
    session.output.result({"items": found}, lambda: table(_COLUMNS, [[item.get(c) for c in _COLUMNS] for item in found]))


@command(app, "missing", ONLINE)
def missing(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many at most.")] = 200,
) -> None:
    """What the chain shows about objects this department takes part in and whose text is not here, oldest first."""
    found = session.client.items("/api/v1/documents/missing", {}, limit)
    session.output.result({"items": found}, lambda: table(_MISSING, [[item.get(c) for c in _MISSING] for item in found]))


@command(app, "deliver", CREATING)
def deliver(
    session: Session,
    digest: Digest,
    to: Annotated[str, typer.Option("--to", metavar="USCC", help="A department that takes part in what the text is about.")],
) -> None:
    """Hand an own text over again; the first time needs nobody: it goes as soon as the chain shows its digest."""
    done = session.client.once(f"/api/v1/documents/{digest}/deliver", Body.json({"recipient": to})).json()
    session.output.result(done, lambda: pairs(done))


@command(app, "show", ONLINE)
def show(
    session: Session,
    digest: Digest,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Also save salt and text here, for `document verify`.")
    ] = None,
) -> None:
    """One document with its text."""
    found = session.client.get(f"/api/v1/documents/{digest}")
    if output is not None:
        saved = {"salt": found.get("salt"), "text": found.get("text")}
        write_bytes(output, (json.dumps(saved, ensure_ascii=False, indent=1) + "\n").encode())
    session.output.result(found, lambda: pairs({**found, "content": json.dumps(found.get("content"), ensure_ascii=False)}))


@command(app, "example", OFFLINE)
def example(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Of an example; without it they are listed.")] = None,
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="File to write; else stdout.")] = None,
) -> None:
    """An example of the JSON that a command takes, to copy and change: request, agree, query, correction, … Needs no node."""
    from xinlian.scenarios.forms import EXAMPLES, example_text, load_example

    if name is None:
        found = [{"name": one.name, "for": one.command, "form": one.kind} for one in EXAMPLES.values()]
        session.output.result({"items": found}, lambda: table(("name", "for", "form"), [list(one.values()) for one in found]))
    elif output is None:
        session.output.result(load_example(name), lambda: example_text(name).rstrip())
    else:
        write_bytes(output, example_text(name).encode())
        session.output.result({"name": name, "file": output}, f"{output} written")


@command(app, "check", OFFLINE)
def check(
    session: Session,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="An example's name (agree, use-record) or a form's kind (answer).")],
    file: Annotated[str, typer.Argument(help="The form's members as a JSON object; - for standard input.")] = "-",
) -> None:
    """Check a form with the same rules as filing it; all faults are told at once. Under an example's name it is what a person
    writes: the node fills in the rest. Needs no node.
    """
    from xinlian.protocol.forms import FORMS, read_form
    from xinlian.scenarios.forms import EXAMPLES, complete

    written = read_object(file)
    example = EXAMPLES.get(kind)
    if example is not None and example.kind is not None:
        read_form(example.kind, complete(kind, written))
    elif kind in FORMS:
        read_form(kind, written)
    else:
        names = [name for name, one in EXAMPLES.items() if one.kind is not None]
        said = f"there is no such form; what a person writes: {', '.join(names)}; whole texts: {', '.join(sorted(FORMS))}"
        raise InputError("form-unknown", said, field="kind", expected=sorted({*names, *FORMS}))
    session.output.result({"kind": kind, "ok": True}, f"{kind}: complete")


@command(app, "verify", OFFLINE)
def verify(
    session: Session,
    digest: Digest,
    file: Annotated[str, typer.Argument(help="JSON object with salt and text, as `document show -o` writes it.")] = "-",
) -> None:
    """Compare a text with the digest that stands on chain. Needs no node."""
    from xinlian.protocol.documents import check_document, read_document

    found = read_object(file)
    salt, text = found.get("salt"), found.get("text")
    if found.keys() != {"salt", "text"} or not isinstance(salt, str) or not isinstance(text, str):
        raise InputError("document-form", "expected a JSON object with exactly salt and text", field="salt")
    document = read_document(_bytes(salt, "salt"), text.encode())
    check_document(document, _bytes(digest, "digest"))
    head = {"kind": document.kind, "object": document.object_ref, "digest": digest}
    session.output.result(head, lambda: pairs(head))


def _bytes(text: str, name: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise InputError("document-form", f"{name}: expected hex", field=name) from error
