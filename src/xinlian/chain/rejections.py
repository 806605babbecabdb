"""What a contract's rejection means for the caller: the same stable code as when the node or the library refuses first.

Rules
1. One line a custom error; errors that no honest call can meet are not listed and stay ``tx-reverted``.
2. The contract's own words stay in the answer (``fields["error"]``, ``fields["args"]``).

Source: contracts/src/interfaces; issue "Bad input".
"""

from __future__ import annotations

from typing import Final

from xinlian.protocol.errors import ChainError, ConflictError, InputError, XinlianError

_INPUT: Final = {
    "AuthorisationRegistryExpiryPast": "authorisation-expired",
    "SharingRegistryLegalBasisMissing": "legal-basis-missing",
    "SharingRegistryMaskOutOfRange": "item-unknown",
    "SharingRegistryMasksEmpty": "terms-empty",
    "SharingRegistryPurposeNotAllowed": "purpose-not-catalogued",
    "SharingRegistryScenarioCountOutOfRange": "scenario-missing",
    "SharingRegistryScenarioNotAllowed": "terms-widened",
    "SharingRegistryTermEmpty": "term-reversed",
    "SharingRegistryTermPast": "term-past",
    "SharingRegistryTermWidened": "terms-widened",
    "SharingRegistryUsesOutOfRange": "terms-widened",
    "SharingRegistryStandingAdded": "terms-widened",
    "SharingRegistryExtensionOutOfRange": "extension-range",
    "SharingRegistryGroundsOutOfRange": "grounds-missing",
    "SharingRegistryRectificationOutOfRange": "rectification-range",
    "CorrectionRegistryNumberOutOfRange": "correction-number",
    "CorrectionRegistryTargetMissing": "correction-target",
    "CorrectionRegistryEvidenceMissing": "evidence-missing",
    "CorrectionRegistryDocumentMissing": "correction-document",
    "CorrectionRegistryOutcomeUnexpected": "correction-outcome",
    "CorrectionRegistrySourceIsProvider": "correction-source",
    "CorrectionRegistrySourceNotActive": "correction-source",
    "WorkCalendarDayOutOfRange": "calendar-range",
    "WorkCalendarIntervalReversed": "dates-reversed",
    "WorkCalendarOutageTooLong": "calendar-outage-length",
    "WorkCalendarTermOutOfRange": "calendar-term",
    "WorkCalendarTimesReversed": "dates-reversed",
    "WorkCalendarTooManyPauses": "calendar-pauses",
}
_CONFLICT: Final = {
    "AuthorisationRegistryAlreadyWithdrawn": "authorisation-withdrawn",
    "AuthorisationRegistryDepartmentSuspended": "department-suspended",
    "AuthorisationRegistryIdTaken": "authorisation-exists",
    "AuthorisationRegistrySecretForged": "authorisation-forged",
    "AuthorisationRegistryUnknown": "authorisation-unknown",
    "SharingRegistryStateUnexpected": "request-state",
    "SharingRegistryNotProvider": "request-party",
    "SharingRegistryNotAuthority": "request-party",
    "SharingRegistryNumberTaken": "request-exists",
    "SharingRegistryDatasetNotPublished": "dataset-not-published",
    "SharingRegistryDatasetNotShared": "dataset-not-shared",
    "SharingRegistryRequesterIsProvider": "request-own-data",
    "SharingRegistryTermsMismatch": "terms-changed",
    "SharingRegistrySupplementRepeated": "supplement-repeated",
    "SharingRegistryUnconditional": "request-unconditional",
    "SharingRegistryExtensionRepeated": "extension-repeated",
    "SharingRegistryExtensionWithoutConsent": "extension-without-consent",
    "SharingRegistryExtensionTooLate": "extension-too-late",
    "SharingRegistryScopeNotReviewed": "scope-not-reviewed",
    "SharingRegistryScopeFlag": "scope-flag",
    "SharingRegistryCoverUnexpected": "third-party-cover",
    "SharingRegistryDisputeSettled": "dispute-settled",
    "SharingRegistryNoClock": "clock-none",
    "SharingRegistryNotOverdue": "not-overdue",
    "SharingRegistryTermRunning": "not-overdue",
    "SharingRegistrySuspendedByAuthority": "suspended-by-authority",
    "SharingRegistryChangeKind": "change-kind",
    "SharingRegistryDisposalUnexpected": "disposal-unexpected",
    "SharingRegistryDepartmentSuspended": "department-suspended",
    "CorrectionRegistryDepartmentSuspended": "department-suspended",
    "CorrectionRegistryNumberTaken": "correction-exists",
    "CorrectionRegistryNotReceiver": "correction-party",
    "CorrectionRegistryNotAddressee": "correction-party",
    "CorrectionRegistryDatasetMismatch": "correction-dataset",
    "CorrectionRegistryStateUnexpected": "correction-state",
    "CorrectionRegistryNotOverdue": "not-overdue",
    "CorrectionRegistryOverdueRecorded": "overdue-recorded",
    "DatasetCatalogStateUnexpected": "dataset-state",
    "DatasetCatalogNothingPublished": "dataset-not-published",
    "DatasetCatalogOverdueRecorded": "clock-none",
    "DatasetCatalogNotOverdue": "not-overdue",
    "DatasetCatalogUpdateOpen": "update-open",
    "DatasetCatalogUpdateNotOpen": "update-none",
    "DatasetCatalogUpdateAlreadyExtended": "extension-repeated",
    "WorkCalendarYearNotLoaded": "calendar-year-missing",
    "WorkCalendarDayFrozen": "calendar-day-frozen",
    "DepartmentRegistryRecoveryTooEarly": "recovery-too-early",
    "DepartmentRegistryRecoveryUnknown": "recovery-unknown",
}
CODES: Final = {**_INPUT, **_CONFLICT}
"""Custom error to code."""


def explained(error: ChainError) -> XinlianError:
    """The rejection under its own code, or the error as it is."""
    name = str(error.fields.get("error", ""))
    if error.code != "tx-reverted" or name not in CODES:
        return error
    family = InputError if name in _INPUT else ConflictError
    args = error.fields.get("args", {})
    year = {"year": args["year"]} if isinstance(args, dict) and "year" in args else {}
    return family(CODES[name], error.message, error=name, args=args, **year)
