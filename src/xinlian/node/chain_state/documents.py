"""Which digests of texts the chain shows, about which object, and who takes part in it.

Rules
1. A text counts for the object of the event that shows its digest and for no other: whoever repeats somebody else's digest in an
   event of its own gains nothing.
2. Who takes part in an object: the departments that its events name, but not those that only recorded a delay.
3. An event about a dataset as a whole (its update clock) shows texts about any of its versions.

Example: ``facts.shown(digest, "request 12411599MBDEM00233/20260924000001")``
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xinlian.node.chain_state.facts import ChainFact
from xinlian.protocol.errors import InputError
from xinlian.protocol.objects import ObjectKind, correction_object, dataset_object, request_object

_PARTIES: Final = ("owner", "requester", "provider", "receiver", "source")


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """A digest in an event.

    Args:
        digest: 32 bytes.
        object_ref: what the event is about; of a dataset as a whole without version.
        event: its name.
        at_s: law time, epoch seconds.
    """

    digest: bytes
    object_ref: str
    event: str
    at_s: int


@dataclass(frozen=True, slots=True)
class Told:
    """What one event tells of texts: its object, the departments it names, the digests it shows."""

    object_ref: str
    parties: frozenset[str]
    shown: tuple[ShownDocument, ...]


def told_by(event: ChainFact) -> Told | None:
    """What an event tells of texts, None when it is about nothing that has any."""
    ref = _object_of(event.name, event.args)
    if ref is None:
        return None
    parties = frozenset(str(event.args[name]) for name in _PARTIES if name in event.args)
    shown = tuple(ShownDocument(digest, ref, event.name, event.block_time) for digest in _digests(event.args))
    return Told(ref, parties, shown)


def is_about(document_ref: str, event_ref: str) -> bool:
    """Whether a text about an object belongs to an event about one."""
    return document_ref == event_ref or ("@" not in event_ref and document_ref.startswith(event_ref + "@"))


class DocumentFacts:
    """The part of the projection."""

    def __init__(self) -> None:
        self._by_digest: dict[bytes, list[ShownDocument]] = {}
        self._by_object: dict[str, list[ShownDocument]] = {}
        self._parties: dict[str, frozenset[str]] = {}

    def apply(self, event: ChainFact) -> None:
        """Fold one event in."""
        told = told_by(event)
        if told is None:
            return
        self._parties[told.object_ref] = self.parties(told.object_ref) | told.parties
        for one in told.shown:
            self._by_digest.setdefault(one.digest, []).append(one)
            self._by_object.setdefault(one.object_ref, []).append(one)

    def shown(self, digest: bytes, object_ref: str) -> ShownDocument | None:
        """The first event about an object that shows a digest, None when there is none."""
        return next((one for one in self._by_digest.get(digest, ()) if is_about(object_ref, one.object_ref)), None)

    def of_object(self, event_ref: str) -> tuple[ShownDocument, ...]:
        """What the events about an object show, in their order."""
        return tuple(self._by_object.get(event_ref, ()))

    def parties(self, event_ref: str) -> frozenset[str]:
        """The departments that take part in an object, by USCC."""
        return self._parties.get(event_ref, frozenset())

    def everything(self) -> Iterable[ShownDocument]:
        """All digests that any event shows."""
        return (one for some in self._by_object.values() for one in some)


def _object_of(event: str, args: Mapping[str, Any]) -> str | None:
    try:
        if event.startswith("Dataset"):
            code = f"{args['owner']}/{args['serial']:06d}"
            return dataset_object(code, args["version"]) if "version" in args else f"{ObjectKind.DATASET} {code}"
        if event.startswith("Correction"):
            return correction_object(args["receiver"], args["number"])
        if event == "GrantGiven" and "request" in args:
            return request_object(args["receiver"], args["request"])
        if "requester" in args:
            return request_object(args["requester"], args["number"])
    except InputError:  # a number that no form of an office has
        return None
    return None


def _digests(args: Mapping[str, Any]) -> Iterator[bytes]:
    """Of the event's text; of a dataset's proposal, the head's consent."""
    words = [args.get("document"), args.get("proposal", {}).get("headConsent")]
    for word in words:
        digest = bytes.fromhex(str(word).removeprefix("0x")) if word is not None else bytes(32)
        if any(digest):
            yield digest
