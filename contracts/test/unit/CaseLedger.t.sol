// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {ICaseLedger as I} from "../../src/interfaces/ICaseLedger.sol";

/// @title CaseLedger: every condition with its exact error, membership, closing
contract CaseLedgerTest is Fixture {
    bytes32 private constant ROOT = keccak256("subjects");

    function test_openedCaseIsReadable() public {
        open(CASE_NO, two());
        I.Case memory found = cases.caseOf(FUND, CASE_NO);
        vm.assertEq(found.scenario, SCENARIO, "scenario");
        vm.assertEq(found.subjectsRoot, ROOT, "root");
        vm.assertEq(found.subjectCount, 2, "count");
        vm.assertEq(found.openedAt, block.timestamp, "opened");
        vm.assertEq(found.closedAt, 0, "not closed");
        vm.assertEq(found.participants.length, 2, "participants");
        vm.assertEq(bytes32(found.participants[1]), bytes32(BANK), "second participant");
    }

    function test_openForLeadAndParticipantsWhileOpen() public {
        vm.assertFalse(cases.isOpenFor(FUND, CASE_NO, FUND), "no case yet");
        open(CASE_NO, two());
        vm.assertTrue(cases.isOpenFor(FUND, CASE_NO, FUND), "lead");
        vm.assertTrue(cases.isOpenFor(FUND, CASE_NO, ESTATE), "participant");
        vm.assertTrue(cases.isOpenFor(FUND, CASE_NO, BANK), "other receiver");
        vm.assertFalse(cases.isOpenFor(FUND, CASE_NO, NOBODY), "not a participant");
        vm.assertFalse(cases.isOpenFor(ESTATE, CASE_NO, ESTATE), "another lead's number");
        vm.prank(signerOf(FUND, LAW));
        cases.close(CASE_NO, 9);
        vm.assertFalse(cases.isOpenFor(FUND, CASE_NO, FUND), "closed for the lead");
        vm.assertFalse(cases.isOpenFor(FUND, CASE_NO, ESTATE), "closed for a participant");
        vm.assertEq(cases.caseOf(FUND, CASE_NO).outcome, 9, "outcome");
        vm.assertEq(cases.caseOf(FUND, CASE_NO).closedAt, block.timestamp, "closed at");
    }

    function test_leadsDoNotSquatEachOthersNumbers() public {
        open(CASE_NO, two());
        vm.prank(signerOf(ESTATE, LAW));
        cases.open(CASE_NO, OTHER_SCENARIO, new bytes18[](0), ROOT, 1);
        vm.assertEq(cases.caseOf(FUND, CASE_NO).scenario, SCENARIO, "FUND's case");
        vm.assertEq(cases.caseOf(ESTATE, CASE_NO).scenario, OTHER_SCENARIO, "ESTATE's case");
    }

    function test_openConditions() public {
        refuseOpen(0, two(), ROOT, 1, abi.encodeWithSelector(I.CaseLedgerCaseNoZero.selector, FUND));
        refuseOpen(CASE_NO, two(), 0, 1, abi.encodeWithSelector(I.CaseLedgerSubjectsMissing.selector, bytes32(0), 1));
        refuseOpen(CASE_NO, two(), ROOT, 0, abi.encodeWithSelector(I.CaseLedgerSubjectsMissing.selector, ROOT, 0));
        bytes memory reason = abi.encodeWithSelector(I.CaseLedgerTooManyParticipants.selector, 33, 32);
        refuseOpen(CASE_NO, new bytes18[](33), ROOT, 1, reason);
        bytes18[] memory unknown = two();
        unknown[1] = NOBODY;
        refuseOpen(CASE_NO, unknown, ROOT, 1, abi.encodeWithSelector(I.CaseLedgerParticipantUnknown.selector, NOBODY));
        open(CASE_NO, two());
        reason = abi.encodeWithSelector(I.CaseLedgerCaseNoTaken.selector, FUND, CASE_NO, block.timestamp);
        refuseOpen(CASE_NO, two(), ROOT, 1, reason);
    }

    function test_aClosedNumberStaysTaken() public {
        open(CASE_NO, two());
        vm.prank(signerOf(FUND, LAW));
        cases.close(CASE_NO, 0);
        bytes memory reason = abi.encodeWithSelector(I.CaseLedgerCaseNoTaken.selector, FUND, CASE_NO, block.timestamp);
        refuseOpen(CASE_NO, two(), ROOT, 1, reason);
    }

    function test_thirtyTwoParticipants() public {
        bytes18[] memory many = new bytes18[](32);
        for (uint256 i = 0; i < 32; ++i) {
            many[i] = i == 31 ? BANK : ESTATE;
        }
        open(CASE_NO, many);
        vm.assertTrue(cases.isOpenFor(FUND, CASE_NO, BANK), "the last of 32");
    }

    function test_subjectsGrowWhileOpen() public {
        open(CASE_NO, two());
        vm.startPrank(signerOf(FUND, LAW));
        cases.addSubject(CASE_NO, keccak256("three"));
        vm.assertEq(cases.caseOf(FUND, CASE_NO).subjectCount, 3, "count");
        vm.assertEq(cases.caseOf(FUND, CASE_NO).subjectsRoot, keccak256("three"), "root");
        vm.expectRevert(abi.encodeWithSelector(I.CaseLedgerSubjectsMissing.selector, bytes32(0), 4));
        cases.addSubject(CASE_NO, 0);
        vm.warp(block.timestamp + 60);
        cases.close(CASE_NO, 1);
        bytes memory closed = abi.encodeWithSelector(I.CaseLedgerCaseClosed.selector, FUND, CASE_NO, block.timestamp);
        vm.expectRevert(closed);
        cases.addSubject(CASE_NO, keccak256("four"));
        vm.expectRevert(closed);
        cases.close(CASE_NO, 1);
        vm.expectRevert(abi.encodeWithSelector(I.CaseLedgerCaseUnknown.selector, FUND, bytes32("ELSE")));
        cases.addSubject("ELSE", ROOT);
        vm.stopPrank();
    }

    function two() private pure returns (bytes18[] memory list) {
        list = new bytes18[](2);
        (list[0], list[1]) = (ESTATE, BANK);
    }

    function open(bytes32 caseNo, bytes18[] memory participants) private {
        vm.prank(signerOf(FUND, LAW));
        cases.open(caseNo, SCENARIO, participants, ROOT, 2);
    }

    function refuseOpen(bytes32 caseNo, bytes18[] memory participants, bytes32 root, uint32 count, bytes memory reason)
        private
    {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(reason);
        cases.open(caseNo, SCENARIO, participants, root, count);
    }
}
