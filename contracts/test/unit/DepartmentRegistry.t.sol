// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {DepartmentRegistry} from "../../src/DepartmentRegistry.sol";
import {IDepartmentRegistry as I} from "../../src/interfaces/IDepartmentRegistry.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";

/// @title DepartmentRegistry: every condition with its exact error, history of activity, signers, handover
contract DepartmentRegistryTest is Fixture {
    bytes18 private constant NEW = "12411599MBTEST0045";

    function test_registeredDepartmentIsReadable() public view {
        I.Department memory department = registry.departmentOf(FUND);
        vm.assertEq(uint256(department.kind), uint256(I.Kind.DEPARTMENT), "kind");
        vm.assertTrue(department.active && registry.isActive(FUND), "active");
        vm.assertEq(department.registeredBlock, 100, "registered at");
        vm.assertEq(department.compromisedSince, 0, "not compromised");
        vm.assertEq(department.keySetVersion, 1, "first key set");
        vm.assertEq(department.keySetHash, sha256("{\"keys\":[]}"), "SHA-256 of the bytes");
        I.Signer memory signer = registry.signerOf(signerOf(FUND, LAW));
        vm.assertEq(bytes32(signer.department), bytes32(FUND), "signer's department");
        vm.assertEq(signer.roles, LAW, "signer's roles");
        vm.assertEq(signer.fromBlock, 100, "signer's first block");
        vm.assertEq(signer.toBlock, 0, "signer is not retired");
    }

    function test_unknownDepartmentIsZeroEverywhere() public view {
        vm.assertEq(uint256(registry.departmentOf(NOBODY).kind), uint256(I.Kind.NONE), "kind");
        vm.assertFalse(registry.isActive(NOBODY), "not active");
        vm.assertFalse(registry.isActiveAt(NOBODY, 100), "never active");
        vm.assertEq(registry.accumulatorOf(NOBODY), 0, "no event");
    }

    // ---- register --------------------------------------------------------------------------------------------------

    function test_registerNeedsAnAuthority() public {
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryAuthorityZero.selector));
        new DepartmentRegistry(address(0));
    }

    function test_registerRefusesNoKind() public {
        refuseRegister(
            NEW, I.Kind.NONE, "n", "", "{}", abi.encodeWithSelector(I.DepartmentRegistryKindMissing.selector, NEW)
        );
    }

    function test_registerRefusesSecondTime() public {
        vm.roll(101);
        bytes memory reason = abi.encodeWithSelector(I.DepartmentRegistryAlreadyRegistered.selector, FUND, 100);
        refuseRegister(FUND, I.Kind.OTHER_RECEIVER, "n", "", "{}", reason);
    }

    function testFuzz_registerRefusesWrongCharacter(uint256 seed, bytes1 wrong) public {
        vm.assume((wrong < "0" || wrong > "9") && (wrong < "A" || wrong > "Z"));
        uint256 position = clamp(seed, 0, 17);
        bytes18 code =
            bytes18(bytes32(NEW) & ~(bytes32(bytes1(0xff)) >> (8 * position)) | (bytes32(wrong) >> (8 * position)));
        bytes memory reason = abi.encodeWithSelector(I.DepartmentRegistryCodeMalformed.selector, code, position);
        refuseRegister(code, I.Kind.DEPARTMENT, "n", "", "{}", reason);
    }

    function test_registerBoundsTexts() public {
        bytes4 length = I.DepartmentRegistryTextLength.selector;
        I.Kind kind = I.Kind.DEPARTMENT;
        refuseRegister(NEW, kind, "", "", "{}", abi.encodeWithSelector(length, 0, 1, 256));
        refuseRegister(NEW, kind, string(new bytes(257)), "", "{}", abi.encodeWithSelector(length, 257, 1, 256));
        refuseRegister(NEW, kind, "n", string(new bytes(257)), "{}", abi.encodeWithSelector(length, 257, 0, 256));
        refuseRegister(NEW, kind, "n", "", "", abi.encodeWithSelector(length, 0, 1, 16_384));
        string memory long = string(new bytes(16_385));
        refuseRegister(NEW, kind, "n", "", long, abi.encodeWithSelector(length, 16_385, 1, 16_384));
        I.NewSigner[] memory signers = threeSigners(NEW);
        vm.prank(authority);
        registry.register(NEW, kind, string(new bytes(256)), string(new bytes(256)), string(new bytes(16_384)), signers);
        vm.assertTrue(registry.isActive(NEW), "longest texts are accepted");
    }

    function test_registerNeedsAnAdminAndAtMost16Signers() public {
        I.NewSigner[] memory signers = new I.NewSigner[](1);
        signers[0] = newSigner(NEW, keyOf(NEW, ANCHOR), ANCHOR | LAW);
        bytes memory reason = abi.encodeWithSelector(I.DepartmentRegistryAdminMissing.selector, NEW);
        refuseRegisterWith(signers, reason);
        refuseRegisterWith(new I.NewSigner[](0), reason);
        reason = abi.encodeWithSelector(I.DepartmentRegistryTooManySigners.selector, 17, 16);
        refuseRegisterWith(new I.NewSigner[](17), reason);
    }

    function test_registerTakes16Signers() public {
        I.NewSigner[] memory signers = new I.NewSigner[](16);
        for (uint8 i = 0; i < 16; ++i) {
            signers[i] = newSigner(NEW, keyOf(NEW, 100 + i), ADMIN);
        }
        vm.prank(authority);
        registry.register(NEW, I.Kind.DEPARTMENT, "n", "", "{}", signers);
        vm.assertEq(bytes32(registry.signerOf(signers[15].signer).department), bytes32(NEW), "the sixteenth");
    }

    // ---- recovery --------------------------------------------------------------------------------------------------

    function test_recoveryReplacesEverySigner() public {
        loadYears();
        I.NewSigner[] memory next = successors(2);
        address[] memory accounts = new address[](2);
        uint8[] memory roles = new uint8[](2);
        (accounts[0], accounts[1], roles[0], roles[1]) = (next[0].signer, next[1].signer, ADMIN, ANCHOR | LAW);
        vm.expectEmit(true, false, false, true, address(registry));
        emit I.RecoveryAnnounced(FUND, accounts, roles);
        announce(next);
        vm.assertEq(registry.recoveryOf(FUND).announcedAt, block.timestamp, "announced at");
        registry.requireRole(signerOf(FUND, LAW), LAW); // nothing is lost meanwhile

        vm.roll(500);
        vm.warp(registry.recoveryDeadlineOf(FUND));
        vm.expectEmit(true, false, false, true, address(registry));
        emit I.DepartmentRecovered(FUND, 1);
        vm.expectEmit(true, true, false, true, address(registry));
        emit I.SignerAdded(FUND, next[0].signer, ADMIN);
        vm.prank(authority);
        registry.recover(FUND);

        uint8[3] memory each = [ANCHOR, LAW, ADMIN];
        for (uint256 i = 0; i < 3; ++i) {
            address old = signerOf(FUND, each[i]);
            vm.assertEq(registry.signerOf(old).toBlock, 500, "retired with its generation");
            vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySignerRetired.selector, old, 500));
            registry.requireRole(old, each[i]);
        }
        registry.requireRole(next[1].signer, ANCHOR | LAW);
        vm.assertEq(registry.signerOf(next[0].signer).generation, 1, "the new ones' generation");
        vm.assertEq(registry.departmentOf(FUND).generation, 1, "generation");
        vm.assertEq(registry.recoveryOf(FUND).announcedAt, 0, "the recovery is over");
        registry.requireRole(signerOf(ESTATE, LAW), LAW); // other departments are untouched
        retireOldSignerFails(next[0].signer, signerOf(FUND, LAW));
    }

    function retireOldSignerFails(address admin, address old) private {
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySignerRetired.selector, old, 500));
        registry.retireSigner(old);
    }

    /// @dev 2026-05-29 is a Friday: Monday and Tuesday count, so Wednesday's first second is the earliest.
    function test_recoveryWaitsTwoWorkingDays() public {
        loadYears();
        announce(successors(1));
        uint40 earliest = uint40(uint256(20_607) * 1 days - 8 hours);
        vm.assertEq(registry.recoveryDeadlineOf(FUND), earliest, "2026-06-03, 00:00 of UTC+8");
        vm.warp(earliest - 1);
        refuseRecover(abi.encodeWithSelector(I.DepartmentRegistryRecoveryTooEarly.selector, FUND, earliest));
        vm.warp(earliest);
        vm.prank(authority);
        registry.recover(FUND);
        refuseRecover(abi.encodeWithSelector(I.DepartmentRegistryRecoveryUnknown.selector, FUND));
    }

    function test_aMissingYearStopsTheRecoveryAndNoObjection() public {
        announce(successors(1));
        bytes memory missing = abi.encodeWithSelector(IWorkCalendar.WorkCalendarYearNotLoaded.selector, 2026);
        refuseRecover(missing);
        vm.warp(block.timestamp + 365 days);
        refuseRecover(missing);
        vm.expectEmit(true, false, false, true, address(registry));
        emit I.RecoveryCancelled(FUND, signerOf(FUND, ADMIN));
        vm.prank(signerOf(FUND, ADMIN));
        registry.cancelRecovery(FUND);
        vm.assertEq(registry.recoveryOf(FUND).candidates.length, 0, "nothing is left of it");
    }

    function test_anOutageLengthensTheDelay() public {
        loadYears();
        announce(successors(1));
        uint40 before = registry.recoveryDeadlineOf(FUND);
        uint32 monday = calendar.dayOf(uint40(block.timestamp)) + 3;
        vm.prank(authority);
        calendar.declareOutage(monday, monday);
        vm.assertEq(registry.recoveryDeadlineOf(FUND), before + 1 days, "one working day later");
    }

    function test_secondAnnouncementTakesThePlaceOfTheFirst() public {
        loadYears();
        announce(successors(3));
        vm.warp(block.timestamp + 4 days);
        announce(successors(1));
        vm.assertEq(registry.recoveryOf(FUND).candidates.length, 1, "the first is void");
        uint40 earliest = calendar.deadlineAfter(uint40(block.timestamp), 2);
        refuseRecover(abi.encodeWithSelector(I.DepartmentRegistryRecoveryTooEarly.selector, FUND, earliest));
    }

    /// @dev Whoever stole the keys cannot keep them: a suspended department objects to nothing.
    function test_suspendedDepartmentCannotObject() public {
        loadYears();
        announce(successors(1));
        suspend(FUND);
        vm.prank(signerOf(FUND, ADMIN));
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySuspended.selector, FUND));
        registry.cancelRecovery(FUND);
        vm.warp(registry.recoveryDeadlineOf(FUND));
        vm.prank(authority);
        registry.recover(FUND);
        vm.assertFalse(registry.isActive(FUND), "recovery does not reinstate");
    }

    function test_onlyTheDepartmentItselfObjects() public {
        announce(successors(1));
        address foreign = signerOf(ESTATE, ADMIN);
        vm.prank(foreign);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySignerForeign.selector, foreign, ESTATE, FUND));
        registry.cancelRecovery(FUND);
        vm.prank(authority);
        registry.cancelRecovery(FUND);
        vm.prank(authority);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryRecoveryUnknown.selector, FUND));
        registry.cancelRecovery(FUND);
    }

    function test_announcementIsCheckedLikeARegistration() public {
        I.NewSigner[] memory next = successors(2);
        next[0] = newSigner(FUND, keyOf(FUND, 200), LAW);
        refuseAnnounce(FUND, next, abi.encodeWithSelector(I.DepartmentRegistryAdminMissing.selector, FUND));
        refuseAnnounce(
            FUND, new I.NewSigner[](0), abi.encodeWithSelector(I.DepartmentRegistryAdminMissing.selector, FUND)
        );
        bytes memory tooMany = abi.encodeWithSelector(I.DepartmentRegistryTooManySigners.selector, 17, 16);
        refuseAnnounce(FUND, new I.NewSigner[](17), tooMany);
        next = successors(2);
        next[1] = next[0];
        bytes memory twice = abi.encodeWithSelector(I.DepartmentRegistrySignerTaken.selector, next[0].signer, FUND);
        refuseAnnounce(FUND, next, twice);
        next[1] = newSigner(FUND, keyOf(FUND, LAW), LAW);
        bytes memory taken = abi.encodeWithSelector(I.DepartmentRegistrySignerTaken.selector, signerOf(FUND, LAW), FUND);
        refuseAnnounce(FUND, next, taken);
        next = successors(1);
        next[0].roles = ADMIN | LAW;
        vm.prank(authority);
        (bool ok, bytes memory answer) = address(registry).call(abi.encodeCall(I.announceRecovery, (FUND, next)));
        vm.assertFalse(ok, "another set of roles than was signed");
        vm.assertEq(bytes32(bytes4(answer)), bytes32(I.DepartmentRegistryPossessionUnproven.selector), "reason");
        refuseAnnounce(NOBODY, successors(1), abi.encodeWithSelector(I.DepartmentRegistryUnknown.selector, NOBODY));
    }

    function test_candidateThatWasRegisteredMeanwhileStopsTheRecovery() public {
        loadYears();
        I.NewSigner[] memory next = successors(1);
        announce(next);
        vm.prank(signerOf(FUND, ADMIN));
        registry.addSigner(next[0]);
        vm.warp(registry.recoveryDeadlineOf(FUND));
        refuseRecover(abi.encodeWithSelector(I.DepartmentRegistrySignerTaken.selector, next[0].signer, FUND));
    }

    /// @dev the first is ADMIN, the others ANCHOR and LAW
    function successors(uint256 count) private view returns (I.NewSigner[] memory next) {
        next = new I.NewSigner[](count);
        for (uint8 i = 0; i < count; ++i) {
            next[i] = newSigner(FUND, keyOf(FUND, 100 + i), i == 0 ? ADMIN : ANCHOR | LAW);
        }
    }

    function announce(I.NewSigner[] memory next) private {
        vm.prank(authority);
        registry.announceRecovery(FUND, next);
    }

    function refuseAnnounce(bytes18 department, I.NewSigner[] memory next, bytes memory reason) private {
        vm.prank(authority);
        vm.expectRevert(reason);
        registry.announceRecovery(department, next);
    }

    function refuseRecover(bytes memory reason) private {
        vm.prank(authority);
        vm.expectRevert(reason);
        registry.recover(FUND);
    }

    // ---- suspension and compromise ---------------------------------------------------------------------------------

    function test_activityIsKeptByBlock() public {
        vm.roll(200);
        suspend(FUND);
        vm.roll(300);
        vm.prank(authority);
        registry.reinstate(FUND);
        uint64[7] memory blocks = [uint64(99), 100, 199, 200, 299, 300, type(uint64).max];
        bool[7] memory active = [false, true, true, false, false, true, true];
        for (uint256 i = 0; i < blocks.length; ++i) {
            vm.assertEq(registry.isActiveAt(FUND, blocks[i]), active[i], "active at the block's end");
        }
    }

    function test_lastChangeOfABlockCounts() public {
        vm.roll(200);
        suspend(FUND);
        vm.prank(authority);
        registry.reinstate(FUND);
        vm.assertTrue(registry.isActiveAt(FUND, 200), "reinstated in the same block");
        vm.assertTrue(registry.isActive(FUND), "active");
    }

    function test_suspendAndReinstateNeedTheOtherState() public {
        vm.startPrank(authority);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryNotSuspended.selector, FUND));
        registry.reinstate(FUND);
        registry.suspend(FUND, 1);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySuspended.selector, FUND));
        registry.suspend(FUND, 1);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryUnknown.selector, NOBODY));
        registry.suspend(NOBODY, 1);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryUnknown.selector, NOBODY));
        registry.reinstate(NOBODY);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryUnknown.selector, NOBODY));
        registry.markCompromised(NOBODY, 100);
        vm.stopPrank();
    }

    function testFuzz_compromiseMovesOnlyBackInsideHistory(uint64 first, uint64 second) public {
        vm.roll(200);
        first = uint64(clamp(first, 100, 200));
        vm.startPrank(authority);
        registry.markCompromised(FUND, first);
        bool inside = second >= 100 && second <= first;
        if (!inside) {
            bytes4 selector = I.DepartmentRegistryBlockOutOfRange.selector;
            vm.expectRevert(abi.encodeWithSelector(selector, second, 100, first));
        }
        registry.markCompromised(FUND, second);
        vm.assertEq(registry.departmentOf(FUND).compromisedSince, inside ? second : first, "since");
        vm.stopPrank();
    }

    function test_compromiseIsNotInTheFuture() public {
        vm.prank(authority);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryBlockOutOfRange.selector, 101, 100, 100));
        registry.markCompromised(FUND, 101);
    }

    // ---- signers ---------------------------------------------------------------------------------------------------

    function test_addressBelongsToOneDepartmentForEver() public {
        address law = signerOf(FUND, LAW);
        bytes memory taken = abi.encodeWithSelector(I.DepartmentRegistrySignerTaken.selector, law, FUND);
        I.NewSigner memory again = newSigner(FUND, keyOf(FUND, LAW), ADMIN);
        I.NewSigner memory elsewhere = newSigner(ESTATE, keyOf(FUND, LAW), LAW);
        vm.prank(signerOf(FUND, ADMIN));
        registry.retireSigner(law);
        refuseAdd(FUND, again, taken);
        refuseAdd(ESTATE, elsewhere, taken);
    }

    function testFuzz_rolesAreANonEmptySubset(uint8 roles) public {
        vm.assume(roles == 0 || roles > 7);
        I.NewSigner memory signer = newSigner(FUND, keyOf(FUND, 6), roles);
        refuseAdd(FUND, signer, abi.encodeWithSelector(I.DepartmentRegistryRolesOutOfRange.selector, roles, 7));
    }

    function test_possessionIsOfThisDepartmentSignerRolesContractAndChain() public {
        I.NewSigner memory signer = newSigner(FUND, keyOf(FUND, 6), LAW);
        bytes4 unproven = I.DepartmentRegistryPossessionUnproven.selector;

        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf(FUND, 5), registry.possessionDigest(FUND, signer.signer, LAW));
        I.NewSigner memory byAnother = I.NewSigner(signer.signer, LAW, abi.encodePacked(r, s, v));
        refuseAdd(FUND, byAnother, abi.encodeWithSelector(unproven, signer.signer, vm.addr(keyOf(FUND, 5))));

        refuseAddAnyProver(ESTATE, signer);
        refuseAddAnyProver(FUND, I.NewSigner(signer.signer, LAW | ANCHOR, signer.possession));
        vm.chainId(block.chainid + 1);
        refuseAddAnyProver(FUND, signer);
        vm.chainId(block.chainid - 1);

        DepartmentRegistry original = registry;
        registry = new DepartmentRegistry(authority);
        registerDepartment(FUND, I.Kind.DEPARTMENT);
        refuseAddAnyProver(FUND, signer);
        registry = original;
        vm.prank(signerOf(FUND, ADMIN));
        registry.addSigner(signer);
        vm.assertEq(registry.signerOf(signer.signer).roles, LAW, "the proof itself was good");
    }

    function testFuzz_anyFlippedBitOfTheProofFails(uint256 key, uint256 seed) public {
        key = clamp(key, 1, 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140);
        I.NewSigner memory signer = newSigner(FUND, key, LAW);
        vm.assume(registry.signerOf(signer.signer).department == 0);
        uint256 bit = clamp(seed, 0, 65 * 8 - 1);
        signer.possession[bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        refuseAddAnyProver(FUND, signer);
    }

    function testFuzz_proofOfAnotherLengthIsNoSignature(bytes calldata proof) public {
        vm.assume(proof.length != 65);
        address signer = vm.addr(keyOf(FUND, 6));
        bytes memory reason =
            abi.encodeWithSelector(I.DepartmentRegistryPossessionUnproven.selector, signer, address(0));
        refuseAdd(FUND, I.NewSigner(signer, LAW, proof), reason);
        // a failed recovery is the zero address, which must not get in that way
        reason = abi.encodeWithSelector(I.DepartmentRegistryPossessionUnproven.selector, address(0), address(0));
        refuseAdd(FUND, I.NewSigner(address(0), LAW, proof), reason);
    }

    function test_retiredSignerStopsInThatBlockAndStaysRetired() public {
        address law = signerOf(FUND, LAW);
        vm.roll(150);
        vm.startPrank(signerOf(FUND, ADMIN));
        registry.retireSigner(law);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySignerRetired.selector, law, 150));
        registry.retireSigner(law);
        vm.stopPrank();
        vm.assertEq(registry.signerOf(law).toBlock, 150, "to block");
        vm.assertEq(registry.signerOf(law).fromBlock, 100, "from block stays");
        for (uint256 i = 150; i <= 151; ++i) {
            vm.roll(i);
            vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySignerRetired.selector, law, 150));
            registry.requireRole(law, LAW);
        }
    }

    function test_retireRefusesItselfStrangersAndForeigners() public {
        address admin = signerOf(FUND, ADMIN);
        address foreign = signerOf(ESTATE, LAW);
        vm.startPrank(admin);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySignerIsCaller.selector, admin));
        registry.retireSigner(admin);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySignerUnknown.selector, stranger));
        registry.retireSigner(stranger);
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistrySignerForeign.selector, foreign, ESTATE, FUND));
        registry.retireSigner(foreign);
        vm.stopPrank();
    }

    function testFuzz_requireRoleNeedsAllBits(uint8 held, uint8 required) public {
        held = uint8(clamp(held, 1, 7));
        required = uint8(clamp(required, 1, 7));
        I.NewSigner memory signer = newSigner(FUND, keyOf(FUND, 77), held);
        vm.prank(signerOf(FUND, ADMIN));
        registry.addSigner(signer);
        if (held & required != required) {
            bytes4 selector = I.DepartmentRegistryRoleMissing.selector;
            vm.expectRevert(abi.encodeWithSelector(selector, signer.signer, held, required));
            registry.requireRole(signer.signer, required);
            return;
        }
        (bytes18 department, bool active) = registry.requireRole(signer.signer, required);
        vm.assertEq(bytes32(department), bytes32(FUND), "its department");
        vm.assertTrue(active, "active");
        suspend(FUND);
        (, active) = registry.requireRole(signer.signer, required);
        vm.assertFalse(active, "suspended");
    }

    // ---- keys and endpoint -----------------------------------------------------------------------------------------

    function test_keySetsCountUp() public {
        vm.startPrank(signerOf(FUND, ADMIN));
        registry.publishKeys("{\"keys\":[1]}");
        registry.publishKeys("{\"keys\":[2]}");
        vm.assertEq(registry.departmentOf(FUND).keySetVersion, 3, "version");
        vm.assertEq(registry.departmentOf(FUND).keySetHash, sha256("{\"keys\":[2]}"), "the last one's hash");
        bytes4 length = I.DepartmentRegistryTextLength.selector;
        vm.expectRevert(abi.encodeWithSelector(length, 0, 1, 16_384));
        registry.publishKeys("");
        vm.expectRevert(abi.encodeWithSelector(length, 257, 0, 256));
        registry.changeEndpoint(string(new bytes(257)));
        vm.stopPrank();
    }

    // ---- authority -------------------------------------------------------------------------------------------------

    function test_handoverTakesTwoSteps() public {
        address next = vm.addr(5);
        vm.prank(authority);
        registry.transferAuthority(next);
        vm.assertEq(registry.authority(), authority, "an offer changes nothing yet");
        vm.assertEq(registry.pendingAuthority(), next, "offered");
        vm.prank(next);
        registry.acceptAuthority();
        vm.assertEq(registry.authority(), next, "handed over");
        vm.assertEq(registry.pendingAuthority(), address(0), "no offer any more");
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryNotAuthority.selector, authority, next));
        vm.prank(authority);
        registry.suspend(FUND, 1);
    }

    function test_offerCanBeWithdrawn() public {
        address next = vm.addr(5);
        vm.startPrank(authority);
        registry.transferAuthority(next);
        registry.transferAuthority(address(0));
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(I.DepartmentRegistryNotPendingAuthority.selector, next, address(0)));
        vm.prank(next);
        registry.acceptAuthority();
    }

    // ---- helpers ---------------------------------------------------------------------------------------------------

    function refuseRegister(
        bytes18 department,
        I.Kind kind,
        string memory name,
        string memory endpoint,
        string memory jwks,
        bytes memory reason
    ) private {
        I.NewSigner[] memory signers = threeSigners(department);
        vm.prank(authority);
        vm.expectRevert(reason);
        registry.register(department, kind, name, endpoint, jwks, signers);
    }

    function refuseRegisterWith(I.NewSigner[] memory signers, bytes memory reason) private {
        vm.prank(authority);
        vm.expectRevert(reason);
        registry.register(NEW, I.Kind.DEPARTMENT, "n", "", "{}", signers);
    }

    function refuseAdd(bytes18 department, I.NewSigner memory signer, bytes memory reason) private {
        vm.prank(signerOf(department, ADMIN));
        vm.expectRevert(reason);
        registry.addSigner(signer);
    }

    /// @dev For proofs that recover to some unforeseeable address: the selector is checked, and that it is not `signer`.
    function refuseAddAnyProver(bytes18 department, I.NewSigner memory signer) private {
        vm.prank(signerOf(department, ADMIN));
        (bool ok, bytes memory answer) = address(registry).call(abi.encodeCall(I.addSigner, (signer)));
        vm.assertFalse(ok, "refused");
        vm.assertEq(bytes32(bytes4(answer)), bytes32(I.DepartmentRegistryPossessionUnproven.selector), "reason");
        vm.assertEq(registry.signerOf(signer.signer).roles, 0, "not registered");
    }
}
