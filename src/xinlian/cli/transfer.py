"""Files between this machine and a node: uploads that go on where they broke off, downloads by range.

Rules
1. An upload is found again by its key, which only the same file, name, type and token give: the command run once more goes on.
2. After a break the node says where it stands; it is asked again and again with growing pauses, as long as it gets anywhere.
3. A download is complete when its SHA-256 is the one the node names; until then it stands in ``<file>.part``.

Example: ``shown = Upload(client, Path("scan.pdf"), "application/pdf").run(progress)``
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from xinlian.cli.client import Body, Client, RemoteError, Reply, problem_in, segment
from xinlian.cli.exit_codes import Exit
from xinlian.cli.files import file_digest, unreadable
from xinlian.protocol.attachments import DOCX, DWG, DXF, JPEG, MAX_BYTES, OFD, PDF, PNG, TIFF, XLSX
from xinlian.protocol.errors import ConfigError, EvidenceError, InputError

ALL: Final = "/api/v1/attachments"
PIECE_BYTES: Final = 8 << 20
PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_BROKEN: Final = frozenset({"node-unreachable", "attachment-offset", "attachment-interrupted"})
MEDIA_TYPES: Final = {
    ".pdf": PDF,
    ".ofd": OFD,
    ".png": PNG,
    ".jpg": JPEG,
    ".jpeg": JPEG,
    ".tif": TIFF,
    ".tiff": TIFF,
    ".xlsx": XLSX,
    ".docx": DOCX,
    ".dwg": DWG,
    ".dxf": DXF,
}
Progress = Callable[[str], None]


def media_type_of(file: Path) -> str:
    """The media type that a file's suffix stands for.

    Raises:
        InputError: ``argument-missing`` for another suffix.
    """
    found = MEDIA_TYPES.get(file.suffix.lower())
    if found is None:
        known = ", ".join(MEDIA_TYPES)
        raise InputError("argument-missing", f"name the type with --media-type: the file's name ends in none of {known}")
    return found


def digest_of(file: Path) -> tuple[bytes, int]:
    """SHA-256 (32 bytes) and size of a file.

    Raises:
        InputError: ``file-unreadable``, ``attachment-empty``, ``attachment-too-large``.
    """
    digest, size = file_digest(str(file))
    if size == 0:
        raise InputError("attachment-empty", f"{file}: the file is empty")
    if size > MAX_BYTES:
        raise InputError("attachment-too-large", f"{file}: larger than {MAX_BYTES} bytes", limit_bytes=MAX_BYTES)
    return digest, size


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way to a node."""

    client: Client
    file: Path
    media_type: str

    def run(self, progress: Progress) -> dict[str, Any]:
        """Upload it, or go on with an upload that was broken off.

        Returns:
            The attachment as the node shows it.

        Raises:
            RemoteError: the node's problem.
            InputError: those of ``digest_of``.
        """
        digest, size = digest_of(self.file)
        path = self._begun(digest, size)
        tries = 0
        while True:
            offset, is_complete = self._state(path)
            if is_complete:
                shown: dict[str, Any] = self.client.get(f"{path}/state")
                return shown
            if offset > 0:
                progress(f"going on at {offset} of {size} bytes")
            try:
                answer: dict[str, Any] = self._send(path, offset).json()
                return answer
            except RemoteError as error:
                tries = 0 if self._got_further(path, offset, error) else tries + 1
                if error.problem.code not in _BROKEN or tries >= len(PAUSES_S):
                    raise
                time.sleep(PAUSES_S[tries])

    def _begun(self, digest: bytes, size: int) -> str:
        """The path of the upload: the one that the same command began before, or a new one."""
        key = self.client.key
        reply = self._begin(digest, size, self._key(digest) if key is None else key)
        if reply.status == 404 or (reply.status == 201 and reply.json()["state"] == "refused"):  # its upload is over
            reply = self._begin(digest, size, str(uuid.uuid4()))
        if reply.status != 201:
            raise RemoteError(problem_in(reply.status, reply.body))
        return reply.headers["location"]

    def _key(self, digest: bytes) -> str:
        secret = (self.client.token or "").encode()
        message = digest + self.media_type.encode() + b"\0" + self.file.name.encode()
        return f"put-{hmac.new(secret, message, 'sha256').hexdigest()}"

    def _begin(self, digest: bytes, size: int, key: str) -> Reply:
        from xinlian.api.upload_headers import digest_field, disposition

        headers = {
            "Content-Disposition": disposition("inline", self.file.name),
            "Upload-Complete": "?0",
            "Upload-Length": str(size),
            "Repr-Digest": digest_field(digest),
            "Idempotency-Key": key,
        }
        return self.client.exchange("POST", ALL, Body(b"", self.media_type, headers))

    def _state(self, path: str) -> tuple[int, bool]:
        reply = self.client.exchange("HEAD", path)
        if reply.status != 204:  # an answer to HEAD has no body: the same question by GET says why
            self.client.get(f"{path}/state")
            raise RemoteError(problem_in(reply.status, reply.body))
        return int(reply.headers["upload-offset"]), reply.headers["upload-complete"] == "?1"

    def _send(self, path: str, offset: int) -> Reply:
        headers = {"Upload-Offset": str(offset), "Upload-Complete": "?1"}
        try:
            with self.file.open("rb") as stream:
                stream.seek(offset)
                return self.client.call("PATCH", path, Body(stream, "application/partial-upload", headers))
        except OSError as error:
            raise unreadable(str(self.file), error) from error

    def _got_further(self, path: str, before: int, error: RemoteError) -> bool:
        if error.problem.code not in _BROKEN:
            return False
        try:
            return self._state(path)[0] > before
        except RemoteError:
            return False


