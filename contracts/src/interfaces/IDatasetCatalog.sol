// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Catalogue entries: (owner, serial, version) -> schema hash, sharing property, masks, purposes, state
/// @notice The owner proposes an entry, the authority publishes it or sends it back for change, and retires it. Versions
///         of one serial follow each other without a gap and live side by side. Catalogue code = "<USCC>/<serial as 6
///         digits>".
///
///           PROPOSED (待审核) --publish--> PUBLISHED (已发布) --retire--> RETIRED (已停用)
///           PROPOSED --return for change--> RETURNED (退回修改) --propose--> PROPOSED
///
///         变更中 is derived: a published version whose successor is PROPOSED or RETURNED.
///         Clocks (Decree 809 art. 17): the authority reviews within 2 working days of the proposal; an entry is updated
///         within 10 working days of a change of law or duty, 5 more with the authority's consent. Start times are
///         stored, deadlines computed from the calendar (reviewDeadlineOf, updateDeadlineOf); only the calls that record
///         lateness ask the calendar, so a year that is not loaded stops nothing else.
///         `document` is the salted digest of the text that belongs to a step (opinion, reasons), never zero.
interface IDatasetCatalog {
    enum State {
        NONE,
        PROPOSED,
        RETURNED,
        PUBLISHED,
        RETIRED
    }

    /// @param serial 1..999,999
    /// @param version 1, or one more than an existing version
    /// @param schemaHash SHA-256 of the schema file, not zero
    /// @param shareType 1 unconditional, 2 conditional, 3 not shared (never granted)
    /// @param fieldCount 1..256 fields of the schema
    /// @param viewCount number of derived views, 0..255
    /// @param personal holds personal information
    /// @param authorisationRequired nobody uses it without the data subject's authorisation
    /// @param verifiableMask bit i = field i may be verified; only bits below `fieldCount`
    /// @param sensitiveMask bit i = field i is sensitive personal information (敏感个人信息); only bits below
    ///        `fieldCount`, none when not personal
    /// @param secrecyAssessment digest of the secrecy risk assessment (保密风险评估), not zero
    /// @param impactAssessment digest of the personal information protection impact assessment; zero if and only if not
    ///        personal
    /// @param headConsent digest of the consent of the department's head (Decree 809 art. 13), not zero
    /// @param noShareBasis digest of reason and legal basis for not sharing; zero if and only if `shareType` is not 3
    /// @param purposes 0..16 purposes a grant may name: ASCII, zero padded at the right, different, not zero
    struct Proposal {
        uint32 serial;
        uint16 version;
        bytes32 schemaHash;
        uint8 shareType;
        uint16 fieldCount;
        uint8 viewCount;
        bool personal;
        bool authorisationRequired;
        uint256 verifiableMask;
        uint256 sensitiveMask;
        bytes32 secrecyAssessment;
        bytes32 impactAssessment;
        bytes32 headConsent;
        bytes32 noShareBasis;
        bytes32[] purposes;
    }

    /// @param round how often this version was proposed, from 1
    /// @param reviewOverdue recorded as overdue in this round
    /// @param proposedAt epoch seconds of this round's proposal, start of the review clock
    /// @param publishedBlock 0 = not yet
    /// @param retiredBlock 0 = not yet
    struct Entry {
        State state;
        uint8 shareType;
        uint16 fieldCount;
        uint8 viewCount;
        bool personal;
        bool authorisationRequired;
        bool reviewOverdue;
        uint16 round;
        uint40 proposedAt;
        uint64 publishedBlock;
        uint64 retiredBlock;
        bytes32 schemaHash;
        uint256 verifiableMask;
        uint256 sensitiveMask;
    }

    /// @param publishedVersions how many versions are PUBLISHED
    /// @param updateOpenedAt epoch seconds, start of the update clock; 0 = none runs
    /// @param updateExtended by 5 working days, once
    /// @param updateOverdue recorded as overdue
    struct Serial {
        uint16 publishedVersions;
        uint40 updateOpenedAt;
        bool updateExtended;
        bool updateOverdue;
    }

