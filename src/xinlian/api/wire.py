"""The API's request and response models: what OpenAPI shows, with an example each.

Rules
1. pydantic stands only here and in settings; use cases take and give frozen dataclasses.
2. Unknown members are refused; ids and amounts are never floats.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from xinlian.node.people import Role
from xinlian.protocol.dataset import SubjectKind

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


class UserIn(Wire):
    """A user to be added."""

    person_id: str = Field(min_length=1, max_length=64, examples=["P0001"], description="Staff number, never an ID number.")
    name: str = Field(min_length=1, max_length=120, examples=["测试经办"])
    post: str = Field(min_length=1, max_length=120, examples=["贷款受理岗"])
    roles: list[Role] = Field(min_length=1, examples=[["publisher", "caseworker"]])
    expires: int = Field(ge=0, le=4_294_967_295, description="Epoch seconds.", examples=[1830000000])


class UserOut(Wire):
    """A user."""

    id: int
    person_id: str
    name: str
    post: str
    roles: list[Role]
    expires: int
    disabled: bool


class TokenIn(Wire):
    """Life of a new token."""

    days: int = Field(ge=1, le=36_500, examples=[90])
    label: str = Field("", max_length=120)


class TokenOut(Wire):
    """A new token; this is the only time it is shown."""

    token: str


class DatasetOut(Wire):
    """A catalogue entry as this node knows it."""

    alias: str | None = Field(examples=["GJJ-01"])
    code: str = Field(examples=["12411599MBDEM00233/000001"])
    version: int
    title: str | None
    owner: str
    owner_name: str | None
    share_type: int
    state: Literal["local", "proposed", "returned", "published", "retired"]
    schema_hash: str
    field_count: int
    own: bool
    personal: bool
    requires_authorisation: bool
    round: int = Field(description="How often the version was proposed; more than 1 when it was sent back before.")
    changing: bool = Field(description="变更中: a published version whose next one is under review.")
    review_deadline: int | None = Field(description="First second (epoch) at which the authority's review is late.")
    review_overdue: bool


class ApprovalIn(Wire):
    """A step to be proposed: its kind, what it is about, and the members of its kind."""

    kind: str = Field(pattern=r"^[a-z0-9-]{1,40}$", examples=["dataset-propose"])
    object: str = Field(max_length=120, examples=["dataset 12411599MBDEM00233/000001@1"])
    payload: dict[str, Any] = Field(examples=[{"schema": "{…}"}])


class ConsentIn(Wire):
    """What is consented to: the proposal's digest as it was read, so that nothing else can have taken its place."""

    proposal: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", examples=["ab" * 32])


class SendBackIn(Wire):
    """Why a proposal is sent back."""

    reason: str = Field(min_length=1, max_length=2_000, examples=["使用范围过宽, 请删去批量方式"])


class StepOut(Wire):
    """One step of an approval: who did what, when (law time), with the digest of its text."""

    seq: int = Field(examples=[1])
    act: Literal["proposed", "consented", "sent-back", "withdrawn"]
    user: int = Field(examples=[3])
    person_id: str = Field(examples=["P0003"])
    name: str = Field(examples=["测试经办"])
    post: str = Field(examples=["数据共享岗"])
    at: int = Field(examples=[1790000000])
    document: str | None = Field(examples=["ab" * 32])
    reason: str | None = None


class ApprovalOut(Wire):
    """A step that binds the department: proposed by one person, consented to by another, then carried out by the node.

    ``proposal`` and ``document`` are the digests of what was proposed and of what the head signed; ``code`` is the error code of
    a failure, or while executing of what it waits for; ``payload`` is there for those who may propose or decide.
    """

    id: int = Field(examples=[1])
    kind: str = Field(examples=["dataset-propose"])
    object: str = Field(examples=["dataset 12411599MBDEM00233/000001@1"])
    state: Literal["pending", "returned", "withdrawn", "consented", "executing", "done", "failed"]
    round: int = Field(examples=[1])
    proposal: str = Field(examples=["ab" * 32])
    document: str | None = None
    code: str | None = None
    result: dict[str, Any] | None = None
    created_at: int = Field(examples=[1790000000])
    changed_at: int = Field(examples=[1790000000])
    steps: list[StepOut]
    payload: dict[str, Any] | None = None


