"""Files a command reads and writes.

Rules
1. ``-`` is standard input or output.
2. A secret is written to a new file of mode 0600, never over an existing one.

Example: ``read_json("-", max_bytes=1_000_000)``
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from xinlian.protocol.errors import ConfigError, InputError
from xinlian.protocol.jsontext import loads_strict

STANDARD = "-"
MAX_JSON_BYTES = 8_000_000


def read_bytes(name: str, max_bytes: int) -> bytes:
    """A whole file or standard input.

    Raises:
        InputError: ``file-unreadable``, ``too-large``.
    """
    try:
        if name == STANDARD:
            data = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(max_bytes + 1)
    except OSError as error:
        raise unreadable(name, error) from error
    if len(data) > max_bytes:
        raise InputError("too-large", f"{name}: more than {max_bytes} bytes", limit=max_bytes)
    return data


def file_digest(name: str) -> tuple[bytes, int]:
    """SHA-256 (32 bytes) and length of a file of any size; it is read in parts.

    Raises:
        InputError: ``file-unreadable``.
    """
    try:
        with Path(name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            return digest, file.tell()
    except OSError as error:
        raise unreadable(name, error) from error


def read_text(name: str, max_bytes: int) -> str:
    """A whole text file or standard input, UTF-8.

    Raises:
        InputError: ``file-unreadable``, ``too-large``, ``file-encoding``.
    """
    try:
        return read_bytes(name, max_bytes).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("file-encoding", f"{name}: not UTF-8 at byte {error.start}", file=name) from error


def unreadable(name: str, error: OSError) -> InputError:
    """The error for a file that cannot be opened."""
    return InputError("file-unreadable", f"{name}: {error.strerror or type(error).__name__}", file=name)


def read_json(name: str, max_bytes: int = MAX_JSON_BYTES) -> object:
    """A JSON document from a file or standard input, read strictly.

    Raises:
        InputError: ``file-unreadable``, ``too-large``, ``json-…``.
    """
    return loads_strict(read_bytes(name, max_bytes), max_bytes=max_bytes)


def read_object(name: str) -> dict[str, object]:
    """A JSON object from a file or standard input.

    Raises:
        InputError: as ``read_json``; ``field-type`` when it is something else.
    """
    value = read_json(name)
    if not isinstance(value, dict):
        raise InputError("field-type", f"{name}: expected a JSON object", expected="object")
    return value


def write_bytes(name: str, data: bytes) -> None:
    """Write a file (over an existing one) or standard output.

    Raises:
        ConfigError: ``file-unwritable``.
    """
    try:
        if name == STANDARD:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            Path(name).write_bytes(data)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(name, error) from error


def write_secret(path: Path, text: str) -> None:
    """Write a secret to a new file of mode 0600.

    Raises:
        ConfigError: ``file-exists``, ``file-unwritable``.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise ConfigError("file-exists", f"{path} exists; a secret is never written over a file", file=str(path)) from error
    except OSError as error:
        raise _unwritable(str(path), error) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def _unwritable(name: str, error: OSError) -> ConfigError:
    return ConfigError("file-unwritable", f"{name}: {error.strerror or type(error).__name__}", file=name)
