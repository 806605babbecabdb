// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorisationRegistry} from "./interfaces/IAuthorisationRegistry.sol";
import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title Authorisations of data subjects
contract AuthorisationRegistry is IAuthorisationRegistry {
    IDepartmentRegistry public immutable registry;

    /// @dev slot 0: recorder -> id -> authorisation, three slots:
    ///      | digest                                                       |
    ///      | commitment                                                   |
    ///      bit 255          120 119         80 79         40 39          0
    ///      | unused (136)      | withdrawnAt  | expiresAt   | recordedAt  |
    mapping(bytes18 recorder => mapping(bytes32 id => Authorisation)) private _authorisations;
    /// @dev slot 1
    mapping(bytes18 recorder => mapping(bytes32 id => bytes32)) private _accumulators;
    /// @dev slot 2
    mapping(bytes18 recorder => bytes32) private _recorderAccumulators;

    constructor(IDepartmentRegistry registry_) {
        registry = registry_;
    }

    /// @inheritdoc IAuthorisationRegistry
    function record(bytes32 id, bytes32 digest, bytes32 commitment, uint40 expiresAt) external {
        (bytes18 recorder, bool active) = registry.requireRole(msg.sender, Roles.LAW);
        if (!active) revert AuthorisationRegistryDepartmentSuspended(recorder);
        if (id == 0) revert AuthorisationRegistryIdZero(recorder);
        Authorisation storage entry = _authorisations[recorder][id];
        if (entry.digest != 0) revert AuthorisationRegistryIdTaken(recorder, id, entry.recordedAt);
        if (digest == 0) revert AuthorisationRegistryDigestZero(recorder, id);
        if (commitment == 0) revert AuthorisationRegistryCommitmentZero(recorder, id);
        if (expiresAt <= block.timestamp) revert AuthorisationRegistryExpiryPast(expiresAt, uint40(block.timestamp));

        entry.digest = digest;
        entry.commitment = commitment;
        entry.recordedAt = uint40(block.timestamp);
        entry.expiresAt = expiresAt;
        bytes memory body = abi.encode(recorder, id, digest, commitment, expiresAt);
        _fold(recorder, id, AuthorisationRecorded.selector, body);
        _recorderAccumulators[recorder] =
            Accumulator.fold(_recorderAccumulators[recorder], AuthorisationRecorded.selector, body);
        emit AuthorisationRecorded(recorder, id, digest, commitment, expiresAt);
    }

    /// @inheritdoc IAuthorisationRegistry
    function withdraw(bytes18 recorder, bytes32 id, bytes32 secret) external {
        (bytes18 relayedBy,) = registry.requireRole(msg.sender, Roles.ANY);
        Authorisation storage entry = _authorisations[recorder][id];
        if (entry.digest == 0) revert AuthorisationRegistryUnknown(recorder, id);
        bytes32 commitment = entry.commitment;
        if (keccak256(abi.encode(secret)) != commitment) {
            revert AuthorisationRegistrySecretForged(recorder, id, commitment);
        }
        if (entry.withdrawnAt != 0) revert AuthorisationRegistryAlreadyWithdrawn(recorder, id, entry.withdrawnAt);

        entry.withdrawnAt = uint40(block.timestamp);
        _fold(recorder, id, AuthorisationWithdrawn.selector, abi.encode(recorder, id, secret, relayedBy));
        emit AuthorisationWithdrawn(recorder, id, secret, relayedBy);
    }

    /// @inheritdoc IAuthorisationRegistry
    function authorisationOf(bytes18 recorder, bytes32 id) external view returns (Authorisation memory) {
        return _authorisations[recorder][id];
    }

    /// @inheritdoc IAuthorisationRegistry
    function isInForceAt(bytes18 recorder, bytes32 id, uint40 time) external view returns (bool) {
        Authorisation storage entry = _authorisations[recorder][id];
        bool begun = entry.digest != 0 && entry.recordedAt <= time;
        bool withdrawn = entry.withdrawnAt != 0 && entry.withdrawnAt <= time;
        return begun && !withdrawn && time < entry.expiresAt;
    }

    /// @inheritdoc IAuthorisationRegistry
    function accumulatorOf(bytes18 recorder, bytes32 id) external view returns (bytes32) {
        return _accumulators[recorder][id];
    }

    /// @inheritdoc IAuthorisationRegistry
    function recorderAccumulatorOf(bytes18 recorder) external view returns (bytes32) {
        return _recorderAccumulators[recorder];
    }

    function _fold(bytes18 recorder, bytes32 id, bytes32 topic, bytes memory body) private {
        _accumulators[recorder][id] = Accumulator.fold(_accumulators[recorder][id], topic, body);
    }
}