class ActOut(Wire):
    """One act: what was done to what, when (law time), by whom; ``document`` is the digest of its text."""

    position: int = Field(examples=[7])
    act: str = Field(examples=["consented"])
    object: str = Field(examples=["dataset 12411599MBDEM00233/000001@1"])
    time: int = Field(examples=[1790000000])
    document: str | None = Field(examples=["ab" * 32])
    person_id: str = Field(examples=["P0004"])
    post: str = Field(examples=["共享工作机构负责人"])
    role: Literal["handler", "head"]
    approval: int | None = Field(examples=[1])
    leaf: str = Field(examples=["cd" * 32])
    state: Literal["pending", "anchored"]


_CLOCK = {
    "length_wd": 10,
    "used_wd": 3,
    "left_wd": 7,
    "deadline": 1791993600,
    "last_day": "2026-10-14",
    "light": "green",
    "paused": False,
    "missing_year": None,
    "text": "3 of 10 working days used",
}


class TodoOut(Wire):
    """One thing that waits for the caller; ``urging`` is 催办 from a yellow light on, 督办 from a red one."""

    kind: str = Field(examples=["approval-decide"])
    ref: str = Field(examples=["approval 7"])
    object: str = Field(examples=["dataset 12411599MBDEM00233/000001@1"])
    what: str = Field(examples=["dataset-propose"])
    capacity: Literal["handler", "head", "authority"]
    since: int = Field(examples=[1790000000])
    clock: dict[str, Any] | None = Field(examples=[_CLOCK])
    urging: Literal["催办", "督办"] | None


_SECRET = "whsec_" + "A" * 44


class WebhookIn(Wire):
    """A webhook to be registered."""

    url: str = Field(max_length=500, examples=["https://oa.example.gov.cn/hooks/xinlian"])
    secret: str = Field(max_length=120, examples=[_SECRET], description="whsec_ and base64 of 24 to 64 random bytes.")
    events: list[str] = Field(min_length=1, max_length=50, examples=[["approval.proposed", "batch.final"]])


class SecretsIn(Wire):
    """The secrets a webhook has from now on."""

    secrets: list[Annotated[str, Field(max_length=120)]] = Field(min_length=1, max_length=2, examples=[[_SECRET]])


class WebhookOut(Wire):
    """A webhook; address and secrets are not shown, because both open something."""

    id: int = Field(examples=[1])
    host: str = Field(examples=["https://oa.example.gov.cn"])
    secrets: int = Field(examples=[1])
    events: list[str] = Field(examples=[["approval.proposed", "batch.final"]])
    created_by: int = Field(examples=[1])
    created_at: int = Field(examples=[1790000000])


class DeliveryOut(Wire):
    """One event for one webhook; ``body`` is what is signed and sent, ``code`` why the last attempt was in vain."""

    id: int = Field(examples=[1])
    webhook: int = Field(examples=[1])
    message_id: str = Field(examples=["msg_019a0b1c2d3e7f008000000000000001"])
    event: str = Field(examples=["batch.final"])
    body: str = Field(examples=['{"type":"batch.final","timestamp":"2026-09-24T01:00:00Z","department":"…","data":{}}'])
    state: Literal["queued", "delivered", "parked"]
    attempts: int = Field(examples=[1])
    next_at: int | None = Field(examples=[None])
    code: str | None = Field(examples=[None])
    created_at: int = Field(examples=[1790000000])


class DocumentBriefOut(Wire):
    """A document without its text; a received one is unconfirmed until the chain shows its digest."""

    digest: str = Field(examples=["ab" * 32])
    kind: str = Field(examples=["consent"])
    object: str = Field(examples=["dataset 12411599MBDEM00233/000001@1"])
    sender: str | None = Field(examples=[None])
    created_at: int = Field(examples=[1790000000])
    state: Literal["own", "unconfirmed", "confirmed"]


class DocumentOut(DocumentBriefOut):
    """A document: ``digest`` is SHA-256 of 0x02, ``salt`` (hex) and the bytes of ``text``."""

    salt: str = Field(examples=["00" * 32])
    text: str = Field(examples=['{"document":"consent","object":"dataset 12411599MBDEM00233/000001@1","reason":"同意"}'])
    content: dict[str, Any] = Field(examples=[{"reason": "同意"}])


