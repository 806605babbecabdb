// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDatasetCatalog} from "./interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {ISharingRegistry} from "./interfaces/ISharingRegistry.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {Keys} from "./libraries/Keys.sol";
import {Masks} from "./libraries/Masks.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title Grants
contract SharingRegistry is ISharingRegistry {
    uint8 private constant NOT_SHARED = 3;
    uint256 private constant MAX_PURPOSES = 16;
    uint256 private constant MAX_SCENARIOS = 8;

    IDepartmentRegistry public immutable registry;
    IDatasetCatalog public immutable catalog;

    /// @dev slot 0: Keys.grant -> grant, eight slots, one a purpose and one a scenario:
    ///      bit 255    200 199      184 183      152 151                                 8 7      0
    ///      | unused (56) | version    | serial     | receiver                           | state  |
    ///      | verifyMask | | queryMask | | answerMask | | batchMask |       (a slot each)
    ///      | number of purposes | | number of scenarios |                 (a slot each)
    ///      bit 255          120 119    112 111           80 79          40 39          0
    ///      | unused (136)      | standing | usesPerCase     | validTo      | validFrom   |
    mapping(bytes32 key => Grant) private _grants;
    /// @dev slot 1: Keys.grant -> accumulator
    mapping(bytes32 key => bytes32) private _accumulators;
    /// @dev slot 2
    mapping(bytes18 provider => bytes32) private _providerAccumulators;

    constructor(IDepartmentRegistry registry_, IDatasetCatalog catalog_) {
        registry = registry_;
        catalog = catalog_;
    }

    /// @inheritdoc ISharingRegistry
    function grant(uint64 number, bytes18 receiver, uint32 serial, uint16 version, Terms calldata terms) external {
        bytes18 provider = _provider();
        Grant storage entry = _grants[Keys.grant(provider, number)];
        if (entry.state != State.NONE) revert SharingRegistryNumberTaken(provider, number, entry.state);
        _requireReceiver(provider, receiver);
        _requireWellFormed(terms);
        _requireCatalogued(provider, serial, version, terms);

        entry.state = State.ACTIVE;
        entry.receiver = receiver;
        entry.serial = serial;
        entry.version = version;
        _store(entry.terms, terms);
        bytes memory body = abi.encode(provider, number, receiver, serial, version, terms);
        _fold(provider, number, GrantGiven.selector, body);
        _providerAccumulators[provider] = Accumulator.fold(_providerAccumulators[provider], GrantGiven.selector, body);
        emit GrantGiven(provider, number, receiver, serial, version, terms);
    }

    /// @inheritdoc ISharingRegistry
    function narrow(uint64 number, Terms calldata terms) external {
        (bytes18 provider, Grant storage entry) = _ownActiveGrant(number);
        Terms storage before = entry.terms;
        _requireWellFormed(terms);
        _requireMask(Mode.VERIFY, terms.verifyMask, before.verifyMask);
        _requireMask(Mode.QUERY, terms.queryMask, before.queryMask);
        _requireMask(Mode.ANSWER, terms.answerMask, before.answerMask);
        _requireMask(Mode.BATCH, terms.batchMask, before.batchMask);
        _requireListsWithin(terms, before);
        _requireTermWithin(terms, before);
        if (terms.usesPerCase > before.usesPerCase) {
            revert SharingRegistryUsesOutOfRange(terms.usesPerCase, before.usesPerCase);
        }
        if (terms.standing && !before.standing) revert SharingRegistryStandingAdded(provider, number);

        _store(before, terms);
        _fold(provider, number, GrantNarrowed.selector, abi.encode(provider, number, terms));
        emit GrantNarrowed(provider, number, terms);
    }

    /// @inheritdoc ISharingRegistry
    function revoke(uint64 number, uint8 reason) external {
        (bytes18 provider, Grant storage entry) = _ownActiveGrant(number);
        entry.state = State.REVOKED;
        _fold(provider, number, GrantRevoked.selector, abi.encode(provider, number, reason));
        emit GrantRevoked(provider, number, reason);
    }

    /// @inheritdoc ISharingRegistry
    function grantOf(bytes18 provider, uint64 number) external view returns (Grant memory) {
        return _grants[Keys.grant(provider, number)];
    }

    /// @inheritdoc ISharingRegistry
    function isRunningAt(bytes18 provider, uint64 number, uint40 time) external view returns (bool) {
        Grant storage entry = _grants[Keys.grant(provider, number)];
        return entry.state == State.ACTIVE && entry.terms.validFrom <= time && time < entry.terms.validTo;
    }

    /// @inheritdoc ISharingRegistry
    function accumulatorOf(bytes18 provider, uint64 number) external view returns (bytes32) {
        return _accumulators[Keys.grant(provider, number)];
    }

    /// @inheritdoc ISharingRegistry
    function providerAccumulatorOf(bytes18 provider) external view returns (bytes32) {
        return _providerAccumulators[provider];
    }

    function _store(Terms storage stored, Terms calldata terms) private {
        stored.verifyMask = terms.verifyMask;
        stored.queryMask = terms.queryMask;
        stored.answerMask = terms.answerMask;
        stored.batchMask = terms.batchMask;
        stored.purposes = terms.purposes;
        stored.scenarios = terms.scenarios;
        stored.validFrom = terms.validFrom;
        stored.validTo = terms.validTo;
        stored.usesPerCase = terms.usesPerCase;
        stored.standing = terms.standing;
    }

    function _fold(bytes18 provider, uint64 number, bytes32 topic, bytes memory body) private {
        bytes32 key = Keys.grant(provider, number);
        _accumulators[key] = Accumulator.fold(_accumulators[key], topic, body);
    }

    /// @return provider department of the caller, who must be its LAW signer
    function _provider() private view returns (bytes18 provider) {
        bool active;
        (provider, active) = registry.requireRole(msg.sender, Roles.LAW);
        if (!active) revert SharingRegistryDepartmentSuspended(provider);
    }

    function _ownActiveGrant(uint64 number) private view returns (bytes18 provider, Grant storage entry) {
        provider = _provider();
        entry = _grants[Keys.grant(provider, number)];
        if (entry.state != State.ACTIVE) revert SharingRegistryGrantNotActive(provider, number, entry.state);
    }

    function _requireReceiver(bytes18 provider, bytes18 receiver) private view {
        if (receiver == provider) revert SharingRegistryReceiverIsProvider(receiver);
        if (!registry.isActive(receiver)) revert SharingRegistryReceiverNotActive(receiver);
    }

    /// @dev What the catalogue says about the dataset: published, shared, masks and purposes.
    function _requireCatalogued(bytes18 owner, uint32 serial, uint16 version, Terms calldata terms) private view {
        IDatasetCatalog.Entry memory entry = catalog.entryOf(owner, serial, version);
        if (entry.state != IDatasetCatalog.State.PUBLISHED) {
            revert SharingRegistryDatasetNotPublished(owner, serial, version, entry.state);
        }
        if (entry.shareType == NOT_SHARED) revert SharingRegistryDatasetNotShared(owner, serial, version);
        uint256 fields = Masks.first(entry.fieldCount);
        _requireMask(Mode.VERIFY, terms.verifyMask, entry.verifiableMask);
        _requireMask(Mode.QUERY, terms.queryMask, fields);
        _requireMask(Mode.ANSWER, terms.answerMask, Masks.first(entry.viewCount));
        _requireMask(Mode.BATCH, terms.batchMask, fields);
        for (uint256 i = 0; i < terms.purposes.length; ++i) {
            if (!catalog.allowsPurpose(owner, serial, version, terms.purposes[i])) {
                revert SharingRegistryPurposeNotAllowed(terms.purposes[i]);
            }
        }
    }

    /// @dev What holds for any terms, whatever the dataset.
    function _requireWellFormed(Terms calldata terms) private pure {
        if (terms.verifyMask | terms.queryMask | terms.answerMask | terms.batchMask == 0) {
            revert SharingRegistryMasksEmpty();
        }
        uint256 purposes = terms.purposes.length;
        if (purposes == 0 || purposes > MAX_PURPOSES) {
            revert SharingRegistryPurposeCountOutOfRange(purposes, MAX_PURPOSES);
        }
        uint256 scenarios = terms.scenarios.length;
        uint256 minimum = terms.standing ? 0 : 1;
        if (scenarios < minimum || scenarios > MAX_SCENARIOS) {
            revert SharingRegistryScenarioCountOutOfRange(scenarios, minimum, MAX_SCENARIOS);
        }
        if (terms.validFrom >= terms.validTo) revert SharingRegistryTermEmpty(terms.validFrom, terms.validTo);
        if (terms.usesPerCase == 0) revert SharingRegistryUsesOutOfRange(0, type(uint32).max);
    }

    function _requireListsWithin(Terms calldata terms, Terms storage before) private view {
        for (uint256 i = 0; i < terms.purposes.length; ++i) {
            if (!_contains(before.purposes, terms.purposes[i])) {
                revert SharingRegistryPurposeNotAllowed(terms.purposes[i]);
            }
        }
        for (uint256 i = 0; i < terms.scenarios.length; ++i) {
            if (!_contains(before.scenarios, terms.scenarios[i])) {
                revert SharingRegistryScenarioNotAllowed(terms.scenarios[i]);
            }
        }
    }

    function _requireTermWithin(Terms calldata terms, Terms storage before) private view {
        if (terms.validFrom < before.validFrom || terms.validTo > before.validTo) {
            revert SharingRegistryTermWidened(terms.validFrom, terms.validTo, before.validFrom, before.validTo);
        }
    }

    function _requireMask(Mode mode, uint256 mask, uint256 allowed) private pure {
        if (!Masks.isWithin(mask, allowed)) revert SharingRegistryMaskOutOfRange(mode, mask, allowed);
    }

    function _contains(bytes32[] storage list, bytes32 value) private view returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == value) return true;
        }
        return false;
    }
}
