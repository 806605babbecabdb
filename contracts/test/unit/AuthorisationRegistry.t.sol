// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IAuthorisationRegistry as I} from "../../src/interfaces/IAuthorisationRegistry.sol";

/// @title AuthorisationRegistry: every condition with its exact error, term, withdrawal by whoever holds the secret
contract AuthorisationRegistryTest is Fixture {
    bytes32 private constant ID = keccak256("random id");
    bytes32 private constant DIGEST = keccak256("signed authorisation");
    bytes32 private constant SECRET = keccak256("random secret");
    bytes32 private constant COMMITMENT = keccak256(abi.encode(SECRET));
    uint40 private constant EXPIRY = START + 90 days;

    function test_recordedAuthorisationIsReadable() public {
        vm.expectEmit(true, true, true, true, address(authorisations));
        emit I.AuthorisationRecorded(FUND, ID, DIGEST, COMMITMENT, EXPIRY);
        record();
        bytes memory found = abi.encode(authorisations.authorisationOf(FUND, ID));
        vm.assertEq(found, abi.encode(I.Authorisation(DIGEST, COMMITMENT, START, EXPIRY, 0)), "as recorded");
        vm.assertEq(authorisations.authorisationOf(ESTATE, ID).digest, 0, "of this recorder only");
    }

    function test_otherReceiversRecordTheirOwn() public {
        record();
        vm.prank(signerOf(BANK, LAW));
        authorisations.record(ID, keccak256("other"), COMMITMENT, EXPIRY);
        vm.assertEq(authorisations.authorisationOf(FUND, ID).digest, DIGEST, "FUND's");
        vm.assertEq(authorisations.authorisationOf(BANK, ID).digest, keccak256("other"), "the bank's");
    }

    function test_recordConditions() public {
        refuseRecord(0, DIGEST, COMMITMENT, EXPIRY, abi.encodeWithSelector(I.AuthorisationRegistryIdZero.selector, FUND));
        bytes memory reason = abi.encodeWithSelector(I.AuthorisationRegistryDigestZero.selector, FUND, ID);
        refuseRecord(ID, 0, COMMITMENT, EXPIRY, reason);
        reason = abi.encodeWithSelector(I.AuthorisationRegistryCommitmentZero.selector, FUND, ID);
        refuseRecord(ID, DIGEST, 0, EXPIRY, reason);
        reason = abi.encodeWithSelector(I.AuthorisationRegistryExpiryPast.selector, START, START);
        refuseRecord(ID, DIGEST, COMMITMENT, START, reason);
        vm.prank(signerOf(FUND, LAW));
        authorisations.record(ID, DIGEST, COMMITMENT, START + 1);
        reason = abi.encodeWithSelector(I.AuthorisationRegistryIdTaken.selector, FUND, ID, START);
        refuseRecord(ID, DIGEST, COMMITMENT, EXPIRY, reason);
        vm.prank(signerOf(BANK, ANCHOR));
        authorisations.withdraw(FUND, ID, SECRET);
        refuseRecord(ID, DIGEST, COMMITMENT, EXPIRY, reason); // withdrawn is for ever
    }

    function test_suspendedDepartmentRecordsNothingButRelaysWithdrawals() public {
        record();
        suspend(FUND);
        bytes memory reason = abi.encodeWithSelector(I.AuthorisationRegistryDepartmentSuspended.selector, FUND);
        refuseRecord("other", DIGEST, COMMITMENT, EXPIRY, reason);
        vm.prank(signerOf(FUND, ADMIN));
        authorisations.withdraw(FUND, ID, SECRET);
        vm.assertFalse(authorisations.isInForceAt(FUND, ID, START), "withdrawn");
    }

    // ---- withdrawal --------------------------------------------------------------------------------------------------

    function test_anyParticipantRelaysTheWithdrawalOnce() public {
        record();
        vm.warp(START + 7);
        vm.expectEmit(true, true, true, true, address(authorisations));
        emit I.AuthorisationWithdrawn(FUND, ID, SECRET, BANK);
        vm.prank(signerOf(BANK, ANCHOR));
        authorisations.withdraw(FUND, ID, SECRET);
        vm.assertEq(authorisations.authorisationOf(FUND, ID).withdrawnAt, START + 7, "withdrawn at");
        vm.warp(START + 8);
        refuseWithdraw(
            FUND,
            SECRET,
            abi.encodeWithSelector(I.AuthorisationRegistryAlreadyWithdrawn.selector, FUND, ID, START + 7)
        );
    }

    function testFuzz_forgedSecretIsRefused(bytes32 secret) public {
        vm.assume(secret != SECRET);
        record();
        bytes4 forged = I.AuthorisationRegistrySecretForged.selector;
        refuseWithdraw(FUND, secret, abi.encodeWithSelector(forged, FUND, ID, COMMITMENT));
        vm.assertEq(authorisations.authorisationOf(FUND, ID).withdrawnAt, 0, "not withdrawn");
    }

    function testFuzz_everySecretOpensItsCommitment(bytes32 secret) public {
        vm.prank(signerOf(FUND, LAW));
        authorisations.record(ID, DIGEST, keccak256(abi.encodePacked(secret)), EXPIRY);
        vm.prank(signerOf(ESTATE, ANCHOR));
        authorisations.withdraw(FUND, ID, secret);
    }

    function test_unknownAuthorisation() public {
        record();
        refuseWithdraw(ESTATE, SECRET, abi.encodeWithSelector(I.AuthorisationRegistryUnknown.selector, ESTATE, ID));
    }

    function test_expiredAuthorisationCanStillBeWithdrawn() public {
        record();
        vm.warp(EXPIRY + 1);
        vm.prank(signerOf(BANK, ANCHOR));
        authorisations.withdraw(FUND, ID, SECRET);
        vm.assertTrue(authorisations.isInForceAt(FUND, ID, EXPIRY - 1), "it was in force until its end");
    }

    // ---- term --------------------------------------------------------------------------------------------------------

    function testFuzz_inForceInsideItsTermUntilWithdrawn(uint40 time, uint40 withdrawnAt) public {
        record();
        withdrawnAt = uint40(clamp(withdrawnAt, START, EXPIRY + 1 days));
        time = uint40(clamp(time, START - 1 days, EXPIRY + 2 days));
        bool inTerm = START <= time && time < EXPIRY;
        vm.assertEq(authorisations.isInForceAt(FUND, ID, time), inTerm, "before the withdrawal");
        vm.warp(withdrawnAt);
        vm.prank(signerOf(BANK, ANCHOR));
        authorisations.withdraw(FUND, ID, SECRET);
        vm.assertEq(authorisations.isInForceAt(FUND, ID, time), inTerm && time < withdrawnAt, "after it");
        vm.assertFalse(authorisations.isInForceAt(FUND, ID, withdrawnAt), "not in the second of the withdrawal");
        vm.assertFalse(authorisations.isInForceAt(ESTATE, ID, time), "another recorder's");
    }

    function test_termEdges() public {
        record();
        vm.assertFalse(authorisations.isInForceAt(FUND, ID, START - 1), "before it was recorded");
        vm.assertTrue(authorisations.isInForceAt(FUND, ID, START), "first second");
        vm.assertTrue(authorisations.isInForceAt(FUND, ID, EXPIRY - 1), "last second");
        vm.assertFalse(authorisations.isInForceAt(FUND, ID, EXPIRY), "second after the last");
    }

    // ---- helpers -----------------------------------------------------------------------------------------------------

    function record() private {
        vm.prank(signerOf(FUND, LAW));
        authorisations.record(ID, DIGEST, COMMITMENT, EXPIRY);
    }

    function refuseRecord(bytes32 id, bytes32 digest, bytes32 commitment, uint40 expiresAt, bytes memory reason)
        private
    {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(reason);
        authorisations.record(id, digest, commitment, expiresAt);
    }

    function refuseWithdraw(bytes18 recorder, bytes32 secret, bytes memory reason) private {
        vm.prank(signerOf(BANK, ANCHOR));
        vm.expectRevert(reason);
        authorisations.withdraw(recorder, ID, secret);
    }
}
