// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "../Base.sol";
import {IAuthorisationRegistry} from "../../src/interfaces/IAuthorisationRegistry.sol";
import {ICorrectionRegistry} from "../../src/interfaces/ICorrectionRegistry.sol";

/// @title State and accumulators of corrections and authorisations, rebuilt from their events alone
/// @dev Accumulators are kept under keccak256(abi.encode(emitter, entity...)); see accumulator().
contract RightsReplica {
    mapping(bytes32 key => bytes32) private accumulators;
    mapping(bytes32 topic => uint256) public seen;
    mapping(bytes32 key => ICorrectionRegistry.Correction) private corrections;
    mapping(bytes32 key => IAuthorisationRegistry.Authorisation) private authorisations;

    uint256 private number;
    uint256 private time;

    error RightsReplicaUnknownEvent(bytes32 topic);

    /// @dev Events of other contracts than `corrections_` and `authorisations_` are passed over.
    function ingest(
        Vm.Log[] calldata logs,
        address corrections_,
        address authorisations_,
        uint256 number_,
        uint256 time_
    ) external {
        (number, time) = (number_, time_);
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == corrections_) correctionEvent(logs[i]);
            else if (logs[i].emitter == authorisations_) authorisationEvent(logs[i]);
            else continue;
            seen[logs[i].topics[0]] += 1;
        }
    }

    // ---- what the tests compare ------------------------------------------------------------------------------------

    function accumulator(address emitter, bytes memory entity) external view returns (bytes32) {
        return accumulators[keccak256(abi.encode(emitter, entity))];
    }

    function correctionOf(bytes18 receiver, uint64 number_)
        external
        view
        returns (ICorrectionRegistry.Correction memory)
    {
        return corrections[keccak256(abi.encode(receiver, number_))];
    }

    function authorisationOf(bytes18 recorder, bytes32 id)
        external
        view
        returns (IAuthorisationRegistry.Authorisation memory)
    {
        return authorisations[keccak256(abi.encode(recorder, id))];
    }

    // ---- events ----------------------------------------------------------------------------------------------------

    function correctionEvent(Vm.Log calldata log) private {
        bytes32 topic = log.topics[0];
        bytes32 key = keccak256(abi.encodePacked(log.topics[1], log.topics[2]));
        ICorrectionRegistry.Correction storage entry = corrections[key];
        bytes memory body = abi.encodePacked(log.topics[1], log.topics[2], log.data);
        if (topic == ICorrectionRegistry.CorrectionOpened.selector) {
            body = opened(log, entry);
        } else if (topic == ICorrectionRegistry.CorrectionForwarded.selector) {
            body = abi.encodePacked(log.topics[1], log.topics[2], log.topics[3], log.data);
            (entry.state, entry.source) = (ICorrectionRegistry.State.FORWARDED, bytes18(log.topics[3]));
            entry.forwardedAt = uint40(time);
            fold(log, abi.encode("addressee", entry.source), body);
        } else if (topic == ICorrectionRegistry.CorrectionAnswered.selector) {
            (entry.state,,) = abi.decode(log.data, (ICorrectionRegistry.State, bytes18, bytes32));
        } else if (topic == ICorrectionRegistry.CorrectionWithdrawn.selector) {
            entry.state = ICorrectionRegistry.State.WITHDRAWN;
        } else if (topic == ICorrectionRegistry.CorrectionOverdue.selector) {
            (bytes18 addressee,,) = abi.decode(log.data, (bytes18, uint40, bytes18));
            if (addressee == entry.source) entry.sourceOverdue = true;
            else entry.providerOverdue = true;
        } else {
            revert RightsReplicaUnknownEvent(topic);
        }
        fold(log, abi.encodePacked(log.topics[1], log.topics[2]), body);
    }

    function opened(Vm.Log calldata log, ICorrectionRegistry.Correction storage entry)
        private
        returns (bytes memory body)
    {
        (uint64 grantNumber, uint32 serial, uint16 version,,,) =
            abi.decode(log.data, (uint64, uint32, uint16, bytes32, bytes32, bytes32));
        (entry.state, entry.provider) = (ICorrectionRegistry.State.OPEN, bytes18(log.topics[3]));
        (entry.openedAt, entry.grantNumber) = (uint40(time), grantNumber);
        (entry.serial, entry.version) = (serial, version);
        body = abi.encodePacked(log.topics[1], log.topics[2], log.topics[3], log.data);
        fold(log, abi.encode("receiver", bytes18(log.topics[1])), body);
        fold(log, abi.encode("addressee", entry.provider), body);
    }

    function authorisationEvent(Vm.Log calldata log) private {
        bytes32 topic = log.topics[0];
        bytes32 key = keccak256(abi.encodePacked(log.topics[1], log.topics[2]));
        IAuthorisationRegistry.Authorisation storage entry = authorisations[key];
        bytes memory body = abi.encodePacked(log.topics[1], log.topics[2], log.data);
        if (topic == IAuthorisationRegistry.AuthorisationRecorded.selector) {
            (entry.digest, entry.commitment, entry.expiresAt) = abi.decode(log.data, (bytes32, bytes32, uint40));
            entry.recordedAt = uint40(time);
            fold(log, abi.encode("recorder", bytes18(log.topics[1])), body);
        } else if (topic == IAuthorisationRegistry.AuthorisationWithdrawn.selector) {
            entry.withdrawnAt = uint40(time);
        } else {
            revert RightsReplicaUnknownEvent(topic);
        }
        fold(log, abi.encodePacked(log.topics[1], log.topics[2]), body);
    }

    function fold(Vm.Log calldata log, bytes memory entity, bytes memory body) private {
        bytes32 key = keccak256(abi.encode(log.emitter, entity));
        accumulators[key] = keccak256(abi.encode(accumulators[key], log.topics[0], body, time, number));
    }
}
