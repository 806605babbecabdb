"""The one error tree, and the catalogue of stable codes that docs/errors.md is generated from.

Rules
1. Every error carries a stable ``code`` (kebab-case) that stands in ``CATALOGUE``; an unknown code is a defect and raises.
2. The class says the family (and with it HTTP status and exit code, mapped in one table each in ``api`` and ``cli``).
3. ``fields`` name the offending thing and what was expected. They never hold a secret or personal data.

Tree::

    XinlianError
    ├── InputError      what was handed in is wrong (a file, a row, a request body, an argument)
    ├── AuthError       who calls is not known or may not do this on this node
    ├── RefusedError    a provider's check refuses a cross-department request; ``fields["check"]`` names it
    ├── NotFoundError   the named thing does not exist here
    ├── ConflictError   it exists already, or its state does not allow this
    ├── EvidenceError   evidence does not prove what it claims
    ├── ChainError      the chain cannot be reached, is another one, or rejected a transaction
    ├── StoreError      the database, the key store or the disk failed
    ├── PeerError       another department's node did not answer as agreed
    └── ConfigError     a setting or the environment is wrong

Example: ``raise InputError("field-type", "balance_yuan: expected a decimal with 2 places", field="balance_yuan")``
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One stable error code.

    Args:
        code: kebab-case, never reused for another meaning.
        cause: why it happens, in words a department clerk understands.
        remedy: what to do.
        retryable: True when the same call may succeed later without a change.
    """

    code: str
    cause: str
    remedy: str
    retryable: bool = False


class XinlianError(Exception):
    """Root of all errors that xinlian raises on purpose.

    Args:
        code: an entry of ``CATALOGUE``.
        message: one sentence that names the offending thing and what was expected; no secret, no personal data.
        fields: machine-readable details (JSON types only), under the same rule.
    """

    def __init__(self, code: str, message: str, **fields: object) -> None:
        if code not in CATALOGUE:
            raise LookupError(f"error code {code!r} is not in protocol.errors.CATALOGUE")
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields

    @property
    def retryable(self) -> bool:
        """True when the same call may succeed later without a change."""
        return CATALOGUE[self.code].retryable

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.code, self.message, self.fields))


def _rebuild(kind: type[XinlianError], code: str, message: str, fields: dict[str, object]) -> XinlianError:
    return kind(code, message, **fields)


class InputError(XinlianError):
    """What was handed in is wrong."""


class AuthError(XinlianError):
    """The caller is not known or may not do this here."""


class RefusedError(XinlianError):
    """A provider's check refuses a cross-department request."""


class NotFoundError(XinlianError):
    """The named thing does not exist here."""


class ConflictError(XinlianError):
    """It exists already, or its state does not allow this."""


class EvidenceError(XinlianError):
    """Evidence does not prove what it claims."""


class ChainError(XinlianError):
    """The chain cannot be reached, is another one, or rejected a transaction."""


class StoreError(XinlianError):
    """The database, the key store or the disk failed."""


class PeerError(XinlianError):
    """Another department's node did not answer as agreed."""


class ConfigError(XinlianError):
    """A setting or the environment is wrong."""


