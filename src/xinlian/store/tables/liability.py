"""Use records, disposals, calls that were refused as out of scope, and findings."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from xinlian.store.tables.base import METADATA, id_, int_, text_

use_records = Table(
    "use_records",
    METADATA,
    id_(),
    text_("grant_ref", comment="provider USCC/number"),
    text_("case_ref", null=True, comment="lead USCC/case no.; null: all cases of the period"),
    int_("period_from", comment="first second, epoch seconds"),
    int_("period_to", comment="first second after it"),
    Column("document", LargeBinary, nullable=False, unique=True, comment="documents.digest"),
    int_("recorded_at", comment="law time"),
    int_("deleted_at", null=True, comment="law time; its text is gone then"),
    Index(None, "grant_ref"),
)

disposals = Table(
    "disposals",
    METADATA,
    id_(),
    text_("object_ref", comment="request or case"),
    Column("document", LargeBinary, nullable=False, unique=True, comment="documents.digest"),
    int_("deleted", comment="values that were deleted"),
    int_("kept", comment="values that a retention duty keeps"),
    int_("disposed_at", comment="law time"),
    Index(None, "object_ref"),
)

refused_calls = Table(
    "refused_calls",
    METADATA,
    Column("rid", Text, primary_key=True),
    text_("requester", comment="USCC"),
    text_("grant_ref"),
    text_("case_ref", null=True),
    text_("check_name", comment="the provider's check that refused it"),
    int_("refused_at", comment="law time"),
)

findings = Table(
    "findings",
    METADATA,
    Column("id", Text, primary_key=True, comment="64 hex, from its evidence"),
    text_("origin", comment="chain | local | USCC that told it"),
    text_("article"),
    text_("department", comment="USCC whose breach it is, or authority"),
    text_("object_ref"),
    text_("content", comment="JSON without personal data"),
    int_("noticed_at", comment="law time"),
    Index(None, "noticed_at", "id"),
)