    /// @param round from 1; more than 1 when the version was sent back before
    event DatasetProposed(
        bytes18 indexed owner, uint32 indexed serial, uint16 indexed version, uint16 round, Proposal proposal
    );
    event DatasetReturned(
        bytes18 indexed owner, uint32 indexed serial, uint16 indexed version, bytes32 document
    );
    event DatasetPublished(
        bytes18 indexed owner, uint32 indexed serial, uint16 indexed version, bytes32 document
    );
    event DatasetRetired(bytes18 indexed owner, uint32 indexed serial, uint16 indexed version, bytes32 document);
    /// @param deadline first second that is late
    /// @param recordedBy department of the signer who recorded it
    event DatasetReviewOverdue(
        bytes18 indexed owner, uint32 indexed serial, uint16 indexed version, uint40 deadline, bytes18 recordedBy
    );
    /// @param byAuthority the authority opened it, not the owner
    event DatasetUpdateOpened(bytes18 indexed owner, uint32 indexed serial, bool byAuthority, bytes32 document);
    event DatasetUpdateExtended(bytes18 indexed owner, uint32 indexed serial, bytes32 document);
    /// @param deadline first second that is late
    /// @param recordedBy department of the signer who recorded it
    event DatasetUpdateOverdue(bytes18 indexed owner, uint32 indexed serial, uint40 deadline, bytes18 recordedBy);

    /// @notice Only the authority of the registry may call this.
    error DatasetCatalogNotAuthority(address caller, address authority);
    /// @notice A suspended department proposes nothing and opens no update.
    error DatasetCatalogDepartmentSuspended(bytes18 department);
    /// @notice Only a department owns datasets, not an other receiver.
    error DatasetCatalogOwnerNotDepartment(bytes18 owner);
    /// @notice Serials run from 1 to `limit`.
    error DatasetCatalogSerialOutOfRange(uint32 serial, uint32 limit);
    /// @notice Versions run from 1.
    error DatasetCatalogVersionZero(uint32 serial);
    /// @notice Versions follow each other; `missing` does not exist.
    error DatasetCatalogVersionGap(uint32 serial, uint16 version, uint16 missing);
    /// @notice The version exists, in state `state`.
    error DatasetCatalogVersionTaken(uint32 serial, uint16 version, State state);
    /// @notice The schema hash is zero.
    error DatasetCatalogSchemaHashZero(uint32 serial, uint16 version);
    /// @notice Sharing types run from 1 to `limit`.
    error DatasetCatalogShareTypeOutOfRange(uint8 shareType, uint8 limit);
    /// @notice A schema has 1 to `limit` fields.
    error DatasetCatalogFieldCountOutOfRange(uint16 fieldCount, uint16 limit);
    /// @notice The mask has bits outside `allowed`.
    error DatasetCatalogMaskOutOfRange(uint256 mask, uint256 allowed);
    /// @notice At most `limit` purposes.
    error DatasetCatalogTooManyPurposes(uint256 count, uint256 limit);
    /// @notice The purpose at `index` is zero or named twice.
    error DatasetCatalogPurposeRepeated(bytes32 purpose, uint256 index);
    /// @notice The entry is in state `state`, the call needs `expected`.
    error DatasetCatalogStateUnexpected(State state, State expected);
    /// @notice No entry without a secrecy risk assessment.
    error DatasetCatalogSecrecyAssessmentMissing(uint32 serial, uint16 version);
    /// @notice No entry with personal information without an impact assessment.
    error DatasetCatalogImpactAssessmentMissing(uint32 serial, uint16 version);
    /// @notice An impact assessment belongs to personal information, which this entry says it does not hold.
    error DatasetCatalogImpactAssessmentUnexpected(uint32 serial, uint16 version);
    /// @notice No entry without the consent of the department's head.
    error DatasetCatalogHeadConsentMissing(uint32 serial, uint16 version);
    /// @notice Whoever does not share names the reason and the law (Decree 809 art. 15).
    error DatasetCatalogNoShareBasisMissing(uint32 serial, uint16 version);
    /// @notice A basis for not sharing belongs to share type 3.
    error DatasetCatalogNoShareBasisUnexpected(uint32 serial, uint16 version, uint8 shareType);
    /// @notice Sensitive personal information is personal information, which this entry says it does not hold.
    error DatasetCatalogSensitiveNotPersonal(uint256 sensitiveMask);
    /// @notice Every step has its document.
    error DatasetCatalogDocumentMissing(bytes18 owner, uint32 serial);
    /// @notice Only the authority and the owner open an update; the caller acts for `department`.
    error DatasetCatalogNotOwner(bytes18 department, bytes18 owner);
    /// @notice Nothing of this serial is PUBLISHED, so there is nothing to update.
    error DatasetCatalogNothingPublished(bytes18 owner, uint32 serial);
    /// @notice The update clock runs since `openedAt`.
    error DatasetCatalogUpdateOpen(bytes18 owner, uint32 serial, uint40 openedAt);
    /// @notice No update clock runs.
    error DatasetCatalogUpdateNotOpen(bytes18 owner, uint32 serial);
    /// @notice The update's time was extended before.
    error DatasetCatalogUpdateAlreadyExtended(bytes18 owner, uint32 serial);
    /// @notice It is late from `deadline` on, now is `time`.
    error DatasetCatalogNotOverdue(uint40 deadline, uint40 time);
    /// @notice That it is late is recorded already; an update that is late cannot be extended.
    error DatasetCatalogOverdueRecorded(bytes18 owner, uint32 serial);

