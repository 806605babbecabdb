"""The plain servers that limits are measured with, run as ``python -m scripts.bench_app.plain KIND DIRECTORY PORT``.

``single``: one ASGI route that parses a row and inserts it through the store's group commit. ``read``: FastAPI, a pydantic body,
one SQL read per subject, JSON out; no protection, no evidence.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scripts.bench_app import data
from xinlian.store.sqlite.opening import open_writer


async def _up(_request: Request) -> Response:
    return PlainTextResponse("up")


def single(directory: Path) -> Starlette:
    """Parse, insert by group commit, answer."""
    writer = open_writer(directory / "plain.db", "node")
    writer.submit(lambda tx: tx.run("CREATE TABLE plain_rows (id TEXT PRIMARY KEY, body BLOB)")).result()

    async def insert(request: Request) -> Response:
        body = await request.body()
        row = orjson.loads(body)
        await writer.write(lambda tx: tx.run("INSERT INTO plain_rows VALUES (?, ?)", (row["row_no"], body)))
        return Response(b'{"accepted":1}', status_code=201, media_type="application/json")

    return Starlette(routes=[Route("/rows", insert, methods=["POST"]), Route("/up", _up)])


class Lookup(BaseModel):
    """Which persons, which fields."""

    persons: list[str]
    fields: list[str]


def read(directory: Path) -> FastAPI:
    """Look up, read, answer."""
    connection = sqlite3.connect(directory / "read.db", check_same_thread=False)
    connection.execute("CREATE TABLE rows (person TEXT, body BLOB)")
    connection.execute("CREATE INDEX by_person ON rows (person)")
    found = ((row["id_number"], orjson.dumps(row)) for row in data.rows(0, 20_000))
    connection.executemany("INSERT INTO rows VALUES (?, ?)", found)
    connection.commit()
    app = FastAPI()

    @app.post("/read")
    async def look(lookup: Lookup) -> list[dict[str, Any]]:
        answer = []
        for person in lookup.persons:
            for (body,) in connection.execute("SELECT body FROM rows WHERE person = ?", (person,)):
                row = orjson.loads(body)
                answer.append({name: row[name] for name in lookup.fields})
        return answer

    @app.get("/up")
    async def up() -> str:
        return "up"

    return app


if __name__ == "__main__":
    app: Any = {"single": single, "read": read}[sys.argv[1]](Path(sys.argv[2]))
    uvicorn.run(app, port=int(sys.argv[3]), log_level="warning", access_log=False)
