// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "../Base.sol";
import {IRecordLedger} from "../../src/interfaces/IRecordLedger.sol";

/// @title RecordLedger's state and accumulators, rebuilt from its events alone
/// @dev Written without the libraries of the contract, so that an error in them shows.
contract LedgerReplica {
    mapping(bytes18 department => mapping(uint8 stream => mapping(uint64 sequence => bytes32))) public slots;
    mapping(bytes18 department => mapping(uint64 sequence => mapping(uint32 index => uint8))) public statuses;
    mapping(bytes18 department => mapping(uint8 stream => bytes32)) public accumulators;
    mapping(bytes18 department => mapping(uint8 stream => uint64)) public heights;

    error LedgerReplicaUnknownEvent(bytes32 topic);

    function ingest(Vm.Log[] calldata logs, address ledger, uint256 number, uint256 time) external {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == ledger) apply_(logs[i], number, time);
        }
    }

    function apply_(Vm.Log calldata log, uint256 number, uint256 time) private {
        bytes18 department = bytes18(log.topics[1]);
        uint8 stream = 1;
        if (log.topics[0] == IRecordLedger.BatchAnchored.selector) {
            stream = uint8(uint256(log.topics[2]));
            uint64 sequence = uint64(uint256(log.topics[3]));
            (bytes32 root, uint32 size, uint8 suite,) = abi.decode(log.data, (bytes32, uint32, uint8, bytes32));
            bytes28 digest = bytes28(keccak256(abi.encode(root, suite)));
            slots[department][stream][sequence] = bytes32(abi.encodePacked(digest, size));
            heights[department][stream] += 1;
        } else if (log.topics[0] == IRecordLedger.StatusSet.selector) {
            (uint256 mask, uint8 status,) = abi.decode(log.data, (uint256, uint8, uint8));
            uint32 first = uint32(uint256(log.topics[3])) * 128;
            for (uint32 leaf = 0; leaf < 128; ++leaf) {
                if ((mask >> (2 * leaf)) & 1 == 0) continue;
                statuses[department][uint64(uint256(log.topics[2]))][first + leaf] = status;
            }
        } else {
            revert LedgerReplicaUnknownEvent(log.topics[0]);
        }
        bytes memory body = abi.encodePacked(log.topics[1], log.topics[2], log.topics[3], log.data);
        accumulators[department][stream] =
            keccak256(abi.encode(accumulators[department][stream], log.topics[0], body, time, number));
    }
}
