"""Typed calls and views of the contract ``DatasetCatalog``.

``document`` is always the salted digest (32 bytes, not zero) of the text that belongs to the step.

Example: ``await sender.send(DatasetCatalog(address).publish("1241…", 33, 1, document), "publish")``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xinlian.chain.bound import BoundContract
from xinlian.chain.calls import Call, unhex
from xinlian.chain.questions import Question
from xinlian.chain.wire import BlockTag

_NONE = bytes(32)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A catalogue entry to propose (IDatasetCatalog.Proposal).

    Args:
        serial: the six digits of its catalogue code.
        version: from 1, without gaps.
        schema_hash: 32 bytes.
        share_type: sharing property 1, 2 or 3.
        field_count: fields of the schema.
        view_count: derived views.
        verifiable_mask: bit i = field i may be verified.
        purposes: 32 bytes each (see ``text32``).
        secrecy_assessment: digest, 32 bytes, not zero.
        head_consent: digest of the consent of the department's head, 32 bytes, not zero.
        personal: holds personal information.
        impact_assessment: digest, 32 bytes; zero if and only if not personal.
        no_share_basis: digest of reason and law, 32 bytes; zero if and only if ``share_type`` is not 3.
        authorisation_required: nobody uses it without the data subject's authorisation.
        sensitive_mask: bit i = field i is sensitive personal information.
    """

    serial: int
    version: int
    schema_hash: bytes
    share_type: int
    field_count: int
    view_count: int
    verifiable_mask: int
    purposes: tuple[bytes, ...]
    secrecy_assessment: bytes
    head_consent: bytes
    personal: bool = False
    impact_assessment: bytes = _NONE
    no_share_basis: bytes = _NONE
    authorisation_required: bool = False
    sensitive_mask: int = 0

    def plain(self) -> dict[str, object]:
        """By the struct's member names, for the encoder."""
        return {
            "serial": self.serial,
            "version": self.version,
            "schemaHash": self.schema_hash,
            "shareType": self.share_type,
            "fieldCount": self.field_count,
            "viewCount": self.view_count,
            "personal": self.personal,
            "authorisationRequired": self.authorisation_required,
            "verifiableMask": self.verifiable_mask,
            "sensitiveMask": self.sensitive_mask,
            "secrecyAssessment": self.secrecy_assessment,
            "impactAssessment": self.impact_assessment,
            "headConsent": self.head_consent,
            "noShareBasis": self.no_share_basis,
            "purposes": list(self.purposes),
        }


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """What the catalogue holds of a version; ``state`` 0 none, 1 proposed, 2 returned, 3 published, 4 retired.

    ``round`` counts how often it was proposed; ``proposed_at`` is of the last time, epoch seconds.
    """

    state: int
    share_type: int
    field_count: int
    view_count: int
    personal: bool
    authorisation_required: bool
    review_overdue: bool
    round: int
    proposed_at: int
    published_block: int
    retired_block: int
    schema_hash: bytes
    verifiable_mask: int
    sensitive_mask: int


@dataclass(frozen=True, slots=True)
class SerialEntry:
    """What the catalogue holds of all versions together; ``update_opened_at`` 0 = no update clock runs (epoch seconds)."""

    published_versions: int
    update_opened_at: int
    update_extended: bool
    update_overdue: bool


def _first(values: list[Any]) -> Any:
    return values[0]


def _entry(values: list[Any]) -> CatalogEntry:
    one = values[0]
    return CatalogEntry(
        one["state"],
        one["shareType"],
        one["fieldCount"],
        one["viewCount"],
        one["personal"],
        one["authorisationRequired"],
        one["reviewOverdue"],
        one["round"],
        one["proposedAt"],
        one["publishedBlock"],
        one["retiredBlock"],
        unhex(one["schemaHash"]),
        one["verifiableMask"],
        one["sensitiveMask"],
    )


def _serial(values: list[Any]) -> SerialEntry:
    one = values[0]
    return SerialEntry(one["publishedVersions"], one["updateOpenedAt"], one["updateExtended"], one["updateOverdue"])


class DatasetCatalog(BoundContract):
    """Catalogue entries by owner, serial and version."""

    __slots__ = ()

    def propose(self, new: Proposal) -> Call:
        """LAW of the owner: propose a version, or a returned one again."""
        return self._call("propose", new.plain())

    def return_for_change(self, owner: str, serial: int, version: int, document: bytes) -> Call:
        """Authority: send a proposed version back for change."""
        return self._call("returnForChange", owner, serial, version, document)

    def publish(self, owner: str, serial: int, version: int, document: bytes) -> Call:
        """Authority: publish a proposed version."""
        return self._call("publish", owner, serial, version, document)

    def retire(self, owner: str, serial: int, version: int, document: bytes) -> Call:
        """Authority: retire a published version."""
        return self._call("retire", owner, serial, version, document)

    def record_review_overdue(self, owner: str, serial: int, version: int) -> Call:
        """Any signer: the authority's review is late."""
        return self._call("recordReviewOverdue", owner, serial, version)

    def open_update(self, owner: str, serial: int, document: bytes) -> Call:
        """LAW of the owner, or authority: law or duty changed, the update clock starts."""
        return self._call("openUpdate", owner, serial, document)

    def extend_update(self, owner: str, serial: int, document: bytes) -> Call:
        """Authority: five working days more, once."""
        return self._call("extendUpdate", owner, serial, document)

    def record_update_overdue(self, owner: str, serial: int) -> Call:
        """Any signer: the update is late."""
        return self._call("recordUpdateOverdue", owner, serial)

    def entry_of(self, owner: str, serial: int, version: int, tag: BlockTag = "latest") -> Question[CatalogEntry]:
        """What the catalogue holds of a version."""
        return self._view("entryOf", (owner, serial, version), _entry, tag)

    def serial_of(self, owner: str, serial: int, tag: BlockTag = "latest") -> Question[SerialEntry]:
        """What the catalogue holds of all versions together."""
        return self._view("serialOf", (owner, serial), _serial, tag)

    def review_deadline_of(self, owner: str, serial: int, version: int, tag: BlockTag = "latest") -> Question[int]:
        """First second that is late for the review, epoch seconds; 0 when it is not proposed."""
        return self._view("reviewDeadlineOf", (owner, serial, version), _first, tag)

    def update_deadline_of(self, owner: str, serial: int, tag: BlockTag = "latest") -> Question[int]:
        """First second that is late for the update, epoch seconds; 0 when no update clock runs."""
        return self._view("updateDeadlineOf", (owner, serial), _first, tag)

    def is_published_at(self, dataset: tuple[str, int, int], block_number: int, tag: BlockTag = "latest") -> Question[bool]:
        """Whether (owner, serial, version) was published and not retired at that block."""
        return self._view("isPublishedAt", (*dataset, block_number), _first, tag)
