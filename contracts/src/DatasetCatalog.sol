// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDatasetCatalog} from "./interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
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
    uint16 private constant MAX_FIELDS = 256;
    uint256 private constant MAX_PURPOSES = 16;

    IDepartmentRegistry public immutable registry;

    /// @dev slot 0: Keys.entry -> entry, three slots:
    ///      bit 255     168 167          104 103            40 39    32 31      16 15      8 7     0
    ///      | unused (88) | retiredBlock    | publishedBlock   | views  | fields   | share    | state |
    ///      | schemaHash                                                                            |
    ///      | verifiableMask                                                                        |
    mapping(bytes32 key => Entry) private _entries;
    /// @dev slot 1: Keys.entry -> purpose -> named by the entry
    mapping(bytes32 key => mapping(bytes32 purpose => bool)) private _purposes;
    /// @dev slot 2: Keys.entry with version 0 -> accumulator of the serial
    mapping(bytes32 key => bytes32) private _accumulators;
    /// @dev slot 3
    mapping(bytes18 owner => bytes32) private _ownerAccumulators;

    modifier onlyAuthority() {
        address authority = registry.authority();
        if (msg.sender != authority) revert DatasetCatalogNotAuthority(msg.sender, authority);
        _;
    }

    constructor(IDepartmentRegistry registry_) {
        registry = registry_;
    }

    /// @inheritdoc IDatasetCatalog
    function propose(Proposal calldata proposal) external {
        bytes18 owner = _proposer();
        _requireNextVersion(owner, proposal.serial, proposal.version);
        _requireWellFormed(proposal);

        bytes32 key = Keys.entry(owner, proposal.serial, proposal.version);
        _entries[key] = Entry({
            state: State.PROPOSED,
            shareType: proposal.shareType,
            fieldCount: proposal.fieldCount,
            viewCount: proposal.viewCount,
            publishedBlock: 0,
            retiredBlock: 0,
            schemaHash: proposal.schemaHash,
            verifiableMask: proposal.verifiableMask
        });
        _namePurposes(key, proposal.purposes);
        _recordProposal(owner, proposal);
    }

    /// @inheritdoc IDatasetCatalog
    function publish(bytes18 owner, uint32 serial, uint16 version) external onlyAuthority {
        Entry storage entry = _advance(owner, serial, version, State.PROPOSED, State.PUBLISHED);
        entry.publishedBlock = uint64(block.number);
        _fold(owner, serial, DatasetPublished.selector, abi.encode(owner, serial, version));
        emit DatasetPublished(owner, serial, version);
    }

    /// @inheritdoc IDatasetCatalog
    function retire(bytes18 owner, uint32 serial, uint16 version) external onlyAuthority {
        Entry storage entry = _advance(owner, serial, version, State.PUBLISHED, State.RETIRED);
        entry.retiredBlock = uint64(block.number);
        _fold(owner, serial, DatasetRetired.selector, abi.encode(owner, serial, version));
        emit DatasetRetired(owner, serial, version);
    }

    /// @inheritdoc IDatasetCatalog
    function entryOf(bytes18 owner, uint32 serial, uint16 version) external view returns (Entry memory) {
        return _entries[Keys.entry(owner, serial, version)];
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
        bytes32 key = Keys.entry(owner, serial, version);
        return _purposes[key][purpose] || _entries[key].shareType == UNCONDITIONAL;
    }

    /// @inheritdoc IDatasetCatalog
    function accumulatorOf(bytes18 owner, uint32 serial) external view returns (bytes32) {
        return _accumulators[Keys.entry(owner, serial, 0)];
    }

    /// @inheritdoc IDatasetCatalog
    function ownerAccumulatorOf(bytes18 owner) external view returns (bytes32) {
        return _ownerAccumulators[owner];
    }

    function _advance(bytes18 owner, uint32 serial, uint16 version, State from, State to)
        private
        returns (Entry storage entry)
    {
        entry = _entries[Keys.entry(owner, serial, version)];
        if (entry.state != from) revert DatasetCatalogStateUnexpected(entry.state, from);
        entry.state = to;
    }

    function _namePurposes(bytes32 key, bytes32[] calldata purposes) private {
        for (uint256 i = 0; i < purposes.length; ++i) {
            bytes32 purpose = purposes[i];
            if (purpose == 0 || _purposes[key][purpose]) revert DatasetCatalogPurposeRepeated(purpose, i);
            _purposes[key][purpose] = true;
        }
    }

    function _recordProposal(bytes18 owner, Proposal calldata p) private {
        bytes memory body = abi.encode(
            owner,
            p.serial,
            p.version,
            p.schemaHash,
            p.shareType,
            p.fieldCount,
            p.viewCount,
            p.verifiableMask,
            p.purposes
        );
        _fold(owner, p.serial, DatasetProposed.selector, body);
        if (p.version == 1) {
            _ownerAccumulators[owner] = Accumulator.fold(_ownerAccumulators[owner], DatasetProposed.selector, body);
        }
        emit DatasetProposed(
            owner,
            p.serial,
            p.version,
            p.schemaHash,
            p.shareType,
            p.fieldCount,
            p.viewCount,
            p.verifiableMask,
            p.purposes
        );
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

    function _requireNextVersion(bytes18 owner, uint32 serial, uint16 version) private view {
        if (serial == 0 || serial > MAX_SERIAL) revert DatasetCatalogSerialOutOfRange(serial, MAX_SERIAL);
        if (version == 0) revert DatasetCatalogVersionZero(serial);
        State state = _entries[Keys.entry(owner, serial, version)].state;
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
        if (!Masks.isWithin(p.verifiableMask, allowed)) {
            revert DatasetCatalogMaskOutOfRange(p.verifiableMask, allowed);
        }
        if (p.purposes.length > MAX_PURPOSES) {
            revert DatasetCatalogTooManyPurposes(p.purposes.length, MAX_PURPOSES);
        }
    }
}
