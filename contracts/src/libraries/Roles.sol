// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Roles of a signer, a bitmask
library Roles {
    /// @dev batches and status
    uint8 internal constant ANCHOR = 1;
    /// @dev proposals, grants, cases, decisions
    uint8 internal constant LAW = 2;
    /// @dev the department's own keys and endpoint
    uint8 internal constant ADMIN = 4;
    /// @dev any signer that is not retired
    uint8 internal constant ANY = 0;
    uint8 internal constant ALL = ANCHOR | LAW | ADMIN;
}
