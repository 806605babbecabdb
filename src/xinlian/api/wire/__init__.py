"""The API's request and response models: what OpenAPI shows, with an example each.

Rules
1. pydantic stands only here and in settings; use cases take and give frozen dataclasses.
2. Unknown members are refused; ids and amounts are never floats.
"""

from xinlian.api.wire.approvals import (
    ActOut,
    ApprovalIn,
    ApprovalOut,
    ConsentIn,
    DocumentBriefOut,
    DocumentDeliveryOut,
    DocumentMissingOut,
    DocumentOut,
    DocumentRecipientIn,
    SendBackIn,
    StepOut,
)
from xinlian.api.wire.authorisations import (
    AuthorisationIn,
    AuthorisationOut,
    AuthorisationRecordedOut,
    AuthorisationShownOut,
    WithdrawalIn,
)
from xinlian.api.wire.base import Problem, TxOut, Wire
from xinlian.api.wire.cases import CaseIn, CaseOut, CaseRef, CloseIn, DutyIn, DutyOut, SubjectIn
from xinlian.api.wire.catalogue import DatasetApproval, DatasetDecision, DatasetOut, DatasetRef, UpdateIn
from xinlian.api.wire.corrections import CorrectionIn, CorrectionOut, CorrectionStepIn, CorrectionToldOut
from xinlian.api.wire.departments import (
    CalendarChange,
    CalendarYear,
    CompromisedIn,
    RecoveryOut,
    RecoverySigner,
    RotateIn,
    SuspendIn,
    TermEndOut,
)
from xinlian.api.wire.findings import FindingOut
from xinlian.api.wire.people import TodoOut, TokenIn, TokenOut, UserIn, UserOut
from xinlian.api.wire.queries import FileWantedIn, QueryIn, QueryItemIn, ReconcileIn
from xinlian.api.wire.records import ReasonIn, SearchIn
from xinlian.api.wire.self_access import LedgerOut, LedgerPart, LoginOut, LoginShown, SelfAccessIn
from xinlian.api.wire.sharing import GrantOut, RequestIn, RequestOut, StepIn
from xinlian.api.wire.use import (
    CaseDisposalIn,
    DisposalFullOut,
    DisposalOut,
    UseRecordFullOut,
    UseRecordIn,
    UseRecordOut,
)
from xinlian.api.wire.webhooks import DeliveryOut, SecretsIn, WebhookIn, WebhookOut

__all__ = [
    "ActOut",
    "ApprovalIn",
    "ApprovalOut",
    "AuthorisationIn",
    "AuthorisationOut",
    "AuthorisationRecordedOut",
    "AuthorisationShownOut",
    "CalendarChange",
    "CalendarYear",
    "CaseDisposalIn",
    "CaseIn",
    "CaseOut",
    "CaseRef",
    "CloseIn",
    "CompromisedIn",
    "ConsentIn",
    "CorrectionIn",
    "CorrectionOut",
    "CorrectionStepIn",
    "CorrectionToldOut",
    "DatasetApproval",
    "DatasetDecision",
    "DatasetOut",
    "DatasetRef",
    "DeliveryOut",
    "DisposalFullOut",
    "DisposalOut",
    "DocumentBriefOut",
    "DocumentDeliveryOut",
    "DocumentMissingOut",
    "DocumentOut",
    "DocumentRecipientIn",
    "DutyIn",
    "DutyOut",
    "FileWantedIn",
    "FindingOut",
    "GrantOut",
    "LedgerOut",
    "LedgerPart",
    "LoginOut",
    "LoginShown",
    "Problem",
    "QueryIn",
    "QueryItemIn",
    "ReasonIn",
    "ReconcileIn",
    "RecoveryOut",
    "RecoverySigner",
    "RequestIn",
    "RequestOut",
    "RotateIn",
    "SearchIn",
    "SecretsIn",
    "SelfAccessIn",
    "SendBackIn",
    "StepIn",
    "StepOut",
    "SubjectIn",
    "SuspendIn",
    "TermEndOut",
    "TodoOut",
    "TokenIn",
    "TokenOut",
    "TxOut",
    "UpdateIn",
    "UseRecordFullOut",
    "UseRecordIn",
    "UseRecordOut",
    "UserIn",
    "UserOut",
    "WebhookIn",
    "WebhookOut",
    "Wire",
    "WithdrawalIn",
]
