"""Reads a scenario folder, or a shipped scenario, into the files that the engine checks.

Rules
1. Only files that have an effect are read (``engine.scenario.is_read``), each at most ``MAX_FILE_BYTES``; links are not followed
   out of the folder.

Example: ``load_scenario(read_folder("new-home-loan"))``
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from xinlian.engine.scenario import is_read
from xinlian.protocol.errors import InputError, NotFoundError
from xinlian.scenarios.catalogue import scenario_names

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
_FOLDERS: Final = (".", "decisions", "datasets")


def read_folder(name: str) -> dict[str, bytes]:
    """The files of a scenario by path with ``/``.

    Args:
        name: a folder, or the name of a shipped scenario such as new-home-loan.

    Raises:
        NotFoundError: ``scenario-unknown``.
        InputError: ``file-unreadable`` or ``too-large``.
    """
    if Path(name).is_dir():
        return _files(Path(name))
    if name not in scenario_names():
        known = ", ".join(scenario_names())
        raise NotFoundError("scenario-unknown", f"{name[:200]!r} is no folder and no shipped scenario; shipped: {known}")
    with as_file(files("xinlian.scenarios").joinpath(name.replace("-", "_"))) as folder:
        return _files(folder)


def _files(root: Path) -> dict[str, bytes]:
    base = root.resolve()
    found: dict[str, bytes] = {}
    for folder in (base / name for name in _FOLDERS):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            name = path.relative_to(base).as_posix()
            if is_read(name) and path.is_file() and path.resolve().is_relative_to(base):
                found[name] = _read(path, name)
    return found


def _read(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError("file-unreadable", f"{name}: {error.strerror}", file=name) from error
    if len(data) > MAX_FILE_BYTES:
        raise InputError("too-large", f"{name}: more than {MAX_FILE_BYTES} bytes", limit_bytes=MAX_FILE_BYTES)
    return data
