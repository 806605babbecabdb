// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title EIP-712 proof that a new signer's key is in the hands of whoever registers it
/// @notice Domain {name "Xinlian DepartmentRegistry", version "1", chainId, verifyingContract}, message
///         Possession(bytes18 department,address signer,uint8 roles).
/// @dev OpenZeppelin's EIP712 base needs the MCOPY instruction (Cancun), which the chains we run on may lack; the
///      twenty lines of domain hashing are therefore here and tested against eth-account, recovery stays OpenZeppelin's.
library Possession {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME = keccak256("Xinlian DepartmentRegistry");
    bytes32 private constant VERSION = keccak256("1");
    bytes32 private constant TYPE = keccak256("Possession(bytes18 department,address signer,uint8 roles)");

    /// @return digest that `signer` signs (65 bytes r ‖ s ‖ v)
    function digest(bytes18 department, address signer, uint8 roles) internal view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPE, NAME, VERSION, block.chainid, address(this)));
        bytes32 message = keccak256(abi.encode(TYPE, department, signer, roles));
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }

    /// @return address that made `proof` over the digest, or zero when `proof` is not a signature
    function prover(bytes18 department, address signer, uint8 roles, bytes calldata proof)
        internal
        view
        returns (address)
    {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest(department, signer, roles), proof);
        return failure == ECDSA.RecoverError.NoError ? recovered : address(0);
    }
}