class DatasetRef(Wire):
    """One version of a catalogue entry."""

    code: str = Field(pattern=r"^[0-9A-Z]{18}/\d{6}$", examples=["12411599MBDEM00233/000001"])
    version: int = Field(ge=1, le=65535)


class DatasetApproval(DatasetRef):
    """A catalogue entry version to publish, with the authority's opinion."""

    opinion: str = Field(default="同意发布", description="1 to 500 characters.")


class DatasetDecision(DatasetRef):
    """A catalogue entry version to send back or to retire, with the reason."""

    reason: str = Field(
        default="", description="Required, 1 to 500 characters.", examples=["使用条件与共享范围不一致, 请补充使用依据"]
    )


class TxOut(Wire):
    """A transaction that this call made."""

    tx_hash: str
    block_number: int


class SearchIn(Wire):
    """A lookup by a field of the blind index; the value never stands in a URL."""

    field: str = Field(examples=["id_number"])
    value: str = Field(examples=["411599199001010014"])


class ReasonIn(Wire):
    """Why a record is revoked or erased: a registered reason code, no free text on chain."""

    reason: int = Field(ge=0, le=255, examples=[1])


class RequestIn(Wire):
    """A sharing request to be proposed: whose dataset, and the filled-in form (政务数据共享申请表; docs/protocol.md)."""

    provider: UsccText
    dataset: str = Field(max_length=40, examples=["BDC-01"])
    version: int | None = Field(default=None, ge=1, le=65535)
    form: dict[str, Any] = Field(examples=[{"legal_basis": [{"title": "住房公积金管理条例", "article": "第二十六条"}]}])


class StepIn(Wire):
    """The filled-in form of a step; its kind is that of the step (docs/protocol.md)."""

    form: dict[str, Any] = Field(default={}, examples=[{"conditions": ["仅限办件过程核验"]}])
    cover: Literal["none", "consent", "authorisation"] = "none"
    change: dict[str, Any] | None = Field(default=None, examples=[{"query": ["marital_status"]}])


class RequestOut(Wire):
    """A sharing request as on chain; forms and reasons are documents of the parties."""

    request_no: str = Field(examples=["GX20260924000001"])
    requester: str
    number: int = Field(examples=[20260924000001])
    provider: str
    dataset: str
    alias: str | None = None
    version: int
    unconditional: bool
    state: str = Field(examples=["submitted"])
    terms: dict[str, Any]
    out_of_scope: bool
    partial: bool
    cover: Literal["none", "consent", "authorisation"]
    grounds: list[str]
    supplemented: bool
    extension: dict[str, int]
    overdue: dict[str, bool]
    clock: dict[str, Any] | None = Field(examples=[{"name": "answer", "text": "3 of 10 working days used"}])
    by_authority: bool
    stop_proposed: bool
    proposed_terms: dict[str, Any] | None
    settled: bool
    submitted_at: int
    state_at: int
    ended_at: int | None
    disposed_at: int | None
    grant: int | None
    steps: list[dict[str, Any]]


class GrantOut(Wire):
    """A grant as on chain."""

    provider: str
    number: int
    receiver: str
    request: int = Field(examples=[20260924000001])
    code: str
    version: int
    state: str = Field(examples=["active"])
    cover: Literal["none", "consent", "authorisation"]
    running: bool
    terms: dict[str, Any]


class SubjectIn(Wire):
    """A subject of a case: person, organisation, unit, contract, permit or project, and its code."""

    kind: SubjectKind = Field(examples=["person"])
    value: str = Field(examples=["411599199001010014"])


class CaseIn(Wire):
    """A case to be opened by this department as lead."""

    case_no: CaseNo
    scenario: Hash0x
    participants: list[UsccText] = Field(default=[], max_length=32)
    subjects: list[SubjectIn] = Field(min_length=1, max_length=1000)


class CaseOut(Wire):
    """A case as on chain."""

    lead: str
    case_no: str
    scenario: str
    participants: list[str]
    subjects_root: str
    subject_count: int
    opened_at: int
    closed_at: int | None
    outcome: int | None
    tx_hash: str | None = None


class CloseIn(Wire):
    """Outcome of a case: 11 办结(通过), 12 办结(容缺通过), 13 办结(不通过), 14 撤回, 15 撤销."""

    outcome: int = Field(ge=1, le=255, examples=[11])


