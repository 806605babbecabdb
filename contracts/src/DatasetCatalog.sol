// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDatasetCatalog} from "./interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {IWorkCalendar} from "./interfaces/IWorkCalendar.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {Keys} from "./libraries/Keys.sol";
import {Masks} from "./libraries/Masks.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title Catalogue entries
contract DatasetCatalog is IDatasetCatalog {
    uint32 private constant MAX_SERIAL = 999_999;
    uint8 private constant SHARE_TYPES = 3;
    /// @dev Sharing property 1: shared without condition.
    uint8 private constant UNCONDITIONAL = 1;
    /// @dev Sharing property 3: not shared.
    uint8 private constant NOT_SHARED = 3;
    uint16 private constant MAX_FIELDS = 256;
    uint256 private constant MAX_PURPOSES = 16;
    /// @dev Decree 809 art. 17: review within 2 working days, update within 10, 5 more with the authority's consent.
    uint16 private constant REVIEW_WD = 2;
    uint16 private constant UPDATE_WD = 10;
    uint16 private constant UPDATE_EXTENSION_WD = 5;

    IDepartmentRegistry public immutable registry;
    IWorkCalendar public immutable calendar;

    /// @dev slot 0: Keys.entry -> entry, four slots, the first filled from the right in the order of the struct:
    ///      bit 255   248 247          184 183            120 119      80 79   64 63     56 55       48 47    40
    ///      | unused (8) | retiredBlock  | publishedBlock   | proposedAt | round | overdue | authoris. | personal |
    ///      bit 39    32 31      16 15      8 7     0
    ///      | views     | fields   | share    | state |
    ///      | schemaHash |
    ///      | verifiableMask |
    ///      | sensitiveMask |
    mapping(bytes32 key => Entry) private _entries;
    /// @dev slot 1: Keys.entry with the round of the proposal in its last two bytes -> purpose -> named by the entry
    mapping(bytes32 key => mapping(bytes32 purpose => bool)) private _purposes;
    /// @dev slot 2: Keys.entry with version 0 -> accumulator of the serial
    mapping(bytes32 key => bytes32) private _accumulators;
    /// @dev slot 3
    mapping(bytes18 owner => bytes32) private _ownerAccumulators;
    /// @dev slot 4: Keys.entry with version 0 -> serial, one slot:
    ///      bit 255      72 71       64 63       56 55            16 15                0
    ///      | unused (184) | overdue   | extended  | updateOpenedAt | publishedVersions |
    mapping(bytes32 key => Serial) private _serials;

    modifier onlyAuthority() {
        address authority = registry.authority();
        if (msg.sender != authority) revert DatasetCatalogNotAuthority(msg.sender, authority);
        _;
    }

    constructor(IDepartmentRegistry registry_, IWorkCalendar calendar_) {
        registry = registry_;
        calendar = calendar_;
    }

    // ---- entries -----------------------------------------------------------------------------------------------------

    /// @inheritdoc IDatasetCatalog
    function propose(Proposal calldata proposal) external {
        bytes18 owner = _proposer();
        Entry storage entry = _entries[Keys.entry(owner, proposal.serial, proposal.version)];
        _requireProposable(owner, proposal.serial, proposal.version, entry.state);
        _requireWellFormed(proposal);
        _requireAssessed(proposal);

        _store(entry, proposal);
        _namePurposes(_purposeKey(owner, proposal.serial, proposal.version, entry.round), proposal.purposes);
        _endUpdate(_serials[Keys.entry(owner, proposal.serial, 0)]);
        _recordProposal(owner, proposal, entry.round);
    }

    /// @inheritdoc IDatasetCatalog
    function returnForChange(bytes18 owner, uint32 serial, uint16 version, bytes32 document) external onlyAuthority {
        _advance(owner, serial, version, State.PROPOSED, State.RETURNED);
        _requireDocument(owner, serial, document);
        _fold(owner, serial, DatasetReturned.selector, abi.encode(owner, serial, version, document));
        emit DatasetReturned(owner, serial, version, document);
    }

    /// @inheritdoc IDatasetCatalog
    function publish(bytes18 owner, uint32 serial, uint16 version, bytes32 document) external onlyAuthority {
        Entry storage entry = _advance(owner, serial, version, State.PROPOSED, State.PUBLISHED);
        _requireDocument(owner, serial, document);
        entry.publishedBlock = uint64(block.number);
        _serials[Keys.entry(owner, serial, 0)].publishedVersions += 1;
        _fold(owner, serial, DatasetPublished.selector, abi.encode(owner, serial, version, document));
        emit DatasetPublished(owner, serial, version, document);
    }

    /// @inheritdoc IDatasetCatalog
    function retire(bytes18 owner, uint32 serial, uint16 version, bytes32 document) external onlyAuthority {
        Entry storage entry = _advance(owner, serial, version, State.PUBLISHED, State.RETIRED);
        _requireDocument(owner, serial, document);
        entry.retiredBlock = uint64(block.number);
        Serial storage whole = _serials[Keys.entry(owner, serial, 0)];
        whole.publishedVersions -= 1;
        if (whole.publishedVersions == 0) _endUpdate(whole);
        _fold(owner, serial, DatasetRetired.selector, abi.encode(owner, serial, version, document));
        emit DatasetRetired(owner, serial, version, document);
    }

    /// @inheritdoc IDatasetCatalog
    function recordReviewOverdue(bytes18 owner, uint32 serial, uint16 version) external {
        (bytes18 recordedBy,) = registry.requireRole(msg.sender, Roles.ANY);
        Entry storage entry = _entries[Keys.entry(owner, serial, version)];
        if (entry.state != State.PROPOSED) revert DatasetCatalogStateUnexpected(entry.state, State.PROPOSED);
        if (entry.reviewOverdue) revert DatasetCatalogOverdueRecorded(owner, serial);
        uint40 deadline = calendar.deadlineAfter(entry.proposedAt, REVIEW_WD);
        _requireLate(deadline);
        entry.reviewOverdue = true;
        bytes memory body = abi.encode(owner, serial, version, deadline, recordedBy);
        _fold(owner, serial, DatasetReviewOverdue.selector, body);
        emit DatasetReviewOverdue(owner, serial, version, deadline, recordedBy);
    }

    // ---- updates -----------------------------------------------------------------------------------------------------

    /// @inheritdoc IDatasetCatalog
    function openUpdate(bytes18 owner, uint32 serial, bytes32 document) external {
        bool byAuthority = msg.sender == registry.authority();
        if (!byAuthority) _requireOwner(owner);
        Serial storage whole = _serials[Keys.entry(owner, serial, 0)];
        if (whole.publishedVersions == 0) revert DatasetCatalogNothingPublished(owner, serial);
        if (whole.updateOpenedAt != 0) revert DatasetCatalogUpdateOpen(owner, serial, whole.updateOpenedAt);
        _requireDocument(owner, serial, document);
        whole.updateOpenedAt = uint40(block.timestamp);
        _fold(owner, serial, DatasetUpdateOpened.selector, abi.encode(owner, serial, byAuthority, document));
        emit DatasetUpdateOpened(owner, serial, byAuthority, document);
    }

    /// @inheritdoc IDatasetCatalog
    function extendUpdate(bytes18 owner, uint32 serial, bytes32 document) external onlyAuthority {
        Serial storage whole = _openUpdateOf(owner, serial);
        if (whole.updateExtended) revert DatasetCatalogUpdateAlreadyExtended(owner, serial);
        _requireDocument(owner, serial, document);
        whole.updateExtended = true;
        _fold(owner, serial, DatasetUpdateExtended.selector, abi.encode(owner, serial, document));
        emit DatasetUpdateExtended(owner, serial, document);
    }

    /// @inheritdoc IDatasetCatalog
    function recordUpdateOverdue(bytes18 owner, uint32 serial) external {
        (bytes18 recordedBy,) = registry.requireRole(msg.sender, Roles.ANY);
        Serial storage whole = _openUpdateOf(owner, serial);
        uint40 deadline = _updateDeadline(whole);
        _requireLate(deadline);
        whole.updateOverdue = true;
        _fold(owner, serial, DatasetUpdateOverdue.selector, abi.encode(owner, serial, deadline, recordedBy));
        emit DatasetUpdateOverdue(owner, serial, deadline, recordedBy);
    }

    // ---- questions ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IDatasetCatalog
    function entryOf(bytes18 owner, uint32 serial, uint16 version) external view returns (Entry memory) {
        return _entries[Keys.entry(owner, serial, version)];
    }

    /// @inheritdoc IDatasetCatalog
    function sharingOf(bytes18 owner, uint32 serial, uint16 version)
        external
        view
        returns (State, uint8, uint16, uint8, uint256)
    {
        Entry storage entry = _entries[Keys.entry(owner, serial, version)];
        return (entry.state, entry.shareType, entry.fieldCount, entry.viewCount, entry.verifiableMask);
    }

    /// @inheritdoc IDatasetCatalog
    function isPublishedAt(bytes18 owner, uint32 serial, uint16 version, uint64 blockNumber)
        external
        view
        returns (bool)
    {
        Entry storage entry = _entries[Keys.entry(owner, serial, version)];
        bool begun = entry.publishedBlock != 0 && entry.publishedBlock <= blockNumber;
        bool ended = entry.retiredBlock != 0 && entry.retiredBlock <= blockNumber;
        return begun && !ended;
    }

    /// @inheritdoc IDatasetCatalog
    function allowsPurpose(bytes18 owner, uint32 serial, uint16 version, bytes32 purpose) external view returns (bool) {
        Entry storage entry = _entries[Keys.entry(owner, serial, version)];
        if (entry.shareType == UNCONDITIONAL) return true;
        return _purposes[_purposeKey(owner, serial, version, entry.round)][purpose];
    }

    /// @inheritdoc IDatasetCatalog
    function serialOf(bytes18 owner, uint32 serial) external view returns (Serial memory) {
        return _serials[Keys.entry(owner, serial, 0)];
    }

    /// @inheritdoc IDatasetCatalog
    function reviewDeadlineOf(bytes18 owner, uint32 serial, uint16 version) external view returns (uint40) {
        Entry storage entry = _entries[Keys.entry(owner, serial, version)];
        return entry.state == State.PROPOSED ? calendar.deadlineAfter(entry.proposedAt, REVIEW_WD) : 0;
    }

    /// @inheritdoc IDatasetCatalog
    function updateDeadlineOf(bytes18 owner, uint32 serial) external view returns (uint40) {
        Serial storage whole = _serials[Keys.entry(owner, serial, 0)];
        return whole.updateOpenedAt == 0 ? 0 : _updateDeadline(whole);
    }

    /// @inheritdoc IDatasetCatalog
    function accumulatorOf(bytes18 owner, uint32 serial) external view returns (bytes32) {
        return _accumulators[Keys.entry(owner, serial, 0)];
    }

    /// @inheritdoc IDatasetCatalog
    function ownerAccumulatorOf(bytes18 owner) external view returns (bytes32) {
        return _ownerAccumulators[owner];
    }

    // ---- inside ------------------------------------------------------------------------------------------------------

    function _advance(bytes18 owner, uint32 serial, uint16 version, State from, State to)
        private
        returns (Entry storage entry)
    {
        entry = _entries[Keys.entry(owner, serial, version)];
        if (entry.state != from) revert DatasetCatalogStateUnexpected(entry.state, from);
        entry.state = to;
    }

    function _store(Entry storage entry, Proposal calldata p) private {
        entry.state = State.PROPOSED;
        entry.shareType = p.shareType;
        entry.fieldCount = p.fieldCount;
        entry.viewCount = p.viewCount;
        entry.personal = p.personal;
        entry.authorisationRequired = p.authorisationRequired;
        entry.reviewOverdue = false;
        entry.round += 1;
        entry.proposedAt = uint40(block.timestamp);
        entry.schemaHash = p.schemaHash;
        entry.verifiableMask = p.verifiableMask;
        entry.sensitiveMask = p.sensitiveMask;
    }

    function _namePurposes(bytes32 key, bytes32[] calldata purposes) private {
        for (uint256 i = 0; i < purposes.length; ++i) {
            bytes32 purpose = purposes[i];
            if (purpose == 0 || _purposes[key][purpose]) revert DatasetCatalogPurposeRepeated(purpose, i);
            _purposes[key][purpose] = true;
        }
    }

    function _endUpdate(Serial storage whole) private {
        if (whole.updateOpenedAt == 0) return;
        (whole.updateOpenedAt, whole.updateExtended, whole.updateOverdue) = (0, false, false);
    }

    function _recordProposal(bytes18 owner, Proposal calldata p, uint16 round) private {
        bytes memory body = abi.encode(owner, p.serial, p.version, round, p);
        _fold(owner, p.serial, DatasetProposed.selector, body);
        if (p.version == 1 && round == 1) {
            _ownerAccumulators[owner] = Accumulator.fold(_ownerAccumulators[owner], DatasetProposed.selector, body);
        }
        emit DatasetProposed(owner, p.serial, p.version, round, p);
    }

    function _fold(bytes18 owner, uint32 serial, bytes32 topic, bytes memory body) private {
        bytes32 key = Keys.entry(owner, serial, 0);
        _accumulators[key] = Accumulator.fold(_accumulators[key], topic, body);
    }

    /// @return owner department of the caller, who must be its LAW signer
    function _proposer() private view returns (bytes18 owner) {
        bool active;
        (owner, active) = registry.requireRole(msg.sender, Roles.LAW);
        if (!active) revert DatasetCatalogDepartmentSuspended(owner);
        if (registry.departmentOf(owner).kind != IDepartmentRegistry.Kind.DEPARTMENT) {
            revert DatasetCatalogOwnerNotDepartment(owner);
        }
    }

    /// @dev The caller must be the owner's LAW signer.
    function _requireOwner(bytes18 owner) private view {
        (bytes18 department, bool active) = registry.requireRole(msg.sender, Roles.LAW);
        if (department != owner) revert DatasetCatalogNotOwner(department, owner);
        if (!active) revert DatasetCatalogDepartmentSuspended(owner);
    }

    /// @return whole serial whose update clock runs and is not recorded as overdue
    function _openUpdateOf(bytes18 owner, uint32 serial) private view returns (Serial storage whole) {
        whole = _serials[Keys.entry(owner, serial, 0)];
        if (whole.updateOpenedAt == 0) revert DatasetCatalogUpdateNotOpen(owner, serial);
        if (whole.updateOverdue) revert DatasetCatalogOverdueRecorded(owner, serial);
    }

    function _updateDeadline(Serial storage whole) private view returns (uint40) {
        return calendar.deadlineAfter(
            whole.updateOpenedAt, whole.updateExtended ? UPDATE_WD + UPDATE_EXTENSION_WD : UPDATE_WD
        );
    }

    function _requireLate(uint40 deadline) private view {
        if (block.timestamp < deadline) revert DatasetCatalogNotOverdue(deadline, uint40(block.timestamp));
    }

    function _requireProposable(bytes18 owner, uint32 serial, uint16 version, State state) private view {
        if (serial == 0 || serial > MAX_SERIAL) revert DatasetCatalogSerialOutOfRange(serial, MAX_SERIAL);
        if (version == 0) revert DatasetCatalogVersionZero(serial);
        if (state == State.RETURNED) return;
        if (state != State.NONE) revert DatasetCatalogVersionTaken(serial, version, state);
        if (version != 1 && _entries[Keys.entry(owner, serial, version - 1)].state == State.NONE) {
            revert DatasetCatalogVersionGap(serial, version, version - 1);
        }
    }

    function _requireWellFormed(Proposal calldata p) private pure {
        if (p.schemaHash == 0) revert DatasetCatalogSchemaHashZero(p.serial, p.version);
        if (p.shareType == 0 || p.shareType > SHARE_TYPES) {
            revert DatasetCatalogShareTypeOutOfRange(p.shareType, SHARE_TYPES);
        }
        if (p.fieldCount == 0 || p.fieldCount > MAX_FIELDS) {
            revert DatasetCatalogFieldCountOutOfRange(p.fieldCount, MAX_FIELDS);
        }
        uint256 allowed = Masks.first(p.fieldCount);
        _requireMask(p.verifiableMask, allowed);
        _requireMask(p.sensitiveMask, allowed);
        if (p.sensitiveMask != 0 && !p.personal) revert DatasetCatalogSensitiveNotPersonal(p.sensitiveMask);
        if (p.purposes.length > MAX_PURPOSES) {
            revert DatasetCatalogTooManyPurposes(p.purposes.length, MAX_PURPOSES);
        }
    }

    /// @dev What the law wants before an entry is listed (Decree 809 art. 13, 15; PIPL art. 55).
    function _requireAssessed(Proposal calldata p) private pure {
        if (p.secrecyAssessment == 0) revert DatasetCatalogSecrecyAssessmentMissing(p.serial, p.version);
        if (p.headConsent == 0) revert DatasetCatalogHeadConsentMissing(p.serial, p.version);
        if (p.personal && p.impactAssessment == 0) {
            revert DatasetCatalogImpactAssessmentMissing(p.serial, p.version);
        }
        if (!p.personal && p.impactAssessment != 0) {
            revert DatasetCatalogImpactAssessmentUnexpected(p.serial, p.version);
        }
        if (p.shareType == NOT_SHARED && p.noShareBasis == 0) {
            revert DatasetCatalogNoShareBasisMissing(p.serial, p.version);
        }
        if (p.shareType != NOT_SHARED && p.noShareBasis != 0) {
            revert DatasetCatalogNoShareBasisUnexpected(p.serial, p.version, p.shareType);
        }
    }

    function _requireMask(uint256 mask, uint256 allowed) private pure {
        if (!Masks.isWithin(mask, allowed)) revert DatasetCatalogMaskOutOfRange(mask, allowed);
    }

    function _requireDocument(bytes18 owner, uint32 serial, bytes32 document) private pure {
        if (document == 0) revert DatasetCatalogDocumentMissing(owner, serial);
    }

    function _purposeKey(bytes18 owner, uint32 serial, uint16 version, uint16 round) private pure returns (bytes32) {
        return Keys.entry(owner, serial, version) | bytes32(uint256(round));
    }
}
