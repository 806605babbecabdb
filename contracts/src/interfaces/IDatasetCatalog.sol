// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Catalogue entries: (owner, serial, version) -> schema hash, sharing property, masks, purposes, state
/// @notice The owner proposes an entry, the authority publishes and retires it. Versions of one serial follow each
///         other without a gap and live side by side. Catalogue code = "<USCC>/<serial as 6 digits>".
interface IDatasetCatalog {
    enum State {
        NONE,
        PROPOSED,
        PUBLISHED,
        RETIRED
    }

    /// @param serial 1..999,999
    /// @param version 1, or one more than an existing version
    /// @param schemaHash SHA-256 of the schema file, not zero
    /// @param shareType 1 unconditional, 2 conditional, 3 not shared (never granted)
    /// @param fieldCount 1..256 fields of the schema
    /// @param viewCount number of derived views, 0..255
    /// @param verifiableMask bit i = field i may be verified; only bits below `fieldCount`
    /// @param purposes 0..16 purposes a grant may name: ASCII, zero padded at the right, different, not zero
    struct Proposal {
        uint32 serial;
        uint16 version;
        bytes32 schemaHash;
        uint8 shareType;
        uint16 fieldCount;
        uint8 viewCount;
        uint256 verifiableMask;
        bytes32[] purposes;
    }

    /// @param publishedBlock 0 = not yet
    /// @param retiredBlock 0 = not yet
    struct Entry {
        State state;
        uint8 shareType;
        uint16 fieldCount;
        uint8 viewCount;
        uint64 publishedBlock;
        uint64 retiredBlock;
        bytes32 schemaHash;
        uint256 verifiableMask;
    }

    event DatasetProposed(
        bytes18 indexed owner,
        uint32 indexed serial,
        uint16 indexed version,
        bytes32 schemaHash,
        uint8 shareType,
        uint16 fieldCount,
        uint8 viewCount,
        uint256 verifiableMask,
        bytes32[] purposes
    );
    event DatasetPublished(bytes18 indexed owner, uint32 indexed serial, uint16 indexed version);
    event DatasetRetired(bytes18 indexed owner, uint32 indexed serial, uint16 indexed version);

    /// @notice Only the authority of the registry may call this.
    error DatasetCatalogNotAuthority(address caller, address authority);
    /// @notice A suspended department proposes nothing.
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

    /// @notice Propose a catalogue entry of the caller's department. Caller: LAW, not suspended.
    function propose(Proposal calldata proposal) external;
    /// @notice Publish a proposed entry. Caller: authority.
    function publish(bytes18 owner, uint32 serial, uint16 version) external;
    /// @notice Retire a published entry, for ever. Caller: authority.
    function retire(bytes18 owner, uint32 serial, uint16 version) external;

    /// @notice State of an entry; all zero when nobody proposed it.
    function entryOf(bytes18 owner, uint32 serial, uint16 version) external view returns (Entry memory);
    /// @notice True when the entry was published and not retired at the end of block `blockNumber`.
    function isPublishedAt(bytes18 owner, uint32 serial, uint16 version, uint64 blockNumber)
        external
        view
        returns (bool);
    /// @notice True when the entry names `purpose` or is shared unconditionally (no further condition may be added, Decree 809
    /// art. 14), whatever its state.
    function allowsPurpose(bytes18 owner, uint32 serial, uint16 version, bytes32 purpose) external view returns (bool);
    /// @notice Accumulator over all events of all versions of one serial.
    function accumulatorOf(bytes18 owner, uint32 serial) external view returns (bytes32);
    /// @notice Accumulator over the first DatasetProposed of every serial of `owner`.
    function ownerAccumulatorOf(bytes18 owner) external view returns (bytes32);
}
