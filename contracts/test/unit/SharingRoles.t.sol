// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {ISharingRegistry as I} from "../../src/interfaces/ISharingRegistry.sol";

/// @title SharingRegistry: the table of every state-changing function × everyone who could call it
/// @notice Request n of ESTATE to FUND stands in the state that row n needs. tests/unit/chain/test_artifacts.py checks that
///         no function is missing.
contract SharingRolesTest is Fixture {
    uint256 private constant REQUESTER = 1;
    uint256 private constant PROVIDER = 2;
    uint256 private constant AUTHORITY = 4;
    /// @dev any signer, of a suspended department too
    uint256 private constant ANY_SIGNER = 8;
    /// @dev whoever calls becomes the requester
    uint256 private constant ANYONE_ELSE = 16;

    struct Row {
        string name;
        bytes data;
        uint256 may;
    }

    Row[] private rows;
    uint64 private last;

    function setUp() public override {
        super.setUp();
        loadYears();
        publishDataset(1, 1);
        tabulate();
        vm.warp(1_790_000_000 - 1 days); // every clock is over, no term is
    }

    function test_everyFunctionServesItsCallersOnly() public {
        for (uint256 i = 0; i < rows.length; ++i) {
            Row memory row = rows[i];
            attempt(row, signerOf(ESTATE, LAW), "requester", row.may & (REQUESTER | ANY_SIGNER) != 0);
            attempt(row, signerOf(FUND, LAW), "provider", row.may & (PROVIDER | ANY_SIGNER) != 0);
            attempt(row, authority, "authority", row.may & AUTHORITY != 0);
            attempt(row, signerOf(BANK, LAW), "another", row.may & (ANY_SIGNER | ANYONE_ELSE) != 0);
            attempt(row, signerOf(FUND, ANCHOR), "its ANCHOR", row.may & ANY_SIGNER != 0);
            attempt(row, signerOf(FUND, ADMIN), "its ADMIN", row.may & ANY_SIGNER != 0);
            attempt(row, signerOf(ESTATE, ANCHOR), "the requester's ANCHOR", row.may & ANY_SIGNER != 0);
            attempt(row, stranger, "a stranger", false);
        }
    }

    function test_suspendedDepartmentsActNoMore() public {
        suspend(ESTATE);
        suspend(FUND);
        for (uint256 i = 0; i < rows.length; ++i) {
            Row memory row = rows[i];
            attempt(row, signerOf(ESTATE, LAW), "suspended requester", row.may & ANY_SIGNER != 0);
            attempt(row, signerOf(FUND, LAW), "suspended provider", row.may & ANY_SIGNER != 0);
        }
    }

    function test_refusalsByName() public {
        address caller = signerOf(FUND, LAW);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryNotAuthority.selector, caller, authority));
        sharing.fileClosing(ESTATE, 1, DOCUMENT);
        vm.prank(signerOf(BANK, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryNotProvider.selector, BANK, FUND));
        sharing.refuse(ESTATE, 1, 1, DOCUMENT);
        suspend(FUND);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(I.SharingRegistryDepartmentSuspended.selector, FUND));
        sharing.refuse(ESTATE, 1, 1, DOCUMENT);
    }

    function attempt(Row memory row, address caller, string memory who, bool expected) private {
        uint256 snapshot = vm.snapshotState();
        vm.prank(caller);
        (bool done,) = address(sharing).call(row.data);
        vm.assertEq(done, expected, string.concat(row.name, " by ", who));
        vm.revertToState(snapshot);
    }

    // ---- the table -------------------------------------------------------------------------------------------------

    function tabulate() private {
        I.Application memory a = application(1000);
        add("submit", abi.encodeCall(I.submit, (a)), REQUESTER | ANYONE_ELSE);
        uint64 n = submitted();
        add("withdraw", abi.encodeCall(I.withdraw, (n)), REQUESTER);
        add("askSupplement", abi.encodeCall(I.askSupplement, (ESTATE, n, DOCUMENT)), PROVIDER);
        add("flagScope", abi.encodeCall(I.flagScope, (ESTATE, n, DOCUMENT)), PROVIDER);
        add("askExtension", abi.encodeCall(I.askExtension, (ESTATE, n, 5, DOCUMENT)), PROVIDER);
        add("refuse", abi.encodeCall(I.refuse, (ESTATE, n, 1, DOCUMENT)), PROVIDER);
        bytes memory yes = abi.encodeCall(I.agree, (ESTATE, n, terms(), all(), 0, I.Cover.NONE, DOCUMENT));
        add("agree", yes, PROVIDER);
        add("recordOverdue", abi.encodeCall(I.recordOverdue, (ESTATE, n)), ANY_SIGNER);
        tabulateExtension();
        tabulateSupplement();
        tabulateDispute();
        tabulateGrant();
        tabulateNegotiation();
        tabulateSuspension();
    }

    function tabulateExtension() private {
        uint64 n = submitted();
        vm.prank(signerOf(FUND, LAW));
        sharing.askExtension(ESTATE, n, 5, DOCUMENT);
        add("consentExtension", abi.encodeCall(I.consentExtension, (ESTATE, n, 5, DOCUMENT)), AUTHORITY);
        n = submitted();
        vm.prank(signerOf(FUND, LAW));
        sharing.askExtension(ESTATE, n, 5, DOCUMENT);
        vm.prank(authority);
        sharing.consentExtension(ESTATE, n, 5, DOCUMENT);
        add("extend", abi.encodeCall(I.extend, (ESTATE, n, 5, DOCUMENT)), PROVIDER);
        n = submitted();
        vm.prank(signerOf(FUND, LAW));
        sharing.flagScope(ESTATE, n, DOCUMENT);
        add("reviewScope", abi.encodeCall(I.reviewScope, (ESTATE, n, terms(), all(), DOCUMENT)), AUTHORITY);
    }

    function tabulateSupplement() private {
        uint64 n = submitted();
        vm.prank(signerOf(FUND, LAW));
        sharing.askSupplement(ESTATE, n, DOCUMENT);
        bytes memory again = abi.encodeCall(I.resubmit, (n, terms(), false, LEGAL_BASIS, DOCUMENT));
        add("resubmit", again, REQUESTER);
        add("recordWithdrawn", abi.encodeCall(I.recordWithdrawn, (ESTATE, n)), ANY_SIGNER);
    }

    function tabulateDispute() private {
        uint64 n = submitted();
        vm.prank(signerOf(FUND, LAW));
        sharing.refuse(ESTATE, n, 1, DOCUMENT);
        add("dispute", abi.encodeCall(I.dispute, (n, DOCUMENT)), REQUESTER);
        n = submitted();
        vm.prank(signerOf(FUND, LAW));
        sharing.refuse(ESTATE, n, 1, DOCUMENT);
        vm.prank(signerOf(ESTATE, LAW));
        sharing.dispute(n, DOCUMENT);
        bytes memory decision =
            abi.encodeCall(I.settleDispute, (ESTATE, n, terms(), all(), I.Cover.NONE, DOCUMENT));
        add("settleDispute", decision, AUTHORITY);
    }

    function tabulateGrant() private {
        uint64 n = submitted();
        agreeTo(ESTATE, n, terms());
        add("deliver", abi.encodeCall(I.deliver, (ESTATE, n, 999, terms(), DOCUMENT)), PROVIDER);
        n = delivered();
        add("proposeChange", abi.encodeCall(I.proposeChange, (ESTATE, n, terms(), DOCUMENT)), PROVIDER);
        add("proposeStop", abi.encodeCall(I.proposeStop, (ESTATE, n, DOCUMENT)), PROVIDER);
        add("suspendUse", abi.encodeCall(I.suspendUse, (ESTATE, n, 5, DOCUMENT)), PROVIDER | AUTHORITY);
        add("close", abi.encodeCall(I.close, (n, DOCUMENT)), REQUESTER);
        n = delivered();
        vm.prank(signerOf(ESTATE, LAW));
        sharing.close(n, DOCUMENT);
        add("recordDisposal", abi.encodeCall(I.recordDisposal, (n, DOCUMENT)), REQUESTER);
        I.Terms memory short = terms();
        short.validTo = uint40(block.timestamp + 1 days);
        shareWith(ESTATE, ++last, short);
        add("recordExpired", abi.encodeCall(I.recordExpired, (ESTATE, last)), ANY_SIGNER);
    }

    function tabulateNegotiation() private {
        uint64 n = delivered();
        vm.prank(signerOf(FUND, LAW));
        sharing.proposeChange(ESTATE, n, terms(), DOCUMENT);
        add("keepTerms", abi.encodeCall(I.keepTerms, (ESTATE, n, DOCUMENT)), PROVIDER);
        add("acceptChange", abi.encodeCall(I.acceptChange, (n, terms(), DOCUMENT)), REQUESTER);
        n = delivered();
        vm.prank(signerOf(FUND, LAW));
        sharing.proposeStop(ESTATE, n, DOCUMENT);
        add("fileClosing", abi.encodeCall(I.fileClosing, (ESTATE, n, DOCUMENT)), AUTHORITY);
    }

    function tabulateSuspension() private {
        uint64 n = delivered();
        vm.prank(signerOf(FUND, LAW));
        sharing.suspendUse(ESTATE, n, 5, DOCUMENT);
        add("reportRectification", abi.encodeCall(I.reportRectification, (n, DOCUMENT)), REQUESTER);
        add("resume", abi.encodeCall(I.resume, (ESTATE, n, DOCUMENT)), PROVIDER | AUTHORITY);
        add("terminate", abi.encodeCall(I.terminate, (ESTATE, n, DOCUMENT)), PROVIDER | AUTHORITY);
    }

    function add(string memory name, bytes memory data, uint256 may) private {
        rows.push(Row(name, data, may));
    }

    function all() private pure returns (I.Scope memory) {
        return scopeOf(terms());
    }

    function submitted() private returns (uint64 number) {
        number = ++last;
        submitAs(ESTATE, application(number));
    }

    function delivered() private returns (uint64 number) {
        number = ++last;
        shareWith(ESTATE, number, terms());
    }
}
