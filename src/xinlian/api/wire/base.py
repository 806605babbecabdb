"""What all models share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

UsccText = Annotated[str, Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$", examples=["12411599MBDEM00233"])]
Hash0x = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$", examples=["0x" + "ab" * 32])]
CaseNo = Annotated[str, Field(pattern=r"^[A-Z0-9_-]{1,32}$", examples=["GJJDK1-20261102-000001"])]
PurposeCode = Annotated[str, Field(pattern=r"^[A-Z0-9_-]{1,32}$", examples=["HPF_LOAN_REVIEW"])]


class Wire(BaseModel):
    """Base of all models: strict about members."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Wire):
    """RFC 9457 problem document; further members name the offending thing."""

    model_config = ConfigDict(extra="allow", frozen=True)
    type: str = Field(examples=["urn:xinlian:error:field-type"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["field-type"])


class TxOut(Wire):
    """A transaction that this call made."""

    tx_hash: str
    block_number: int
