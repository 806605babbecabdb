// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDatasetCatalog} from "./IDatasetCatalog.sol";

/// @title Grants: (provider, number) -> who may use which fields of which dataset, in which mode, for what, how long
/// @notice A grant is given once, may be narrowed, never widened, and may be revoked, for ever.
interface ISharingRegistry {
    enum State {
        NONE,
        ACTIVE,
        REVOKED
    }

    /// @dev Ways to use data, in order of preference; only named in errors.
    enum Mode {
        NONE,
        VERIFY,
        QUERY,
        ANSWER,
        BATCH
    }

    /// @param verifyMask bit i = values of field i may be verified; subset of the entry's verifiable mask
    /// @param queryMask bit i = field i may be queried
    /// @param answerMask bit i = view i may be asked
    /// @param batchMask bit i = field i may be fetched in batches
    /// @param purposes 1..16, each allowed by the catalogue entry
    /// @param scenarios 0..8; empty only when standing (use without a case)
    /// @param validFrom epoch seconds, first second of the term
    /// @param validTo epoch seconds, first second after the term
    /// @param usesPerCase at least 1
    /// @param standing use without a case
    struct Terms {
        uint256 verifyMask;
        uint256 queryMask;
        uint256 answerMask;
        uint256 batchMask;
        bytes32[] purposes;
        bytes32[] scenarios;
        uint40 validFrom;
        uint40 validTo;
        uint32 usesPerCase;
        bool standing;
    }

    /// @param serial of the provider's dataset
    /// @param version of the provider's dataset
    struct Grant {
        State state;
        bytes18 receiver;
        uint32 serial;
        uint16 version;
        Terms terms;
    }

    event GrantGiven(
        bytes18 indexed provider,
        uint64 indexed number,
        bytes18 indexed receiver,
        uint32 serial,
        uint16 version,
        Terms terms
    );
    /// @param terms all terms that hold from now on
    event GrantNarrowed(bytes18 indexed provider, uint64 indexed number, Terms terms);
    event GrantRevoked(bytes18 indexed provider, uint64 indexed number, uint8 reason);

    /// @notice A suspended department gives, narrows and revokes nothing.
    error SharingRegistryDepartmentSuspended(bytes18 department);
    /// @notice The provider gave a grant with this number before; it is in state `state`.
    error SharingRegistryNumberTaken(bytes18 provider, uint64 number, State state);
    /// @notice The dataset must be PUBLISHED, it is in state `state`.
    error SharingRegistryDatasetNotPublished(bytes18 owner, uint32 serial, uint16 version, IDatasetCatalog.State state);
    /// @notice The dataset has sharing type 3, not shared.
    error SharingRegistryDatasetNotShared(bytes18 owner, uint32 serial, uint16 version);
    /// @notice A department needs no grant for its own data.
    error SharingRegistryReceiverIsProvider(bytes18 receiver);
    /// @notice The receiver is not registered, or suspended.
    error SharingRegistryReceiverNotActive(bytes18 receiver);
    /// @notice The mask of a mode has bits outside `allowed`.
    error SharingRegistryMaskOutOfRange(Mode mode, uint256 mask, uint256 allowed);
    /// @notice At least one mask is not zero.
    error SharingRegistryMasksEmpty();
    /// @notice A grant names 1 to `limit` purposes.
    error SharingRegistryPurposeCountOutOfRange(uint256 count, uint256 limit);
    /// @notice Neither the catalogue entry nor, when narrowing, the grant names this purpose.
    error SharingRegistryPurposeNotAllowed(bytes32 purpose);
    /// @notice A grant names `minimum` to `limit` scenarios; the minimum is 0 only when standing.
    error SharingRegistryScenarioCountOutOfRange(uint256 count, uint256 minimum, uint256 limit);
    /// @notice The grant does not name this scenario.
    error SharingRegistryScenarioNotAllowed(bytes32 scenario);
    /// @notice The term is empty: validFrom must be smaller than validTo.
    error SharingRegistryTermEmpty(uint40 validFrom, uint40 validTo);
    /// @notice The term reaches outside the one before, `earliest`..`latest`.
    error SharingRegistryTermWidened(uint40 validFrom, uint40 validTo, uint40 earliest, uint40 latest);
    /// @notice Uses per case run from 1 to `limit`.
    error SharingRegistryUsesOutOfRange(uint32 usesPerCase, uint32 limit);
    /// @notice Narrowing cannot make a grant standing.
    error SharingRegistryStandingAdded(bytes18 provider, uint64 number);
    /// @notice The grant must be ACTIVE, it is in state `state`.
    error SharingRegistryGrantNotActive(bytes18 provider, uint64 number, State state);

    /// @notice Give a grant on a dataset of the caller's department. Caller: LAW, not suspended.
    /// @param number new for this provider
    /// @param receiver registered and active, not the provider
    function grant(uint64 number, bytes18 receiver, uint32 serial, uint16 version, Terms calldata terms) external;
    /// @notice Replace the terms by narrower ones: every mask and list a subset, the term inside, uses not more,
    ///         standing only from true to false. Caller: LAW of the provider, not suspended.
    function narrow(uint64 number, Terms calldata terms) external;
    /// @notice Revoke a grant, for ever. Caller: LAW of the provider, not suspended.
    function revoke(uint64 number, uint8 reason) external;

    /// @notice State and terms of a grant; all zero when there is none.
    function grantOf(bytes18 provider, uint64 number) external view returns (Grant memory);
    /// @notice True when state is ACTIVE and validFrom <= time < validTo.
    function isRunningAt(bytes18 provider, uint64 number, uint40 time) external view returns (bool);
    /// @notice Accumulator over all events of one grant.
    function accumulatorOf(bytes18 provider, uint64 number) external view returns (bytes32);
    /// @notice Accumulator over all GrantGiven events of one provider.
    function providerAccumulatorOf(bytes18 provider) external view returns (bytes32);
}