class CaseRef(Wire):
    """A case."""

    lead: UsccText
    case_no: CaseNo


class QueryItemIn(Wire):
    """One item: its subject (a family for answers), and for ``verify`` the values to compare."""

    subjects: list[SubjectIn] = Field(min_length=1, max_length=8)
    values: dict[str, str | int | bool | None] = {}


class QueryIn(Wire):
    """A use of another department's data."""

    provider: UsccText
    grant: int = Field(ge=1, le=4_294_967_295, examples=[1])
    case: CaseRef | None = None
    purpose: PurposeCode
    mode: Literal["verify", "query", "answer"]
    fields: list[str] = Field(default=[], max_length=256)
    view: str | None = None
    parameters: dict[str, str | int | bool] = {}
    items: list[QueryItemIn] = Field(min_length=1, max_length=100)


class DutyIn(Wire):
    """That a law orders to keep a case's file: the law in one line, and until when (epoch seconds)."""

    lead: UsccText
    case_no: CaseNo
    basis: str = Field(min_length=1, max_length=200, examples=["某法第十条: 档案保存三十年 (合成示例)"])
    until: int = Field(ge=0, le=9_007_199_254_740_991, examples=[1893456000])


class DutyOut(Wire):
    """A retention duty; ``released``: copies that went when it was ended."""

    id: int
    lead: str
    case_no: str
    basis: str
    until: int
    state: Literal["running", "ended"]
    recorded_at: int
    ended_at: int | None
    released: int | None = None


class FileWantedIn(Wire):
    """A file that a query's record names."""

    item: int = Field(0, ge=0, le=99, description="Place of the subject in the query.", examples=[0])
    record_id: str = Field(min_length=36, max_length=36, examples=["019a0b1c-2d3e-7f00-8000-000000000001"])
    field: str = Field(max_length=140, examples=["scan"])


class ReconcileIn(Wire):
    """With which department the read logs are compared."""

    counterparty: UsccText


class SuspendIn(Wire):
    """Why a department is suspended: a registered reason code."""

    reason: int = Field(ge=0, le=255, examples=[1])


class CompromisedIn(Wire):
    """From which block on batches of a department are suspect."""

    since_block: int = Field(ge=0, le=9_007_199_254_740_991, examples=[120])


class RotateIn(Wire):
    """Which key is replaced."""

    kind: Literal["signing", "hpke"]
    retire: bool = False


class TermEndOut(Wire):
    """The end of a term."""

    start: str = Field(examples=["2026-09-24"], description="This day is not counted.")
    days: int = Field(examples=[10])
    kind: Literal["working-days", "calendar-days"]
    last_day: str = Field(examples=["2026-10-15"], description="The last day that is still in time.")
    deadline: int = Field(examples=[1792080000], description="First second that is too late, epoch seconds.")


class CalendarYear(Wire):
    """A year of the working-day calendar: what is not as its weekday says."""

    year: int = Field(examples=[2026])
    workdays: int = Field(examples=[248])
    closed_weekdays: list[str] = Field(examples=[["2026-09-25"]], description="Mondays to Fridays that are no workdays.")
    make_up_days: list[str] = Field(examples=[["2026-10-10"]], description="Saturdays and Sundays that are workdays.")
    outages: list[str] = Field(examples=[["2026-09-28"]], description="Days that no clock counts.")


class CalendarChange(Wire):
    """What became of a change of the calendar."""

    change: Literal["loaded", "changed", "declared", "withdrawn", "unchanged"]
    tx_hash: Hash0x | None = Field(description="None when nothing had to change.")
    block_number: int | None = Field(examples=[12])


class RecoverySigner(Wire):
    """A signer to come."""

    address: str = Field(examples=["0x" + "Ab" * 20])
    roles: list[Literal["anchor", "law", "admin"]] = Field(examples=[["admin"]])


class RecoveryOut(Wire):
    """An announced recovery."""

    department: UsccText
    announced_at: int = Field(examples=[1789952400], description="Epoch seconds.")
    earliest: int | None = Field(examples=[1790179200], description="It may be carried out from then on, epoch seconds.")
    missing_year: int | None = Field(examples=[None], description="Calendar year that is not loaded and prevents it.")
    signers: list[RecoverySigner]