_ENTRIES: tuple[CodeEntry, ...] = (
    # -- input: values and files -------------------------------------------------------------------
    CodeEntry("json-broken", "The text is not JSON (RFC 8259).", "Correct the text at the position named."),
    CodeEntry("json-duplicate-key", "A JSON object names the same key twice.", "Keep one of the two."),
    CodeEntry("json-too-deep", "The JSON is nested deeper than allowed.", "Flatten the document."),
    CodeEntry("json-not-exact", "A number cannot be kept exactly.", "Send fixed-point numbers as strings."),
    CodeEntry("field-type", "A value does not have the type of its field.", "Give the value in the form named."),
    CodeEntry("field-missing", "A required field is missing.", "Add the field; null is allowed where the schema says so."),
    CodeEntry(
        "field-file",
        "A file field names no attachment of this department that is complete and of a permitted type.",
        "Upload the file first, then give its id or its sha256.",
    ),
    CodeEntry("field-unknown", "A field is not part of the dataset's schema.", "Remove it or correct its name."),
    CodeEntry("code-check-digit", "A code has the right form but its check digit is wrong.", "Correct the code."),
    CodeEntry("code-form", "A code does not have the form its standard prescribes.", "Correct the code."),
    CodeEntry("too-large", "The input is larger than the limit named.", "Split it or raise the limit in the settings."),
    # -- sections below are grown by the module that raises them ------------------------------------
    # -- protocol: evidence ------------------------------------------------------------------------
    CodeEntry(
        "base64-form",
        "A text is not canonical base64url without padding (RFC 4648 §5).",
        "Use the text exactly as it was issued.",
    ),
    CodeEntry(
        "statement-form",
        "A statement does not have the exact bytes that the encoder rec/1 writes.",
        "Use the statement exactly as the issuer's node handed it out.",
    ),
    CodeEntry(
        "disclosure-form",
        "A disclosure does not have the exact form [salt, name, value] in base64url.",
        "Use the disclosure exactly as the issuer's node handed it out.",
    ),
    CodeEntry(
        "receipt-form",
        "A receipt lacks a field, has one too many, or a field has the wrong form.",
        "Use the receipt exactly as the issuer's node handed it out.",
    ),
    CodeEntry(
        "bundle-format",
        "The file is not an evidence bundle of format xinlian-evidence/1.",
        "Ask the department for the bundle again; do not edit it.",
    ),
    CodeEntry(
        "manifest-format",
        "The file is not a deployment manifest of format xinlian-deployment/1.",
        "Fetch the manifest from the authority again; do not edit it.",
    ),
    CodeEntry(
        "key-set-form",
        "A key set is not the exact JWKS form that departments publish on the chain.",
        "Publish the key set that the node wrote, unchanged.",
    ),
    CodeEntry(
        "jws-form",
        "A signed statement is not a compact JWS of the one form in use.",
        "Ask the signer for the signed form again; do not edit it.",
    ),
    CodeEntry(
        "jws-wrong",
        "A JWS does not fit the signed bytes and the key named.",
        "Ask the signer for the signed form again; do not edit it.",
    ),
    CodeEntry(
        "jws-key-unknown",
        "The key that signed is not in the signer's key set.",
        "Check that the department registered this key on the chain.",
    ),
    CodeEntry("tree-index", "A leaf index or a tree size is outside its tree.", "Use an index from 0 to size - 1."),
    CodeEntry(
        "as-of-future",
        "The block or time asked for is later than the chain's newest block.",
        "Ask for an earlier block or time, or leave it out.",
    ),
    CodeEntry(
        "as-of-form",
        "The moment asked for is neither a block number nor a time with its offset.",
        "Write 123 or 2026-03-02T09:00:00+08:00.",
    ),
    # -- working days --------------------------------------------------------------------------------
    CodeEntry(
        "calendar-year-missing",
        "The answer depends on a day of a year whose working-day calendar is not loaded.",
        "The authority loads the year as soon as the State Council's notice is out: xinlian calendar load.",
    ),
    CodeEntry("calendar-range", "A day is outside the years 2000 to 2100.", "Correct the date."),
    CodeEntry("calendar-term", "A term is shorter than one day or longer than the limit named.", "Correct the number of days."),
    CodeEntry("calendar-pauses", "A clock has more pauses than the limit named.", "Join pauses that touch each other."),
    CodeEntry(
        "calendar-day-frozen",
        "A day of the calendar that has begun (or is too long ago for an outage) was to be changed.",
        "Change only days to come; an outage may be declared for the last ten days.",
    ),
    CodeEntry("calendar-outage-length", "An outage covers more days than the limit named.", "Declare it in several parts."),
    CodeEntry("calendar-file", "A calendar file does not have its form at the place named.", "Correct the file there."),
    CodeEntry(
        "date-form",
        "A date is not of the form YYYY-MM-DD or does not exist.",
        "Write it like 2026-09-24, days like 2026-11-09..2026-11-20.",
    ),
    CodeEntry("dates-reversed", "An interval ends before it begins.", "Swap or correct the two dates."),
    CodeEntry("recovery-unknown", "No recovery of the department is announced.", "The authority announces it first."),
    CodeEntry(
        "recovery-too-early",
        "The two working days in which the department may object are not over.",
        "Carry the recovery out after the day named.",
    ),
    # -- chain ---------------------------------------------------------------------------------------
    CodeEntry("rpc-down", "The chain's RPC node cannot be reached.", "Check that it runs and that its URL is right.", True),
    CodeEntry("rpc-timeout", "The chain's RPC node did not answer in time.", "Try again; check its load and the network.", True),
    CodeEntry("rpc-answer", "The RPC node answered something that is not a usable answer.", "Check its log and version."),
    CodeEntry("rpc-refused", "The RPC node refused the call with an error of its own.", "Read its message; check its version."),
    CodeEntry(
        "events-differ",
        "The events that an RPC node shows do not fold into the accumulator that the contract holds.",
        "One is hidden, altered or told at another time: ask another RPC node and find out which one lies.",
    ),
    CodeEntry(
        "signer-down",
        "The remote signer of a chain key cannot be reached.",
        "Start it or mend the way to it; what is to be sent waits.",
        retryable=True,
    ),
    CodeEntry(
        "signer-refused",
        "The remote signer refuses to sign, or does not hold the key named.",
        "Compare the identifier in the settings with the signer's keys; see the signer's log.",
    ),
    CodeEntry(
        "signer-answer",
        "The remote signer answered with something else than a signature of the key named.",
        "Check that the URL is that of a Web3Signer in eth1 mode and the identifier the public key of this role.",
    ),
    CodeEntry(
        "signer-place",
        "A remote signer is named wrongly in the settings.",
        "Give an https URL, the public key as identifier, and files that can be read.",
    ),
    CodeEntry("rpc-disagree", "Several RPC nodes gave different answers to the same question.", "Find out which one lies."),
    CodeEntry("chain-wrong", "The chain behind the RPC URL is not that of the deployment manifest.", "Correct URL or manifest."),
    CodeEntry("code-missing", "At a contract's address there is no code or other code.", "Check manifest and chain; deploy."),
    CodeEntry(
        "chain-replaced",
        "The chain became shorter or another one stands behind the same URL.",
        "Find out what happened to the chain; then run `xinlian chain reattach` deliberately.",
    ),
    CodeEntry("tx-reverted", "A contract rejected the transaction or call; the reason is named.", "Remove the reason named."),
    CodeEntry("tx-lost", "Another transaction of the same key took this transaction's number.", "Use each key in one place."),
    CodeEntry(
        "tx-timeout", "A transaction was sent but not mined in time; it stays queued.", "Wait; see `xinlian doctor`.", True
    ),
    CodeEntry("chain-funds", "The signing address cannot pay the transaction's fee.", "Fund the address named."),
    CodeEntry("chain-fee-cap", "The chain asks a higher fee than the settings allow.", "Wait or raise the cap.", True),
    CodeEntry(
        "chain-abi", "A call or event does not fit the contracts' interface.", "Run scripts/build-contracts; check versions."
    ),
    CodeEntry(
        "batch-foreign",
        "The chain holds a batch of this department that this node did not make: its ANCHOR key is used elsewhere, or the data "
        "directory is older than the chain.",
        "Stop. Find the other node or restore the newest backup; if the key was stolen, have the authority retire it.",
    ),
    CodeEntry(
        "chain-not-replaced",
        "chain reattach was asked for while the node follows its chain without an alarm.",
        "Nothing is to be done; reattach only after the old chain is gone for good.",
    ),
    CodeEntry("deployment-unwritable", "The deployment manifest cannot be replaced.", "Make its folder writable for the node."),
    CodeEntry("chain-not-reached", "The block or time asked for is not on the chain (yet).", "Ask for an earlier one.", True),
    CodeEntry("deploy-conflict", "The progress file belongs to another deployment.", "Use another file or finish that one."),
    CodeEntry("deploy-file", "The manifest or its progress file cannot be written.", "Check the folder, its rights, the disk."),
    CodeEntry("rpc-url", "The RPC URL has not the form of a URL.", "Give http://host:port or https://host."),
    CodeEntry(
        "anvil-missing", "The anvil binary is not installed in the pinned version.", "Run scripts/setup (npm ci in contracts/)."
    ),
    CodeEntry("anvil-failed", "anvil did not start or stop as expected.", "Read the message; is the port taken?"),
    CodeEntry("chain-key", "A chain key is not 32 bytes of hex within the curve's range.", "Give the key in the right form."),
    # -- datasets, rows and files ----------------------------------------------------------------------
    CodeEntry(
        "schema-form",
        "A dataset's schema file has a mistake at the place named.",
        "Correct the place; docs/datasets.md shows the form.",
    ),
    CodeEntry("scenario-unknown", "No scenario of that name is shipped.", "Use one of the names listed."),
    CodeEntry("view-unknown", "The dataset has no derived view of that name.", "Use one of the views in the catalogue entry."),
    CodeEntry(
        "view-parameter",
        "A derived view was asked with parameters it does not take.",
        "Send exactly the parameters the view names.",
    ),
    CodeEntry("row-shape", "A row is not an object with the dataset's fields.", "Send one object per row."),
    CodeEntry(
        "row-too-many-fields", "A row has more fields than any dataset can have.", "Remove what is not part of the dataset."
    ),
    CodeEntry("array-length", "A list in a row has too few or too many entries.", "Keep the number of entries that is named."),
    CodeEntry(
        "field-length",
        "A text is empty, too short or too long for its field.",
        "Shorten it; leave the cell empty where there is no value.",
    ),
    CodeEntry("field-text", "A text holds line breaks or other control characters.", "Remove them."),
    CodeEntry(
        "field-scale",
        "A decimal is not written with exactly the places of its field, or has too many digits.",
        "Write it as text with exactly these places, such as 1234.50.",
    ),
    CodeEntry("field-range", "An integer lies outside the bounds of its field.", "Correct the number."),
    CodeEntry("field-date", "A date or date-time does not exist or is written in another form.", "Write it as named."),
    CodeEntry("field-enum", "A value is not one of the permitted ones.", "Choose one of the list."),
    CodeEntry(
        "cell-number",
        "A cell with a code or number-like text is stored as a number, so digits may be lost.",
        "Format the column as text and enter the value again; the template does so.",
    ),
    CodeEntry(
        "cell-inexact",
        "A number cell does not have exactly the places of its field.",
        "Enter the amount as text, or round it in the spreadsheet to exactly these places.",
    ),
    CodeEntry("cell-error", "A cell holds a spreadsheet error such as #REF!.", "Correct the cell."),
    CodeEntry("key-duplicate", "Two rows of a file have the same natural key.", "Keep one of them."),
    CodeEntry(
        "rows-invalid",
        "The file has rows with faults; nothing was taken over.",
        "Correct the rows in the report and hand the file in again.",
    ),
    CodeEntry("file-empty", "The file has no data rows.", "Hand in a file with at least one row below the header."),
    CodeEntry(
        "file-encoding", "The file is neither UTF-8 nor GB18030, or not in the encoding that was named.", "Save it as UTF-8."
    ),
    CodeEntry(
        "file-format",
        "The file is not of a kind that can be read (CSV, XLSX, NDJSON, JSON), or it is damaged.",
        "Save it again as one of these.",
    ),
    CodeEntry(
        "file-header",
        "The header row has unknown, missing or repeated columns.",
        "Use the titles or field names of the template.",
    ),
    CodeEntry(
        "file-formula", "A cell holds a formula, so its value may differ from what was meant.", "Paste the column as values."
    ),
    CodeEntry("file-external-link", "The workbook refers to other files or to the network.", "Break the links and save again."),
    CodeEntry("file-macro", "The workbook holds macros or embedded objects.", "Save it as XLSX without them."),
    CodeEntry("file-bomb", "The workbook unpacks to far more than its size allows.", "Copy the data into a fresh workbook."),
    CodeEntry("file-password", "The workbook is protected with a password.", "Remove the password."),
    CodeEntry("file-too-many-rows", "The file has more rows than one file may have.", "Split it."),
    CodeEntry(
        "file-sheet",
        "The workbook has a further sheet with content that would be left out.",
        "Move the content to the data sheet, or delete or hide the sheet.",
    ),
    CodeEntry(
        "row-number",
        "A row's number (行号) is no whole number, is used twice, or the row is marked as the example.",
        "Give each row its own number; delete the mark from rows that are meant.",
    ),
    CodeEntry(
        "file-children",
        "The second sheet refers to a row that does not exist, or its numbering is wrong.",
        "Number the rows as the template shows.",
    ),
    # -- store: database, key store, key files --------------------------------------------------------
    CodeEntry(
        "store-locked",
        "Another process uses the node's database.",
        "Stop the other process; one node owns a data directory.",
        True,
    ),
    CodeEntry("store-closed", "The database was closed while the node stops.", "Start the node again.", True),
    CodeEntry("store-busy", "More changes wait to be written than the node takes in.", "Send again later, or more slowly.", True),
    CodeEntry(
        "store-constraint",
        "A change contradicts what is stored (an id twice, or a missing reference).",
        "Report it: the node should have said it more clearly.",
    ),
    CodeEntry("store-sql", "The database refused a statement.", "Report it with the log; it is a defect of the program."),
    CodeEntry(
        "store-io",
        "The database file cannot be read or written.",
        "Check the disk and the file's permissions, then send again.",
        True,
    ),
    CodeEntry("store-corrupt", "A database file is damaged.", "Restore the last backup."),
    CodeEntry("store-schema", "The database was made by a newer version of the program.", "Install that version or a newer one."),
    CodeEntry(
        "store-checkpoint-busy",
        "A reader still uses an older state of the database, so deleted values cannot be wiped yet.",
        "The node tries again by itself.",
        True,
    ),
    CodeEntry("disk-full", "The disk is full; nothing of the change was kept.", "Free space, then send again.", True),
    CodeEntry(
        "sealed-broken",
        "An encrypted value does not open: it was changed, or belongs to other keys.",
        "Restore the key files or the database that belong together.",
    ),
    CodeEntry(
        "record-exists", "This revision of the record exists already.", "Revise the record instead, from its latest revision."
    ),
    CodeEntry(
        "record-key-missing",
        "The record's key is not in the key store: it was destroyed by an erasure, or the key store is another one.",
        "An erased record stays unreadable; otherwise restore the key store.",
    ),
    CodeEntry("record-unknown", "No record or entry with this id or position is stored here.", "Check the id."),
    CodeEntry(
        "dataset-unknown",
        "No dataset with this code, version or short code is stored here.",
        "Check the code, or load the dataset's schema first.",
    ),
    CodeEntry("user-unknown", "No such user on this node.", "Check the person id."),
    CodeEntry(
        "token-unknown", "The token is not known, was revoked or has expired.", "Ask the node's administrator for a new token."
    ),
    CodeEntry(
        "case-subject-unknown", "This node holds no subjects for the case.", "Check the case number and its lead department."
    ),
    CodeEntry("dataset-exists", "This version of the dataset exists already.", "Raise the version."),
    CodeEntry("alias-taken", "The short code belongs to another dataset.", "Choose another short code."),
    CodeEntry(
        "batch-gap",
        "A batch does not begin where the one before ended, or ends after the last entry.",
        "The node seals again by itself.",
    ),
    CodeEntry(
        "idempotency-mismatch", "The same Idempotency-Key was used with another body.", "Use a fresh key for another request."
    ),
    CodeEntry(
        "index-incomplete",
        "A new version of the blind index does not hold every record; the old one goes on counting.",
        "Run the re-indexing again; when it says the same, report it: nothing was lost.",
    ),
    CodeEntry("erasure-state", "An erasure cannot take this step from where it stands.", "The node resumes it by itself."),
    CodeEntry("rid-exists", "This request number was used already.", "Ask again with a fresh request number."),
    CodeEntry("user-exists", "A user with this person id exists already.", "Change that user instead."),
    CodeEntry(
        "import-exists",
        "The same file was imported into this dataset already.",
        "Nothing to do; look at the first import's report.",
    ),
    CodeEntry(
        "passphrase-wrong", "The passphrase does not open the node's keys.", "Give the passphrase the keys were created with."
    ),
    CodeEntry("keys-exist", "The directory already holds keys.", "Use another directory; keys are never overwritten."),
    CodeEntry("keys-missing", "A key file is missing or not readable.", "Restore the key directory from its backup."),
    CodeEntry(
        "keys-mode", "A key file can be read by others on this machine.", "Set mode 0600 on the file and 0700 on its directory."
    ),
    # -- exchange: signatures of node-to-node calls (httpsig) ------------------------------------------
    CodeEntry("signature-missing", "A node-to-node message is not signed.", "Sign it as docs/protocol-exchange.md says."),
    CodeEntry(
        "signature-form", "A message's signature is not of the one form in use.", "Sign it as docs/protocol-exchange.md says."
    ),
    CodeEntry("signature-window", "A signature runs longer than 60 s, or not at all.", "Sign again with a shorter time."),
    CodeEntry("signature-expired", "A signature is not of this time.", "Compare both nodes' clocks, then send again.", True),
    CodeEntry(
        "signature-wrong", "A signature does not fit the message.", "Something on the way changed the message; send it again."
    ),
    CodeEntry("digest-missing", "A message has no Content-Digest field.", "Sign it as docs/protocol-exchange.md says."),
    CodeEntry("digest-form", "A Content-Digest field is not one sha-256 digest.", "Sign it as docs/protocol-exchange.md says."),
    CodeEntry(
        "digest-wrong", "A body is not the one that its digest names.", "Something on the way changed the body; send it again."
    ),
    # -- exchange: envelopes and messages --------------------------------------------------------------
    CodeEntry(
        "envelope-form", "The Xinlian-Envelope field does not have its one form.", "Send it as docs/protocol-exchange.md says."
    ),
    CodeEntry("envelope-suite", "The envelope names another cryptographic suite.", "Use suite 1; nothing is negotiated."),
    CodeEntry(
        "envelope-mismatch",
        "The envelope, the signature and the sealed message disagree.",
        "Build all three from the same request.",
    ),
    CodeEntry(
        "envelope-not-opened",
        "The sealed body does not open with this key and this envelope.",
        "Send it again to the key now registered.",
    ),
    CodeEntry("request-form", "A sealed request does not have the form prescribed.", "Correct the member named."),
    CodeEntry("request-too-large", "A sealed request is larger than allowed.", "Split it."),
    CodeEntry("request-too-many-items", "A request names more than 100 subjects.", "Split it."),
    CodeEntry(
        "request-too-many-subjects",
        "An item names more subjects than its mode allows.",
        "Give one; a derived view takes up to eight.",
    ),
    CodeEntry("request-too-many-fields", "A request names more than 256 fields.", "Ask for fewer fields."),
    CodeEntry("request-mode", "A request's mode is not one that is offered.", "Use verify, query or answer."),
    CodeEntry("request-window", "A request runs longer than 60 s, or not at all.", "Send it again with a shorter time."),
    CodeEntry("request-expired", "A request is not of this time.", "Compare both nodes' clocks, then send again.", True),
    CodeEntry(
        "answer-form",
        "A sealed answer does not have the form prescribed.",
        "Tell the other department; its node needs a correction.",
    ),
    CodeEntry("answer-too-large", "A sealed answer is larger than allowed.", "Ask for fewer subjects or fields at once."),
    CodeEntry("answer-mismatch", "An answer belongs to another request.", "Ask again; report it if it happens twice."),
    CodeEntry("subject-form", "A subject is not of a known kind, or its code is wrong.", "Correct the subject's kind and code."),
    CodeEntry(
        "subject-opening-form",
        "A subject's opening does not have the form prescribed.",
        "Build it as docs/protocol-exchange.md says.",
    ),
    CodeEntry(
        "subject-not-proven", "A subject's opening does not lead to the case's subjects root.", "Use the case's current subjects."
    ),
    CodeEntry("subjects-salt", "A subject's salt is not 16 bytes, or used twice.", "Draw a fresh salt for every subject."),
    CodeEntry(
        "statement-foreign-disclosure",
        "A disclosure does not belong to the read entry or answer statement it came with.",
        "It is not evidence; get it again.",
    ),
    # -- exchange: the provider's checks, refused-<check> ----------------------------------------------
    CodeEntry(
        "refused-signature",
        "The provider could not verify the request's signature.",
        "Check that the node signs with its own key.",
    ),
    CodeEntry(
        "refused-key-registered",
        "The signing or sealing key is not registered now.",
        "Register the key on chain, or renew the stale one.",
    ),
    CodeEntry("refused-addressee", "The request is meant for another department.", "Send it to the department named."),
    CodeEntry(
        "refused-replay", "The request number was used before, with other content.", "Send a new request with a fresh number."
    ),
    CodeEntry("refused-expired", "The request came after its end.", "Compare both nodes' clocks, then ask again.", True),
    CodeEntry(
        "refused-department-active", "The asking department is suspended or not registered.", "Ask the competent authority."
    ),
    CodeEntry("refused-grant-exists", "There is no such grant for this department.", "Ask the data's owner for a grant."),
    CodeEntry("refused-grant-running", "The grant has not begun, has ended or was revoked.", "Ask the data's owner for a grant."),
    CodeEntry("refused-dataset", "The grant is for another dataset or version.", "Use the grant of this dataset."),
    CodeEntry("refused-mode", "The grant does not cover this way of use.", "Use a mode that the grant names."),
    CodeEntry("refused-fields", "A field or derived view is outside the grant.", "Ask only for the fields granted."),
    CodeEntry("refused-purpose", "The grant is for another purpose.", "Use the purpose that the grant names."),
    CodeEntry("refused-scenario", "The case's scenario is not one that the grant names.", "Use the grant of this scenario."),
    CodeEntry("refused-case-open", "There is no such case, or it is closed.", "Ask within an open case."),
    CodeEntry("refused-case-participant", "The asking department takes no part in the case.", "Have the lead department add it."),
    CodeEntry(
        "refused-subject-in-case", "The person or thing asked about is not part of the case.", "Have the lead department add it."
    ),
    CodeEntry("refused-uses-left", "The grant's uses for this case are used up.", "Ask the data's owner for more uses."),
    CodeEntry("refused-verify-attempts", "This value was tried too often in this case.", "Have the value checked by a person."),
    CodeEntry(
        "refused-file",
        "The record, as it is now, holds no such file in this field, or the transfer is another one.",
        "Ask for the record again, then fetch the file that it names.",
    ),
    CodeEntry("refused-view-fresh", "The provider has not reached the chain for too long.", "Ask again when it has.", True),
    CodeEntry(
        "authorisation-missing",
        "This use needs the data subject's authorisation, and none is shown for this person, dataset and case.",
        "Have the person sign, record the authorisation, then ask again.",
    ),
    CodeEntry(
        "authorisation-forged",
        "The authorisation is not the one on chain: its text has another digest, nobody recorded it, or the secret is wrong.",
        "Use it as it was recorded (recorded just now: ask again in a moment); take the secret from the person's slip.",
    ),
    CodeEntry(
        "authorisation-withdrawn",
        "The person withdrew the authorisation.",
        "Stop using the data; only the person can authorise anew.",
    ),
    CodeEntry("authorisation-expired", "The authorisation's term has not begun or is over.", "Have the person sign a new one."),
    CodeEntry("authorisation-reused", "The authorisation is for another case.", "Have the person sign for this case as well."),
    CodeEntry(
        "authorisation-scope",
        "The authorisation does not cover this person, receiver, dataset, purpose or item, or a sensitive item has no separate "
        "consent.",
        "Ask only for what was authorised, or have the person sign for it.",
    ),
    CodeEntry("authorisation-exists", "The department recorded an authorisation with this id before.", "Record it once."),
    CodeEntry("authorisation-unknown", "There is no such authorisation.", "Compare recorder and id with the person's slip."),
    CodeEntry(
        "informed-missing",
        "The form does not say what the person was told (告知).",
        "Fill in the part named (PIPL art. 17).",
    ),
    CodeEntry(
        "separate-consent-missing",
        "An authorisation names a sensitive item without the person's separate consent (单独同意).",
        "Have its box signed, or leave the item out (PIPL art. 29).",
    ),
    CodeEntry(
        "refused-payload-guard",
        "The request holds something that may never be sent.",
        "Remove files, free text and numbers not asked for.",
    ),
    CodeEntry(
        "refused-authority",
        "A person's ledger is asked for by somebody who does not hold the authority's key.",
        "Have the person go to the competent authority's counter or portal.",
    ),
    CodeEntry("refused-login", "The person's login is too old or of the future.", "Have the person log in again.", True),
    CodeEntry("login-not-set-up", "The node has no identity provider for persons.", "Set oidc_issuer and its companions."),
    CodeEntry("login-unknown", "The person's login was not begun here, is finished, or took too long.", "Begin a new login."),
    CodeEntry(
        "login-refused", "The identity provider's answer does not prove who the person is.", "Have the person log in again."
    ),
    CodeEntry(
        "identity-provider",
        "The identity provider cannot be reached or does not answer as agreed.",
        "Try again; tell its operator.",
        True,
    ),
    CodeEntry("refused-rate", "The department asks more often than the provider allows.", "Ask again later.", True),
    # -- node: calls of the public API -----------------------------------------------------------------
    CodeEntry("route-unknown", "The node has no such address.", "Compare the path with /api/v1/openapi.json."),
    CodeEntry("method-not-allowed", "The address exists but not for this HTTP method.", "Use the method of the API reference."),
    CodeEntry("http", "The HTTP request itself cannot be served.", "Correct the request as the status and the text say."),
    CodeEntry("request-body", "A request body or parameter does not fit the call.", "Correct the places named."),
    CodeEntry("media-type", "The Content-Type is not one that the call takes.", "Send one of the types named."),
    CodeEntry(
        "page-form", "cursor or limit is not what a list call takes.", "Use next as the page before gave it; limit is 1 to 200."
    ),
    CodeEntry("record-id-form", "A record id is not a UUIDv7 in lower-case text.", "Use the id as the node gave it."),
    CodeEntry("internal", "The node met a defect of the program.", "Report it with the node's log; nothing was half-written."),
    CodeEntry("token-missing", "The call carries no bearer token.", "Send the header Authorization: Bearer <token>."),
    CodeEntry(
        "role-missing", "The user does not have a role that this call needs.", "Ask the node's administrator for the role."
    ),
    CodeEntry("user-form", "A user's data or a token's days are not of their form.", "Correct what the message names."),
    CodeEntry("idempotency-key-form", "An Idempotency-Key is not 1 to 200 printable ASCII characters.", "Use a fresh UUID."),
    CodeEntry("idempotency-race", "The same call is being carried out at this moment.", "Send it again in a moment.", True),
    CodeEntry(
        "idempotency-erased",
        "The first call with this Idempotency-Key created a record that was erased since, so its answer is gone.",
        "Use a fresh key for another request.",
    ),
    CodeEntry(
        "reconciliation-form",
        "A request for a page of the read log is not of its form.",
        "Send after (0 or the next of the page before) and limit (1 to 500), both whole numbers.",
    ),
    CodeEntry(
        "token-already-issued",
        "This call made a token before; a token is shown once and not kept.",
        "Make another token with a fresh Idempotency-Key; the first one, if it was lost, ends at its date.",
    ),
    CodeEntry(
        "query-disposed",
        "This query was asked before, and what it brought was disposed of since.",
        "Ask again with a fresh Idempotency-Key; that is another use of the grant.",
    ),
    CodeEntry("parked-unknown", "There is no parked item with this number.", "Look at the list of parked items."),
    # -- node: records and datasets --------------------------------------------------------------------
    CodeEntry(
        "rows-rejected",
        "Rows of the input have faults; nothing was published.",
        "Correct the rows in the report and send the whole input again.",
    ),
    CodeEntry(
        "record-revised", "Somebody revised this record in the meantime.", "Read the record again, then repeat the change.", True
    ),
    CodeEntry("record-ended", "The record was revoked or erased already.", "Publish a new record where one is needed."),
    CodeEntry("record-erased", "The record was erased; its data no longer exists.", "Nothing to do: erasure cannot be undone."),
    CodeEntry(
        "record-rebuild",
        "A stored record does not give the leaf that was published, so the database was changed or damaged.",
        "Restore the database from its backup; run `xinlian doctor`.",
    ),
    CodeEntry("batch-not-on-chain", "A batch is not on this node's view of the chain (any more).", "Ask again later.", True),
    CodeEntry("dataset-not-published", "The authority has not published this dataset (or has retired it).", "Ask the authority."),
    CodeEntry("dataset-state", "The entry's state does not allow this step.", "Look at the entry; take a step it allows."),
    CodeEntry("update-open", "An update clock of this dataset runs already.", "Propose the changed version."),
    CodeEntry("update-none", "No update clock of this dataset runs.", "Open one when law or duty changed."),
    CodeEntry("reason-missing", "A decision or another text of the law's steps gives no reason.", "Give the reason."),
    CodeEntry("schema-owner", "The schema names another department as the dataset's owner.", "Use your own department's code."),
    CodeEntry("field-not-lookup", "Records cannot be searched by this field.", "Use a field that the schema marks for lookup."),
    CodeEntry("payload-refused", "A text meant for the chain holds a personal number or encoded data.", "Leave it out."),
    CodeEntry("chain-code-form", "A purpose or case number has not its form.", "Use 1 to 32 characters of A-Z, 0-9, _ and -."),
    # -- node: sharing, cases, queries -----------------------------------------------------------------
    CodeEntry("department-unknown", "No department with this code is registered on the chain.", "Check the code."),
    CodeEntry("department-keys", "The department has no usable key on the chain.", "Ask it to register its keys."),
    CodeEntry("signer-foreign", "The new signer's request is of another department.", "Use a request of this department."),
    CodeEntry("signer-unknown", "There is no such chain signer.", "Look at the list of signers; name a key the request has."),
    CodeEntry("signer-exists", "This address was registered as a signer before.", "Make a new key; an address serves once."),
    CodeEntry("signer-retired", "This signer is retired already.", "Nothing to do."),
    CodeEntry("signer-last", "The last signer of a role cannot be retired.", "Add its successor first."),
    CodeEntry(
        "collected-form",
        "The list of what application forms ask for is not of its form.",
        "Correct the file (xinlian-collected/1).",
    ),
    CodeEntry("registration-form", "A registration request is not of its form.", "Use the file that the node wrote, unchanged."),
    CodeEntry("registration-proof", "A registration request does not prove that the node has its keys.", "Create it again."),
    CodeEntry("grant-unknown", "There is no such grant.", "Check the provider and the number."),
    CodeEntry("step-unknown", "A sharing request has no step of this name.", "Use one of the steps listed."),
    CodeEntry("request-unknown", "There is no such sharing request.", "Check the requester and the number."),
    CodeEntry("request-text-missing", "The request's form is not here.", "Wait for it, or ask for it again.", True),
    CodeEntry("request-exists", "The department used this request number before.", "Use the next number of the day."),
    CodeEntry("request-number", "The day has no request number left.", "File the request on the next day."),
    CodeEntry("request-state", "The request's state does not allow this step.", "Look at the request; take a step it allows."),
    CodeEntry("request-party", "This step of a request is for another party.", "The party named takes it."),
    CodeEntry("request-own-data", "A department needs no request for its own data.", "Use the records directly."),
    CodeEntry("request-unconditional", "Property 1 is neither refused, cut nor extended (art. 14).", "Agree within 1 wd."),
    CodeEntry("terms-empty", "A request names no field and no view.", "Name what is needed."),
    CodeEntry("terms-widened", "Terms go beyond what they may go up to.", "Stay within what is named."),
    CodeEntry("terms-changed", "The terms on record are not the ones meant.", "Look at the request again, then repeat."),
    CodeEntry("term-past", "A term (使用时限) has ended already.", "Give a later end."),
    CodeEntry("supplement-repeated", "Completion was asked for before (一次性告知).", "Answer the request as it is."),
    CodeEntry("extension-range", "An extension has not the length allowed.", "Give the number of working days named."),
    CodeEntry("extension-repeated", "The time was extended before.", "Act within it."),
    CodeEntry("extension-without-consent", "The authority did not consent to so long an extension.", "Ask for its consent."),
    CodeEntry("extension-too-late", "The answer is overdue; its time cannot be extended.", "Answer the request."),
    CodeEntry("grounds-missing", "Refusing needs grounds among the entry's conditions.", "Cite scope, purpose or conditions."),
    CodeEntry("scope-not-reviewed", "The request is flagged 超范围 and not reviewed.", "Wait for the authority's review."),
    CodeEntry("scope-flag", "The request is (or is not) flagged 超范围.", "Look at the request again."),
    CodeEntry("scope-reason-missing", "A request outside the matrix (超范围) gives no reason.", "Write out_of_scope_reason."),
    CodeEntry("third-party-cover", "A receiver that is no department needs a cover (art. 25).", "Name consent or authorisation."),
    CodeEntry("dispute-settled", "The authority has decided about this request.", "Its decision stands."),
    CodeEntry("clock-none", "No clock runs, or its end is recorded already.", "Nothing is to be recorded."),
    CodeEntry("not-overdue", "The time is not over yet.", "Record it after the deadline named."),
    CodeEntry("suspended-by-authority", "The authority suspended this use.", "The authority decides how it goes on."),
    CodeEntry("change-kind", "What is negotiated does not fit this step.", "Look at the request again."),
    CodeEntry("rectification-range", "Time to rectify is 1 to 250 working days.", "Give a number in this range."),
    CodeEntry(
        "disposal-kept-missing",
        "A retention duty keeps values that the disposal record does not name.",
        "Name under kept what is kept, by which law, until when.",
    ),
    CodeEntry("disposal-unknown", "There is no such disposal.", "Look it up with `xinlian use disposals`."),
    CodeEntry("case-not-closed", "The case is not closed yet.", "Close it first."),
    CodeEntry("use-record-unknown", "There is no such use record.", "Look it up with `xinlian use list`."),
    CodeEntry("use-record-period", "The period of a use record is not one in which the grant was used.", "Name past days."),
    CodeEntry("use-record-retained", "A use record is kept at least three years (Decree 809 art. 29).", "Keep it."),
    CodeEntry("disposal-unexpected", "The use has not ended, or its disposal is recorded.", "Look at the request again."),
    CodeEntry("department-suspended", "The department is suspended.", "Ask the competent authority."),
    CodeEntry("field-not-grantable", "A field serves lookups only and cannot be granted.", "Leave it out of the grant."),
    CodeEntry("case-exists", "A case with this number exists already.", "Use another number."),
    CodeEntry("case-unknown", "There is no such case.", "Check the case number and its lead department."),
    CodeEntry("case-subjects", "A case has no subject, or one subject twice.", "Name every subject exactly once."),
    CodeEntry("query-case", "A query names no case.", "Name the case that the query belongs to."),
    CodeEntry("query-unknown", "There is no such query on this node.", "Check its number."),
    CodeEntry("peer-down", "The other department's node cannot be reached.", "Ask again later, or ask its operator.", True),
    CodeEntry("peer-timeout", "The other department's node did not answer in time.", "Ask again later.", True),
    CodeEntry("peer-busy", "The other department's node cannot answer now.", "Ask again later.", True),
    CodeEntry("peer-refused", "The other department's node refuses the call; its own code is named.", "See that code."),
    CodeEntry("peer-answer", "The other department's node answered something that is not usable.", "Tell its operator."),
    CodeEntry("peer-endpoint", "The address registered for a department is not usable.", "The department corrects it on chain."),
    # -- node: settings and keys -----------------------------------------------------------------------
    CodeEntry("setting-wrong", "A setting is missing, unknown or has a wrong value.", "Correct the setting that is named."),
    CodeEntry("deployment-missing", "The deployment manifest cannot be read.", "Correct the path to deployment.json."),
    CodeEntry("passphrase-missing", "The passphrase of the key files is not given.", "Set XINLIAN_PASSPHRASE_FILE to a file."),
    CodeEntry("keys-not-registered", "The node's keys are not registered on the chain.", "Have the authority register them."),
    CodeEntry("chain-key-missing", "The node holds no chain key of the role named.", "Create the keys, or restore them."),
    CodeEntry("authority-key-missing", "The node holds no authority key.", "Only the authority's node can do this."),
    # -- notices between nodes, retention duties, what an erasure leaves behind ------------------------
    CodeEntry(
        "notice-form",
        "A notice of another department's node does not have the form prescribed, or is of a kind this node does not know.",
        "Compare the versions of both nodes.",
    ),
    CodeEntry("notice-too-large", "A notice is larger than allowed.", "Tell it in several notices."),
    CodeEntry(
        "notice-busy",
        "A request that the notice names is still under way on this node.",
        "The sender tells it again by itself.",
        True,
    ),
    CodeEntry("acknowledgement-form", "An acknowledgement does not have the form prescribed.", "Tell the other operator."),
    CodeEntry(
        "acknowledgement-mismatch", "An acknowledgement belongs to another notice.", "The node tells the notice again by itself."
    ),
    CodeEntry(
        "refused-notice-expired", "The notice came after its end.", "Replay it from the parked items: it is made anew then."
    ),
    CodeEntry(
        "refused-notice-reused",
        "The notice's id was used before, with other content.",
        "Replay it from the parked items: it is made anew then.",
    ),
    CodeEntry(
        "refused-notice-source",
        "The notice speaks of data that the receiver got from another department.",
        "Only the department that issued a record may give notice of it.",
    ),
    CodeEntry(
        "refused-notice-received",
        "The receiver never got the record under the requests that the notice names.",
        "Compare both read logs (`xinlian reads reconcile`).",
    ),
    CodeEntry(
        "refused-notice-text",
        "The text that a notice brings is not of the digest it names, or is no document.",
        "Check the sender's store; a text is never altered.",
    ),
    CodeEntry(
        "refused-notice-unshown",
        "The receiver keeps no further text of this sender before the chain shows one of the last.",
        "Replay it from the parked items once the receiver's node has caught up.",
    ),
    CodeEntry(
        "refused-notice-finding",
        "The finding is not for the receiver's node, or not for its sender to tell.",
        "Findings go to the authority's node (setting authority_department), with evidence of the sender's own log.",
    ),
    CodeEntry("document-not-own", "A text of another department, or an internal one, is not handed over.", "Ask who wrote it."),
    CodeEntry(
        "document-not-shown",
        "The chain does not show the text's digest, so nobody takes part in it.",
        "Wait until its step is done; a text whose step failed goes nowhere.",
    ),
    CodeEntry(
        "document-recipient",
        "The recipient takes no part in what the text is about.",
        "Name one of the departments listed; the authority's stands in the setting authority_department.",
    ),
    CodeEntry("erasure-unknown", "No erasure of this record was ever begun.", "Check the record id."),
    CodeEntry(
        "records-behind",
        "This node has not reached the chain's head since it started, so it cannot know what was erased meanwhile.",
        "Wait until it has (see /readyz); publishing goes on.",
        True,
    ),
    CodeEntry(
        "answer-erased",
        "A record that the answer statement was made from was erased, and its disclosures with it.",
        "Nothing to do: erasure cannot be undone. The statement itself still proves its batch.",
    ),
    CodeEntry(
        "value-erased",
        "The department that gave the value erased its record, so this copy was deleted.",
        "Nothing to do; ask again if the case needs a current value.",
    ),
    CodeEntry(
        "value-restricted",
        "The department that gave the value erased its record; this copy is stored only because a retention duty says so.",
        "It is neither shown nor used (PIPL art. 47) and goes when the duty ends.",
    ),
    CodeEntry("duty-form", "A retention duty's legal basis or end is not of its form.", "Correct what the message names."),
    CodeEntry("duty-unknown", "There is no retention duty with this number.", "Look at the list of retention duties."),
    CodeEntry("duty-ended", "The retention duty has ended already.", "Record a new one if the law asks for it."),
    # -- command line ----------------------------------------------------------------------------------
    CodeEntry("argument-missing", "A command lacks an argument or option.", "Give what the message names; see --help."),
    CodeEntry("argument-form", "An argument or option has the wrong form.", "Write it as the message says; see --help."),
    CodeEntry("file-unreadable", "A file named on the command line cannot be read.", "Correct the path or the permissions."),
    CodeEntry("file-unwritable", "A file cannot be written.", "Choose another place or correct the permissions."),
    CodeEntry("file-exists", "A file is there already, and secrets are never written over one.", "Choose another name."),
    CodeEntry("token-file", "The token cannot be read from its file or the environment.", "Put it in the file's first line."),
    CodeEntry("url-form", "The node's address is not an http(s) URL.", "Write it as http://host:port."),
    CodeEntry("rpc-missing", "No RPC endpoint of the chain is named.", "Give --rpc URL or set XINLIAN_RPC_URL."),
    CodeEntry("node-unreachable", "The node does not answer at its address.", "Check that it runs, and its address.", True),
    CodeEntry("node-answer", "The answer is not one that a node gives.", "Check the address (XINLIAN_URL or --url)."),
    # -- two persons, documents, acts ------------------------------------------------------------------
    CodeEntry("self-approval", "Who proposed a step also wants to decide on it.", "Let another person with the role decide."),
    CodeEntry("approval-unknown", "There is no such approval on this node.", "Check its number with `xinlian approval list`."),
    CodeEntry("approval-state", "The approval's state does not allow this.", "Look at it again: somebody was faster."),
    CodeEntry("approval-changed", "The proposal was replaced since it was read.", "Read the new one, then decide."),
    CodeEntry("approval-open", "The same step is proposed already and waits for a decision.", "Decide on that one first."),
    CodeEntry("approval-foreign", "Somebody else's proposal cannot be withdrawn.", "Ask who proposed it, or send it back."),
    CodeEntry("approval-kind", "No such kind of step can be proposed.", "Use one of the kinds listed."),
    CodeEntry("approval-object", "The proposal's content is about another object than it names.", "Name the object it is about."),
    CodeEntry("approval-payload", "The proposal lacks a member of its kind or has one too many.", "Send what the kind asks for."),
    CodeEntry("approval-reason", "A proposal is sent back without a reason.", "Say what has to be changed."),
    CodeEntry("act-unknown", "There is no act statement at this position.", "Look it up with `xinlian acts list`."),
    CodeEntry("object-form", "A reference to an object does not have its form.", "Write it as in docs/protocol.md, Objects."),
    CodeEntry(
        "document-form", "A document is not a JSON object of the agreed form.", "Use the text as its author's node wrote it."
    ),
    CodeEntry("document-unknown", "This node does not hold the text of this digest.", "Ask the department that wrote it."),
    CodeEntry("document-mismatch", "A text is not the one whose digest is named.", "Ask its author for the text again."),
    CodeEntry("finding-unknown", "This node knows no finding of this id.", "Look it up with `xinlian finding list`."),
    # -- forms (protocol/forms) -------------------------------------------------------------------------
    CodeEntry("example-unknown", "There is no example of that name.", "Use one of those that `xinlian document example` lists."),
    CodeEntry(
        "form-unknown",
        "There is no form of that kind.",
        "Use one of the kinds listed (`xinlian document example` shows what to write).",
    ),
    CodeEntry("form-member", "A member of a form has the wrong form at the place named.", "Write it as the message says."),
    CodeEntry(
        "form-member-missing", "A form lacks the member named.", "Fill it in; `xinlian document example NAME` prints a whole one."
    ),
    CodeEntry("form-member-unknown", "A form has a member that does not belong to it.", "Remove it or correct its name."),
    CodeEntry("legal-basis-missing", "A sharing request names no legal basis (使用依据).", "Name law and article (art. 20)."),
    CodeEntry(
        "scenario-missing",
        "A sharing request names no use scenario (使用场景).",
        "Name scenario and item code (art. 20), and the scenario's id unless the use is standing.",
    ),
    CodeEntry(
        "scope-missing", "A sharing request does not say who uses the data (使用范围).", "Name users and region (art. 20)."
    ),
    CodeEntry("method-missing", "A sharing request names no sharing method (共享方式).", "Choose one of those listed (art. 20)."),
    CodeEntry("term-missing", "A sharing request names no term (使用时限).", "Name the first and the last day (art. 20)."),
    CodeEntry("term-reversed", "The last day lies before the first.", "Correct the two days."),
    CodeEntry("term-too-long", "The term is longer than a year.", "Ask for at most a year; ask again later."),
    CodeEntry("requested-items-missing", "A sharing request names no field.", "Name the fields that are needed."),
    CodeEntry(
        "necessity-reason-missing", "A field is asked for without a reason.", "Say why the field is necessary, field by field."
    ),
    CodeEntry("item-repeated", "A field is named twice.", "Name every field once."),
    CodeEntry("storage-terms-missing", "Data is to be stored, but not said until when and how encrypted.", "Name both."),
    CodeEntry(
        "catalog-version-wrong", "A sharing request names another version than the catalogue entry.", "Name the published one."
    ),
    CodeEntry("dataset-not-shared", "The dataset is not shared (不予共享).", "Its entry names the legal basis of that."),
    CodeEntry("method-not-shared", "The catalogue entry does not offer this sharing method.", "Choose one that it offers."),
    CodeEntry("purpose-not-catalogued", "A purpose is not among those of the catalogue entry.", "Choose one that it names."),
    CodeEntry("item-unknown", "The entry has no such field or view, or it was not asked for.", "Choose from those there are."),
    CodeEntry("item-mode", "A field or view cannot be used in this mode.", "Use answer for views, verify for verifiable fields."),
    CodeEntry("pi-basis-missing", "The data is personal and the request names no basis for it.", "Name it (PIPL art. 13)."),
    CodeEntry("facts-missing", "A notice does not state the facts.", "State them."),
    CodeEntry("basis-missing", "A notice names no legal basis.", "Name law and article."),
    CodeEntry("remedy-missing", "A refusal or notice does not say what can be done against it (救济途径).", "Say it."),
    CodeEntry("rectification-missing", "A suspension names no time for rectification (整改期限).", "Name the working days."),
    CodeEntry(
        "gap-missing", "A completion notice (补正告知书) lacks a gap, what is wrong, or how to supply it.", "Name all at once."
    ),
    CodeEntry("refusal-reason-missing", "A field is refused without a reason.", "Give the reason, field by field."),
    CodeEntry(
        "refusal-grounds-missing",
        "A refusal rests on no condition of the catalogue entry.",
        "Name 共享范围, 使用用途 or 使用条件.",
    ),
    CodeEntry("answer-items", "The fields agreed and refused do not fit the conclusion.", "Correct the lists or the conclusion."),
    CodeEntry("change-terms-missing", "A change is proposed without the new terms.", "Write them down."),
    CodeEntry("disposal-method-missing", "A disposal record does not say how the data was disposed of.", "Choose the method."),
    CodeEntry("disposal-witness", "The same person disposed of the data and witnessed it.", "Name another witness."),
    CodeEntry("use-record-missing", "A use record lacks one of its five parts (使用情况).", "Fill in the part named (art. 29)."),
    CodeEntry("evidence-missing", "A correction is asked for without evidence.", "Attach it."),
    CodeEntry(
        "correction-result", "What a correction's feedback names does not fit its result.", "Name exactly what the result needs."
    ),
    CodeEntry("correction-unknown", "There is no such correction.", "Check the receiver and the number."),
    CodeEntry("correction-exists", "The department used this correction number before.", "Use the next number of the day."),
    CodeEntry("correction-number", "The day has no correction number left, or it is out of range.", "File it on the next day."),
    CodeEntry("correction-state", "The correction's state does not allow this step.", "Look at it; take a step it allows."),
    CodeEntry("correction-party", "This step of a correction is for another party.", "The party named takes it."),
    CodeEntry("correction-dataset", "The grant covers another dataset or version.", "Name the grant under which the value came."),
    CodeEntry("correction-target", "A correction does not say which value it is about.", "Name record and items."),
    CodeEntry("correction-document", "A step of a correction has no text.", "Fill in its form."),
    CodeEntry("correction-outcome", "A correction is answered by 更正 or 维持.", "Choose one of the two, or forward it."),
    CodeEntry(
        "correction-source",
        "The source (数源部门) is no other department that is registered and active.",
        "Name the department that produces the value.",
    ),
    CodeEntry(
        "correction-not-received",
        "The read log names no such record that came from this provider.",
        "Name a record that a query brought.",
    ),
    CodeEntry(
        "correction-text-missing",
        "The application behind a correction is not here yet, or is not the text that stands on chain.",
        "Wait for its notice (`xinlian document missing`), or ask the receiver to hand it over again.",
    ),
    CodeEntry(
        "correction-record",
        "The record is not the one that is disputed, or the source did not name its own.",
        "Name the record that was corrected.",
    ),
    CodeEntry(
        "correction-not-revised",
        "更正 is answered before the revision that is right was published.",
        "Publish it with `xinlian record revise`, then answer.",
    ),
    CodeEntry(
        "correction-unchanged", "No disputed value differs in the newest revision.", "Publish the right value, or answer 维持."
    ),
    CodeEntry("correction-seen", "Somebody of the department took note of the correction already.", "Nothing to do."),
    CodeEntry("overdue-recorded", "That the step is late stands on chain already.", "Nothing to do."),
    # -- webhooks (node/webhooks) -----------------------------------------------------------------------
    CodeEntry("webhook-unknown", "There is no such webhook.", "Look it up with `xinlian webhook list`."),
    CodeEntry(
        "webhook-url", "A webhook's address does not have the form allowed.", "Give an https address without user and fragment."
    ),
    CodeEntry(
        "webhook-host", "Webhooks may not go to this host.", "Have the operator add it to webhook_allowed_hosts, if it is meant."
    ),
    CodeEntry(
        "webhook-secret", "A webhook's secret is not whsec_ and base64 of 24 to 64 bytes.", "Make one with `xinlian webhook add`."
    ),
    CodeEntry("webhook-event", "There is no such event type.", "Choose from those listed (docs/webhooks.md)."),
    CodeEntry("webhook-delivery-unknown", "There is no such delivery.", "Look it up with `xinlian webhook deliveries`."),
    CodeEntry("webhook-delivery-state", "Only a parked delivery can be replayed.", "Wait: it is delivered or still tried."),
    CodeEntry(
        "webhook-address", "A webhook's name leads to an address that webhooks may not go to.", "Check the name's DNS entries."
    ),
    CodeEntry("webhook-unreachable", "A webhook's receiver cannot be reached.", "Check that it runs; it is tried again."),
    CodeEntry("webhook-timeout", "A webhook's receiver did not answer in time.", "It should answer first and work afterwards."),
    CodeEntry(
        "webhook-redirect", "A webhook's receiver redirects; redirects are not followed.", "Register the address it redirects to."
    ),
    CodeEntry(
        "webhook-refused", "A webhook's receiver answered with another status than 2xx.", "See its log; it is tried again."
    ),
    CodeEntry(
        "webhook-gone", "A webhook's receiver wants no more events (410).", "Remove the webhook, or replay when it is back."
    ),
    # -- late receipts (node/late_receipts.py) --
    CodeEntry("receipt-request-form", "A request for a receipt is not of its form.", "Send kind, id, number and leaf."),
    CodeEntry("leaf-unknown", "This department has no such leaf.", "Check record id, revision or item, and the leaf."),
    CodeEntry("mode-not-offered", "The dataset does not offer this mode of use.", "Grant a mode that its catalogue entry names."),
    # -- attachments (node/attachments) --
    CodeEntry("attachment-unknown", "This node has no such attachment, or it was destroyed.", "Check its id; upload it again."),
    CodeEntry(
        "attachment-state",
        "The attachment's state does not allow this: it is complete already, or not yet.",
        "Look at its state first.",
    ),
    CodeEntry(
        "attachment-offset",
        "A part of an upload does not begin where the node has got to.",
        "Ask for the offset (HEAD) and go on from there.",
    ),
    CodeEntry("attachment-length", "An upload's announced lengths contradict each other.", "Begin again with the right length."),
    CodeEntry("attachment-too-large", "The file is larger than an attachment may be.", "Split it or make it smaller."),
    CodeEntry("attachment-empty", "The file is empty.", "Upload a file with content."),
    CodeEntry("attachment-name", "The file's name is missing, too long, or holds a path or control characters.", "Rename it."),
    CodeEntry(
        "attachment-type",
        "The file's content is not of the media type that was announced, or that type is not accepted.",
        "Upload the file as what it is; the accepted types are in docs/datasets.md.",
    ),
    CodeEntry(
        "attachment-active",
        "The file is protected with a password, or holds macros, scripts or embedded programs.",
        "Save it without them.",
    ),
    CodeEntry("attachment-infected", "The malware scanner found something; the file was destroyed.", "Clean the source."),
    CodeEntry(
        "attachment-not-scanned",
        "The malware scanner did not look at the file, and this node publishes only what was scanned.",
        "Repair the scanner, then upload the file again.",
    ),
    CodeEntry(
        "attachment-damaged",
        "The content does not have the SHA-256 that was announced, so it was damaged on the way; nothing was kept.",
        "Send the file again.",
    ),
    CodeEntry("attachment-quota", "The user has too many unfinished uploads.", "Finish or delete some.", True),
    CodeEntry("attachment-used", "A record uses the attachment.", "Erase or revise the record; it goes with the last use."),
    CodeEntry("attachment-header", "A header of an upload does not have its form.", "Send it as docs/attachments.md says."),
    CodeEntry("attachment-interrupted", "Another call took this upload over.", "Ask for the offset and go on from there.", True),
    CodeEntry("range-form", "The Range header names no range of the file.", "Send one range, bytes=first-last."),
    CodeEntry("sealing-failed", "The sealing processes end unexpectedly.", "Check memory, repeat the call.", retryable=True),
    # -- scenarios: processes, decision tables, the run of a case -----------------------------------------
    CodeEntry(
        "xml-refused",
        "An XML file is not plain UTF-8 XML within the limits, or declares a document type or entities.",
        "Save it from the modeler again, without a document type.",
    ),
    CodeEntry(
        "bpmn-element",
        "A process uses an element or attribute outside the subset that runs; its id and name are given.",
        "Draw it with the elements that docs/scenarios/README.md lists.",
    ),
    CodeEntry(
        "bpmn-structure",
        "A process could hang, run for ever or skip something at the element named.",
        "Correct the flows there: docs/scenarios/README.md says what is checked.",
    ),
    CodeEntry(
        "dmn-form",
        "A decision uses something outside the subset that runs, or lacks a part, at the element named.",
        "Correct it there: docs/scenarios/README.md lists what may be used.",
    ),
    CodeEntry(
        "dmn-cell",
        "A cell of a decision table is not one of the forms that mean the same in FEEL and here.",
        "Write a value, a list of values, a comparison such as < 6, a range such as [1..3], or - for any.",
    ),
    CodeEntry(
        "expression-form",
        "A condition is not a comparison of named values of the right types, or is too long.",
        "Correct the condition: docs/scenarios/README.md shows the form.",
    ),
    CodeEntry("number-range", "A calculation leaves the whole numbers up to 2^53 - 1.", "Check the values for a wrong unit."),
    CodeEntry("scenario-file", "A file of a scenario folder has a mistake at the place named.", "Correct the file there."),
    CodeEntry("scenario-incomplete", "A file of a scenario folder is missing.", "Add the file named."),
    CodeEntry("parameter-missing", "A rule needs a parameter that parameters.json does not hold.", "Add it there."),
    CodeEntry(
        "parameter-without-basis",
        "A parameter names no document that it rests on (依据文号), which production requires.",
        "Enter the document's number, or run in demo mode.",
    ),
    CodeEntry("parameter-not-in-force", "A parameter is not in force on the day asked for.", "Enter the value of that day."),
    CodeEntry("decision-unknown", "The scenario has no decision of that id.", "Use one of the ids listed."),
    CodeEntry("rule-without-match", "No rule of the decision table fits the inputs.", "Add a rule, or check the inputs."),
    CodeEntry(
        "hit-policy-violated",
        "Several rules of a table with hit policy UNIQUE fit the inputs; they are named.",
        "Make the rules exclude each other.",
    ),
    CodeEntry(
        "decision-differs",
        "The recorded result of a rule task is not what its decision gives for the recorded inputs.",
        "Record the result that the decision gives.",
    ),
    CodeEntry("event-form", "An event of a case lacks a part or has one too many.", "Use the event as it was recorded."),
    CodeEntry("events-out-of-order", "An event is older than the one before it.", "Replay the events in the chain's order."),
    CodeEntry("case-not-started", "The first event of a case is not its start.", "Replay from the first event on."),
    CodeEntry("case-started-already", "A case that runs was to be started.", "Nothing is to be done."),
    CodeEntry("case-over", "The case has ended or was withdrawn.", "Nothing can be done in it any more."),
    CodeEntry("task-not-waiting", "The task named does not wait now.", "Look which tasks wait; decide those."),
    CodeEntry("task-paused", "The task is in a special procedure, or in one already.", "End the special procedure first."),
    CodeEntry("task-not-paused", "The task is in no special procedure.", "Nothing is to be ended."),
    CodeEntry("pause-not-allowed", "The step table does not allow this kind of pause there.", "Use a kind that it names."),
    CodeEntry("timer-not-armed", "The timer named does not run now.", "Nothing is to be done."),
    CodeEntry("timer-not-due", "The timer has no due time yet, or it is later.", "Wait until it is due."),
    CodeEntry("withdrawal-too-late", "A step was done after which the application cannot be withdrawn.", "See its remedies."),
    CodeEntry(
        "token-doubled",
        "The process reaches an element again while it still waits there.",
        "Correct the process: a path must not be entered twice at once.",
    ),
)

CATALOGUE: dict[str, CodeEntry] = {entry.code: entry for entry in _ENTRIES}
