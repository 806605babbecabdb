"""What is inside a sealed request and a sealed answer between two departments' nodes.

Rules
1. Both are one compact JSON object with exactly the members below; anything else is refused as a whole.
2. A request has 1 to 100 items in one mode. ``verify`` and ``query`` name one subject an item and 1 to 256 fields; ``answer``
   names a family of one to eight subjects an item and one derived view. ``batch`` is not offered here.
3. ``values`` hold what is to be compared (``verify``: a value for every field) or a view's parameters (``answer``).
4. An answer has one result per item, in order. Every result but a refusal carries evidence: records' statements with the
   disclosures of the fields granted, or a signed answer statement. Evidence without receipt is signed and has ``anchor_by``.
5. Parsing checks shape and bounds only. Whether it may be answered is the provider's ``ProviderCheck``s, in their order.

6. A piece of a file is asked for by a request of its own (``files``): an ordinary query of one field of one subject, and which
   bytes of which record's file.
7. Where a grant or a dataset needs it, a request shows the authorisations of the data subjects (``authorisation``).

Codes: ``request-form``, ``request-too-large``, ``request-too-many-items``, ``request-too-many-subjects``,
``request-too-many-fields``, ``request-mode``, ``request-window``, ``request-expired``, ``answer-form``, ``answer-too-large``,
``answer-mismatch``, and those of ``jsontext``, ``subjects`` and ``b64``.

Example::

    request = parse_request(open_request(header, body, key))
    check_outside(request, header)

Source: design 4.5; docs/protocol-exchange.md.
"""

from xinlian.protocol.messages.answer import (
    MAX_ANSWER_BYTES,
    MAX_RECORDS_PER_ITEM,
    Answer,
    AnswerItem,
    Evidence,
    InCorrection,
    View,
    check_answer,
    dumps_answer,
    parse_answer,
)
from xinlian.protocol.messages.authorisation import MAX_AUTHORISATIONS, ShownAuthorisation
from xinlian.protocol.messages.files import (
    MAX_OPENING_BYTES,
    MAX_PIECE_BYTES,
    FileAnswer,
    FilePart,
    FileRequest,
    check_file_answer,
    dumps_file_answer,
    dumps_file_request,
    parse_file_answer,
    parse_file_request,
)
from xinlian.protocol.messages.request import (
    MAX_REQUEST_BYTES,
    MAX_WINDOW_S,
    OFFERED_MODES,
    Request,
    RequestItem,
    check_outside,
    check_time,
    dumps_request,
    parse_request,
)
from xinlian.protocol.messages.self_access import (
    Login,
    SelfAccessAnswer,
    SelfAccessRequest,
    dumps_self_access,
    dumps_self_access_answer,
    parse_self_access_answer,
    parse_self_access_request,
)
from xinlian.protocol.messages.words import (
    CODE_TEXT,
    FIELD_NAME,
    HEX32,
    MAX_FIELDS,
    MAX_ITEMS,
    MAX_SUBJECTS_PER_ITEM,
    MAX_VALUE_CHARS,
    NAME,
    OUTCOMES,
    VCT,
    VERSION,
    CaseRef,
    GrantRef,
    Outcome,
    ProviderCheck,
    case_from_json,
    grant_from_json,
    refusal,
)

__all__ = [
    "CODE_TEXT",
    "FIELD_NAME",
    "HEX32",
    "MAX_ANSWER_BYTES",
    "MAX_AUTHORISATIONS",
    "MAX_FIELDS",
    "MAX_ITEMS",
    "MAX_OPENING_BYTES",
    "MAX_PIECE_BYTES",
    "MAX_RECORDS_PER_ITEM",
    "MAX_REQUEST_BYTES",
    "MAX_SUBJECTS_PER_ITEM",
    "MAX_VALUE_CHARS",
    "MAX_WINDOW_S",
    "NAME",
    "OFFERED_MODES",
    "OUTCOMES",
    "VCT",
    "VERSION",
    "Answer",
    "AnswerItem",
    "CaseRef",
    "Evidence",
    "FileAnswer",
    "FilePart",
    "FileRequest",
    "GrantRef",
    "InCorrection",
    "Login",
    "Outcome",
    "ProviderCheck",
    "Request",
    "RequestItem",
    "SelfAccessAnswer",
    "SelfAccessRequest",
    "ShownAuthorisation",
    "View",
    "case_from_json",
    "check_answer",
    "check_file_answer",
    "check_outside",
    "check_time",
    "dumps_answer",
    "dumps_file_answer",
    "dumps_file_request",
    "dumps_request",
    "dumps_self_access",
    "dumps_self_access_answer",
    "grant_from_json",
    "parse_answer",
    "parse_file_answer",
    "parse_file_request",
    "parse_request",
    "parse_self_access_answer",
    "parse_self_access_request",
    "refusal",
]