def fetched(client: Client, rid: str, wanted: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Have the node fetch a file from another department, until it is complete.

    Args:
        client: of the node.
        rid: of the query that brought the record.
        wanted: item, record id and field.
        progress: told how far it has come.

    Raises:
        RemoteError: the node's problem; what may pass is tried again as long as the file gets longer.
    """
    tries, seen = 0, 0
    while True:
        try:
            shown: dict[str, Any] = client.post(f"/api/v1/queries/{segment(rid)}/attachments", wanted)
        except RemoteError as error:
            tries += 1
            if not error.problem.retryable or tries >= len(PAUSES_S):
                raise
            time.sleep(PAUSES_S[tries])
            continue
        if shown["state"] != "uploading":
            return shown
        tries, seen = (0 if shown["offset"] > seen else tries), shown["offset"]
        progress(f"{shown['offset']} of {shown['bytes']} bytes")


def download(client: Client, attachment_id: str, target: Path, progress: Progress) -> dict[str, Any]:
    """Fetch an attachment's content, going on with a download that was broken off.

    Args:
        client: of the node.
        attachment_id: which.
        target: where it goes; must not exist.
        progress: told where a download goes on.

    Raises:
        ConfigError: ``file-exists``, ``file-unwritable``.
        EvidenceError: ``attachment-damaged``.
        RemoteError: the node's problem.
    """
    shown: dict[str, Any] = client.get(f"{ALL}/{attachment_id}/state")
    if target.exists():
        raise ConfigError("file-exists", f"{target} is there already", file=str(target))
    part = target.with_name(target.name + ".part")
    try:
        with part.open("ab") as file:
            if file.tell() > 0:
                progress(f"going on at {file.tell()} of {shown['bytes']} bytes")
            digest = _fetch(client, f"{ALL}/{attachment_id}", file, int(shown["bytes"]))
        found = digest_of(part)[0].hex()
        if found != digest:
            part.unlink()
            raise EvidenceError("attachment-damaged", "the file that came is not the one the node names; fetch it again")
        part.rename(target)
    except OSError as error:
        raise ConfigError("file-unwritable", f"{target}: {error.strerror}", file=str(target)) from error
    return {**shown, "sha256": found, "file": str(target)}


def _fetch(client: Client, path: str, file: BinaryIO, size: int) -> str:
    """Fetch from the file's end on; the digest that the node names."""
    digest = ""
    while file.tell() < size or not digest:
        first = min(file.tell(), size - 1)
        headers = {"Range": f"bytes={first}-{min(size, first + PIECE_BYTES) - 1}"}
        reply = _repeated(lambda headers=headers: client.call("GET", path, Body(b"", headers=headers)))  # type: ignore[misc]
        digest = reply.headers["etag"].strip('"')
        file.write(reply.body[file.tell() - first :])
    return digest


def _repeated(call: Callable[[], Reply]) -> Reply:
    """A call that only reads, again after a break."""
    for pause_s in PAUSES_S:
        try:
            return call()
        except RemoteError as error:
            if error.problem.exit_code is not Exit.UNREACHABLE:
                raise
        time.sleep(pause_s)
    return call()
