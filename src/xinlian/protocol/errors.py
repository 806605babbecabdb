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
    CodeEntry("field-unknown", "A field is not part of the dataset's schema.", "Remove it or correct its name."),
    CodeEntry("code-check-digit", "A code has the right form but its check digit is wrong.", "Correct the code."),
    CodeEntry("code-form", "A code does not have the form its standard prescribes.", "Correct the code."),
    CodeEntry("too-large", "The input is larger than the limit named.", "Split it or raise the limit in the settings."),
    # -- sections below are grown by the module that raises them ------------------------------------
)

CATALOGUE: dict[str, CodeEntry] = {entry.code: entry for entry in _ENTRIES}
