// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Event accumulator: one hash that commits to a complete, ordered, timed list of events
/// @notice acc' = keccak256(abi.encode(acc, topic0, body, block.timestamp, block.number)), starting from zero.
///         `body` = abi.encode of all arguments of the event in the order of their declaration, indexed ones included.
///         Whoever replays the logs of one entity and arrives at the stored value holds all of them, in order,
///         unaltered, with their true block numbers and times.
library Accumulator {
    /// @param acc value before the event, zero before the first one
    /// @param topic topic 0 of the event (its selector)
    /// @param body abi.encode of all event arguments
    /// @return value after the event
    function fold(bytes32 acc, bytes32 topic, bytes memory body) internal view returns (bytes32) {
        return keccak256(abi.encode(acc, topic, body, block.timestamp, block.number));
    }
}