    /// @notice Propose a catalogue entry of the caller's department, or propose a RETURNED one again. Caller: LAW, not
    ///         suspended. Ends the serial's update clock.
    function propose(Proposal calldata proposal) external;
    /// @notice Send a proposed entry back for change. Caller: authority.
    function returnForChange(bytes18 owner, uint32 serial, uint16 version, bytes32 document) external;
    /// @notice Publish a proposed entry. Caller: authority.
    function publish(bytes18 owner, uint32 serial, uint16 version, bytes32 document) external;
    /// @notice Retire a published entry, for ever. Caller: authority. Ends the serial's update clock when no published
    ///         version is left.
    function retire(bytes18 owner, uint32 serial, uint16 version, bytes32 document) external;
    /// @notice Record, once a round, that the review of a proposed entry is late. Caller: any registered signer, whatever
    ///         its role and whether or not its department is suspended.
    function recordReviewOverdue(bytes18 owner, uint32 serial, uint16 version) external;

    /// @notice Law or duty changed: start the update clock of a serial with a published version. Caller: authority, or
    ///         LAW of the owner, not suspended.
    function openUpdate(bytes18 owner, uint32 serial, bytes32 document) external;
    /// @notice Give an update 5 working days more, once. Caller: authority.
    function extendUpdate(bytes18 owner, uint32 serial, bytes32 document) external;
    /// @notice Record, once an update, that it is late. Caller: as for recordReviewOverdue.
    function recordUpdateOverdue(bytes18 owner, uint32 serial) external;

    /// @notice State of an entry; all zero when nobody proposed it.
    function entryOf(bytes18 owner, uint32 serial, uint16 version) external view returns (Entry memory);
    /// @notice What a sharing request may ask of an entry; all zero when nobody proposed it.
    function sharingOf(bytes18 owner, uint32 serial, uint16 version)
        external
        view
        returns (State state, uint8 shareType, uint16 fieldCount, uint8 viewCount, uint256 verifiableMask);
    /// @notice True when the entry was published and not retired at the end of block `blockNumber`.
    function isPublishedAt(bytes18 owner, uint32 serial, uint16 version, uint64 blockNumber)
        external
        view
        returns (bool);
    /// @notice True when the entry names `purpose` or is shared unconditionally (no further condition may be added, Decree 809
    /// art. 14), whatever its state.
    function allowsPurpose(bytes18 owner, uint32 serial, uint16 version, bytes32 purpose) external view returns (bool);
    /// @notice Published versions and update clock of a serial.
    function serialOf(bytes18 owner, uint32 serial) external view returns (Serial memory);
    /// @notice First second that is late for the review of an entry; 0 when it is not PROPOSED.
    function reviewDeadlineOf(bytes18 owner, uint32 serial, uint16 version) external view returns (uint40);
    /// @notice First second that is late for the update of a serial; 0 when no update clock runs.
    function updateDeadlineOf(bytes18 owner, uint32 serial) external view returns (uint40);
    /// @notice Accumulator over all events of all versions of one serial.
    function accumulatorOf(bytes18 owner, uint32 serial) external view returns (bytes32);
    /// @notice Accumulator over the first DatasetProposed of every serial of `owner`.
    function ownerAccumulatorOf(bytes18 owner) external view returns (bytes32);
}
