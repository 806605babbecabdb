"""Authorisations of data subjects: recorded here, used by reads of either side, withdrawals that were handed in."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from xinlian.store.tables.base import METADATA, blob_, int_, text_

authorisations = Table(
    "authorisations",
    METADATA,
    blob_("id", comment="random, as on chain, 32 bytes"),
    blob_("digest", comment="salted, as on chain"),
    text_("catalog_code"),
    text_("case_ref", null=True),
    blob_("form_sealed", comment="salt and text of the form"),
    blob_("secret_sealed", comment="opens the commitment"),
    int_("expires_at", comment="law time"),
    int_("created_at", comment="law time"),
    int_("created_by"),
    PrimaryKeyConstraint("id"),
    Index(None, "created_at", "id"),
)

authorisation_subjects = Table(
    "authorisation_subjects",
    METADATA,
    blob_("authorisation"),
    blob_("pseudonym", comment="keyed, of this department only"),
    PrimaryKeyConstraint("authorisation", "pseudonym"),
    Index(None, "pseudonym"),
)

authorisation_uses = Table(
    "authorisation_uses",
    METADATA,
    text_("rid"),
    text_("recorder", comment="USCC"),
    blob_("authorisation"),
    int_("used_at", comment="law time"),
    PrimaryKeyConstraint("rid", "recorder", "authorisation"),
    Index(None, "recorder", "authorisation"),
)

authorisation_withdrawals = Table(
    "authorisation_withdrawals",
    METADATA,
    text_("recorder", comment="USCC"),
    blob_("authorisation"),
    blob_("secret_sealed"),
    int_("handed_in_at", comment="law time: honoured from here on"),
    int_("relayed_at", null=True, comment="law time: the chain shows it"),
    text_("code", null=True, comment="error code of the last attempt"),
    PrimaryKeyConstraint("recorder", "authorisation"),
    Index(None, "relayed_at"),
)
