"""Authorisations of data subjects, their uses, and withdrawals that were handed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _recorded()
    _used()


def _recorded() -> None:
    op.create_table(
        "authorisations",
        sa.Column("id", sa.LargeBinary(), nullable=False, comment="random, as on chain, 32 bytes"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="salted, as on chain"),
        sa.Column("catalog_code", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=True),
        sa.Column("form_sealed", sa.LargeBinary(), nullable=False, comment="salt and text of the form"),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False, comment="opens the commitment"),
        sa.Column("expires_at", sa.Integer(), nullable=False, comment="law time"),
        sa.Column("created_at", sa.Integer(), nullable=False, comment="law time"),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorisations")),
    )
    op.create_index(op.f("ix_authorisations_created_at_id"), "authorisations", ["created_at", "id"], unique=False)
    op.create_table(
        "authorisation_subjects",
        sa.Column("authorisation", sa.LargeBinary(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False, comment="keyed, of this department only"),
        sa.PrimaryKeyConstraint("authorisation", "pseudonym", name=op.f("pk_authorisation_subjects")),
    )
    op.create_index(op.f("ix_authorisation_subjects_pseudonym"), "authorisation_subjects", ["pseudonym"], unique=False)


def _used() -> None:
    op.create_table(
        "authorisation_uses",
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("recorder", sa.Text(), nullable=False, comment="USCC"),
        sa.Column("authorisation", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.Integer(), nullable=False, comment="law time"),
        sa.PrimaryKeyConstraint("rid", "recorder", "authorisation", name=op.f("pk_authorisation_uses")),
    )
    op.create_index(
        op.f("ix_authorisation_uses_recorder_authorisation"), "authorisation_uses", ["recorder", "authorisation"], unique=False
    )
    op.create_table(
        "authorisation_withdrawals",
        sa.Column("recorder", sa.Text(), nullable=False, comment="USCC"),
        sa.Column("authorisation", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("handed_in_at", sa.Integer(), nullable=False, comment="law time: honoured from here on"),
        sa.Column("relayed_at", sa.Integer(), nullable=True, comment="law time: the chain shows it"),
        sa.Column("code", sa.Text(), nullable=True, comment="error code of the last attempt"),
        sa.PrimaryKeyConstraint("recorder", "authorisation", name=op.f("pk_authorisation_withdrawals")),
    )
    op.create_index(op.f("ix_authorisation_withdrawals_relayed_at"), "authorisation_withdrawals", ["relayed_at"], unique=False)
