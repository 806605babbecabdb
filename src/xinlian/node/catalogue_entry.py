"""What a catalogue entry says on chain, and the text of the authority's decision on it.

Rules
1. Everything comes from the schema file, but for the head's consent, which is a document of its own (``protocol.documents``).
2. The basis for not sharing stands in the schema file, whose hash is on chain: its digest has no salt, so that everybody who
   holds the file can check it.

Example: ``proposal_args(schema, consent.digest)["shareType"] == 2``

Source: Decree 809 art. 13-15, 17; PIPL art. 55.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from xinlian.node.chain_state import code_word
from xinlian.protocol.dataset import DatasetSchema
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import dumps_canonical

DECISION: Final = "catalogue-decision"
"""Which form the authority's decision is."""
APPROVED: Final = "同意发布"
"""The authority's opinion when it publishes without saying more."""
MAX_REASON: Final = 500
_NONE: Final = "0x" + "00" * 32


def proposal_args(schema: DatasetSchema, head_consent: bytes) -> dict[str, object]:
    """The struct that ``DatasetCatalog.propose`` takes, by member name.

    Args:
        schema: of the version.
        head_consent: digest of the head's consent, 32 bytes.
    """
    entry = schema.catalogue
    return {
        "serial": schema.serial,
        "version": schema.version,
        "schemaHash": "0x" + schema.schema_hash.hex(),
        "shareType": entry.share_type,
        "fieldCount": schema.field_count,
        "viewCount": len(schema.views),
        "personal": schema.is_personal,
        "authorisationRequired": entry.requires_authorisation,
        "verifiableMask": schema.verifiable_mask,
        "sensitiveMask": schema.sensitive_mask,
        "secrecyAssessment": "0x" + entry.secrecy_assessment.digest,
        "impactAssessment": "0x" + entry.pia.digest if entry.pia is not None and schema.is_personal else _NONE,
        "headConsent": "0x" + head_consent.hex(),
        "noShareBasis": _no_share_basis(schema),
        "purposes": [code_word(purpose) for purpose in entry.allowed_purposes],
    }


def decision_content(decision: str, reason: str) -> dict[str, object]:
    """The members of the authority's decision on a dataset version.

    Args:
        decision: publish, return or retire.
        reason: opinion or reasons, 1 to 500 characters.

    Raises:
        InputError: ``reason-missing``.
    """
    if not 1 <= len(reason.strip()) <= MAX_REASON:
        raise InputError("reason-missing", f"a decision of the authority names its reason, 1 to {MAX_REASON} characters")
    return {"decision": decision, "reason": reason}


def _no_share_basis(schema: DatasetSchema) -> str:
    entry = schema.catalogue
    if not entry.no_share_basis:
        return _NONE
    text = dumps_canonical({"no_share_reason": entry.no_share_reason, "no_share_basis": entry.no_share_basis})
    return "0x" + sha256(text).hexdigest()
