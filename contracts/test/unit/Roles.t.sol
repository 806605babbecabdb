// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IAuthorisationRegistry} from "../../src/interfaces/IAuthorisationRegistry.sol";
import {ICaseLedger} from "../../src/interfaces/ICaseLedger.sol";
import {ICorrectionRegistry} from "../../src/interfaces/ICorrectionRegistry.sol";
import {IDatasetCatalog} from "../../src/interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "../../src/interfaces/IDepartmentRegistry.sol";
import {IRecordLedger} from "../../src/interfaces/IRecordLedger.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";

/// @title Each role its own calls: the table of every state-changing function × every kind of caller
/// @notice Requests have parties, so their table is SharingRoles.t.sol. tests/unit/chain/test_artifacts.py checks that no
///         function is missing from the tables.
contract RolesTest is Fixture {
    enum May {
        AUTHORITY,
        PENDING_AUTHORITY,
        ANCHOR_SIGNER,
        LAW_SIGNER,
        ADMIN_SIGNER,
        AUTHORITY_OR_ADMIN_SIGNER,
        AUTHORITY_OR_LAW_SIGNER,
        ANY_SIGNER
    }

    bytes32 private constant SECRET = keccak256("withdrawal secret");

    /// @param suspended revert data when the department is suspended; empty when it may call all the same
    struct Row {
        string name;
        address target;
        bytes data;
        May may;
        bytes suspended;
    }

    Row[] private rows;
    address private pending = vm.addr(7);
    address private retired = vm.addr(keyOf(FUND, 7));

    function setUp() public override {
        super.setUp();
        IDepartmentRegistry.NewSigner memory all = newSigner(FUND, keyOf(FUND, 7), ANCHOR | LAW | ADMIN);
        vm.prank(signerOf(FUND, ADMIN));
        registry.addSigner(all);
        vm.prank(signerOf(FUND, ADMIN));
        registry.retireSigner(retired);
        vm.prank(authority);
        registry.transferAuthority(pending);

        anchorAs(signerOf(FUND, ANCHOR), batch(RECORDS, 1, 100));
        publishDataset(1, 1);
        giveGrant(FUND, 1, BANK, 1);
        vm.startPrank(signerOf(FUND, LAW));
        catalog.propose(proposal(2, 1));
        cases.open(CASE_NO, SCENARIO, new bytes18[](0), keccak256("subjects"), 1);
        authorisations.record("id", keccak256("signed"), keccak256(abi.encode(SECRET)), START + 1000 days);
        vm.stopPrank();
        loadYears();
        fileCorrections();
        updateDataset();
        vm.warp(START + 30 days); // everything open is late
        tabulateRegistry();
        tabulateCalendar();
        tabulateCatalog();
        tabulateLedger();
        tabulateCases();
        tabulateCorrections();
        tabulateAuthorisations();
    }

    /// @dev One addressed to FUND by the bank, one by FUND to the estate.
    function fileCorrections() private {
        publishDatasetOf(ESTATE, 6, 1);
        giveGrant(ESTATE, 6, FUND, 6);
        vm.prank(signerOf(BANK, LAW));
        corrections.open(opening(1, 1));
        vm.prank(signerOf(FUND, LAW));
        corrections.open(ownOpening(1));
    }

    function ownOpening(uint64 number) private pure returns (ICorrectionRegistry.Opening memory own) {
        own = opening(number, 6);
        (own.provider, own.serial) = (ESTATE, 6);
    }

    /// @dev Dataset 4 has an update clock running.
    function updateDataset() private {
        publishDataset(4, 1);
        vm.prank(authority);
        catalog.openUpdate(FUND, 4, DOCUMENT);
    }

    function test_everyFunctionServesItsCallerOnly() public {
        address[7] memory callers =
            [authority, pending, signerOf(FUND, ANCHOR), signerOf(FUND, LAW), signerOf(FUND, ADMIN), retired, stranger];
        for (uint256 r = 0; r < rows.length; ++r) {
            for (uint256 c = 0; c < callers.length; ++c) {
                bytes memory expected = refusal(rows[r], callers[c]);
                tryCall(rows[r], callers[c], expected);
            }
        }
    }

    function test_suspendedDepartmentAnchorsReadsAndSetsStatusOnly() public {
        suspend(FUND);
        for (uint256 r = 0; r < rows.length; ++r) {
            Row storage row = rows[r];
            if (row.may == May.AUTHORITY || row.may == May.PENDING_AUTHORITY) continue;
            tryCall(row, signerOf(FUND, roleOf(row.may)), row.suspended);
        }
    }

    /// @dev The signer of one department never acts for another: all it changes is keyed by its own department.
    function test_signersActForTheirOwnDepartment() public {
        vm.startPrank(signerOf(ESTATE, LAW));
        vm.expectRevert(abi.encodeWithSelector(ICaseLedger.CaseLedgerCaseUnknown.selector, ESTATE, CASE_NO));
        cases.close(CASE_NO, 1);
        vm.stopPrank();

        vm.startPrank(signerOf(ESTATE, LAW));
        vm.expectRevert(abi.encodeWithSelector(IDatasetCatalog.DatasetCatalogNotOwner.selector, ESTATE, FUND));
        catalog.openUpdate(FUND, 1, DOCUMENT);
        vm.expectRevert(
            abi.encodeWithSelector(ICorrectionRegistry.CorrectionRegistryNotAddressee.selector, ESTATE, FUND)
        );
        corrections.answer(BANK, 1, ICorrectionRegistry.State.MAINTAINED, DOCUMENT);
        vm.stopPrank();

        anchorAs(signerOf(ESTATE, ANCHOR), batch(RECORDS, 1, 7));
        vm.assertEq(uint256(ledger.slotOf(FUND, RECORDS, 1)) & type(uint32).max, 100, "FUND's batch is untouched");
        vm.assertEq(uint256(ledger.slotOf(ESTATE, RECORDS, 1)) & type(uint32).max, 7, "ESTATE has its own");

        address foreign = signerOf(FUND, LAW);
        vm.expectRevert(
            abi.encodeWithSelector(IDepartmentRegistry.DepartmentRegistrySignerForeign.selector, foreign, FUND, ESTATE)
        );
        vm.prank(signerOf(ESTATE, ADMIN));
        registry.retireSigner(foreign);
    }

    /// @dev Calls in a state that is taken back afterwards; `expected` is the exact revert data, empty for success.
    function tryCall(Row storage row, address caller, bytes memory expected) private {
        uint256 state = vm.snapshotState();
        vm.prank(caller);
        (bool ok, bytes memory answer) = row.target.call(row.data);
        vm.assertEq(ok, expected.length == 0, string.concat(row.name, ": success"));
        if (!ok) vm.assertEq(answer, expected, string.concat(row.name, ": reason"));
        vm.revertToState(state);
    }

    function refusal(Row storage row, address caller) private view returns (bytes memory) {
        if (isAllowed(row.may, caller)) return "";
        if (row.may == May.AUTHORITY) {
            return abi.encodeWithSelector(notAuthority(row.target), caller, authority);
        }
        if (row.may == May.PENDING_AUTHORITY) {
            return
                abi.encodeWithSelector(
                    IDepartmentRegistry.DepartmentRegistryNotPendingAuthority.selector, caller, pending
                );
        }
        return roleRefusal(caller, roleOf(row.may));
    }

    function notAuthority(address target) private view returns (bytes4) {
        if (target == address(catalog)) return IDatasetCatalog.DatasetCatalogNotAuthority.selector;
        if (target == address(calendar)) return IWorkCalendar.WorkCalendarNotAuthority.selector;
        return IDepartmentRegistry.DepartmentRegistryNotAuthority.selector;
    }

    function roleRefusal(address caller, uint8 required) private view returns (bytes memory) {
        if (caller == retired) {
            return
                abi.encodeWithSelector(
                    IDepartmentRegistry.DepartmentRegistrySignerRetired.selector, caller, block.number
                );
        }
        uint8 held = registry.signerOf(caller).roles;
        if (held == 0) {
            return abi.encodeWithSelector(IDepartmentRegistry.DepartmentRegistrySignerUnknown.selector, caller);
        }
        return
            abi.encodeWithSelector(IDepartmentRegistry.DepartmentRegistryRoleMissing.selector, caller, held, required);
    }

    function isAllowed(May may, address caller) private view returns (bool) {
        if (may == May.PENDING_AUTHORITY) return caller == pending;
        if (may == May.ANY_SIGNER) return caller != retired && registry.signerOf(caller).roles != 0;
        bool alsoAuthority = may == May.AUTHORITY_OR_LAW_SIGNER || may == May.AUTHORITY_OR_ADMIN_SIGNER;
        if (caller == authority) return may == May.AUTHORITY || alsoAuthority;
        return may != May.AUTHORITY && caller == signerOf(FUND, roleOf(may));
    }

    /// @return the one role that may; of ANY_SIGNER one that is enough
    function roleOf(May may) private pure returns (uint8) {
        if (may == May.ANCHOR_SIGNER || may == May.ANY_SIGNER) return ANCHOR;
        return may == May.ADMIN_SIGNER || may == May.AUTHORITY_OR_ADMIN_SIGNER ? ADMIN : LAW;
    }

    function add(string memory name, address target, bytes memory data, May may, bytes memory suspended) private {
        rows.push(Row(name, target, data, may, suspended));
    }

    function tabulateRegistry() private {
        bytes memory none = "";
        bytes memory shut = abi.encodeWithSelector(IDepartmentRegistry.DepartmentRegistrySuspended.selector, FUND);
        address on = address(registry);
        IDepartmentRegistry.NewSigner[] memory first = threeSigners(NOBODY);
        IDepartmentRegistry.NewSigner memory fresh = newSigner(FUND, keyOf(FUND, 6), LAW);
        IDepartmentRegistry.Kind kind = IDepartmentRegistry.Kind.DEPARTMENT;
        bytes memory call = abi.encodeCall(IDepartmentRegistry.register, (NOBODY, kind, "n", "", "{}", first));
        add("register", on, call, May.AUTHORITY, none);
        add("suspend", on, abi.encodeCall(IDepartmentRegistry.suspend, (FUND, 1)), May.AUTHORITY, none);
        suspend(BANK);
        add("reinstate", on, abi.encodeCall(IDepartmentRegistry.reinstate, (BANK)), May.AUTHORITY, none);
        call = abi.encodeCall(IDepartmentRegistry.markCompromised, (FUND, uint64(block.number)));
        add("markCompromised", on, call, May.AUTHORITY, none);
        call = abi.encodeCall(IDepartmentRegistry.transferAuthority, (stranger));
        add("transferAuthority", on, call, May.AUTHORITY, none);
        call = abi.encodeCall(IDepartmentRegistry.acceptAuthority, ());
        add("acceptAuthority", on, call, May.PENDING_AUTHORITY, none);
        add("addSigner", on, abi.encodeCall(IDepartmentRegistry.addSigner, (fresh)), May.ADMIN_SIGNER, shut);
        call = abi.encodeCall(IDepartmentRegistry.retireSigner, (signerOf(FUND, LAW)));
        add("retireSigner", on, call, May.ADMIN_SIGNER, shut);
        add("publishKeys", on, abi.encodeCall(IDepartmentRegistry.publishKeys, ("{}")), May.ADMIN_SIGNER, shut);
        call = abi.encodeCall(IDepartmentRegistry.changeEndpoint, ("https://new.test"));
        add("changeEndpoint", on, call, May.ADMIN_SIGNER, shut);
        tabulateRecovery(on, shut);
    }

    /// @dev ESTATE's recovery may be carried out; FUND's is announced and may be cancelled.
    function tabulateRecovery(address on, bytes memory shut) private {
        IDepartmentRegistry.NewSigner[] memory next = new IDepartmentRegistry.NewSigner[](1);
        next[0] = newSigner(ESTATE, keyOf(ESTATE, 60), ADMIN);
        vm.prank(authority);
        registry.announceRecovery(ESTATE, next);
        vm.warp(registry.recoveryDeadlineOf(ESTATE));
        next[0] = newSigner(FUND, keyOf(FUND, 60), ADMIN);
        vm.prank(authority);
        registry.announceRecovery(FUND, next);
        bytes memory call = abi.encodeCall(IDepartmentRegistry.announceRecovery, (FUND, next));
        add("announceRecovery", on, call, May.AUTHORITY, "");
        add("recover", on, abi.encodeCall(IDepartmentRegistry.recover, (ESTATE)), May.AUTHORITY, "");
        call = abi.encodeCall(IDepartmentRegistry.cancelRecovery, (FUND));
        add("cancelRecovery", on, call, May.AUTHORITY_OR_ADMIN_SIGNER, shut);
    }

    function tabulateCalendar() private {
        address on = address(calendar);
        uint32 later = calendar.dayOf(uint40(block.timestamp)) + 5;
        bytes memory call = abi.encodeCall(IWorkCalendar.loadYear, (2027, everyWeekday(2027)));
        add("loadYear", on, call, May.AUTHORITY, "");
        call = abi.encodeCall(IWorkCalendar.changeDays, (2026, everyWeekday(2026)));
        add("changeDays", on, call, May.AUTHORITY, "");
        call = abi.encodeCall(IWorkCalendar.declareOutage, (later, later));
        add("declareOutage", on, call, May.AUTHORITY, "");
        call = abi.encodeCall(IWorkCalendar.withdrawOutage, (later, later));
        add("withdrawOutage", on, call, May.AUTHORITY, "");
    }

    function tabulateCatalog() private {
        bytes memory shut = abi.encodeWithSelector(IDatasetCatalog.DatasetCatalogDepartmentSuspended.selector, FUND);
        address on = address(catalog);
        add("propose", on, abi.encodeCall(IDatasetCatalog.propose, (proposal(3, 1))), May.LAW_SIGNER, shut);
        bytes memory call = abi.encodeCall(IDatasetCatalog.returnForChange, (FUND, 2, 1, DOCUMENT));
        add("returnForChange", on, call, May.AUTHORITY, "");
        add("publish", on, abi.encodeCall(IDatasetCatalog.publish, (FUND, 2, 1, DOCUMENT)), May.AUTHORITY, "");
        add("retire", on, abi.encodeCall(IDatasetCatalog.retire, (FUND, 1, 1, DOCUMENT)), May.AUTHORITY, "");
        call = abi.encodeCall(IDatasetCatalog.recordReviewOverdue, (FUND, 2, 1));
        add("recordReviewOverdue", on, call, May.ANY_SIGNER, "");
        call = abi.encodeCall(IDatasetCatalog.openUpdate, (FUND, 1, DOCUMENT));
        add("openUpdate", on, call, May.AUTHORITY_OR_LAW_SIGNER, shut);
        add("extendUpdate", on, abi.encodeCall(IDatasetCatalog.extendUpdate, (FUND, 4, DOCUMENT)), May.AUTHORITY, "");
        call = abi.encodeCall(IDatasetCatalog.recordUpdateOverdue, (FUND, 4));
        add("recordUpdateOverdue", on, call, May.ANY_SIGNER, "");
    }

    function tabulateLedger() private {
        bytes memory shut =
            abi.encodeWithSelector(IRecordLedger.RecordLedgerDepartmentSuspended.selector, FUND, RECORDS);
        address on = address(ledger);
        bytes memory call = abi.encodeCall(IRecordLedger.anchor, (oneBatch(batch(RECORDS, 2, 1)), noMarks(), 0));
        add("anchor records", on, call, May.ANCHOR_SIGNER, shut);
        call = abi.encodeCall(IRecordLedger.anchor, (oneBatch(batch(READS, 1, 1)), noMarks(), 0));
        add("anchor reads", on, call, May.ANCHOR_SIGNER, "");
        call = abi.encodeCall(IRecordLedger.setStatus, (1, oneWord(0), oneMask(1), 2, 1));
        add("setStatus", on, call, May.ANCHOR_SIGNER, "");
    }

    function tabulateCases() private {
        bytes memory shut = abi.encodeWithSelector(ICaseLedger.CaseLedgerDepartmentSuspended.selector, FUND);
        address on = address(cases);
        bytes memory call =
            abi.encodeCall(ICaseLedger.open, ("XY-2", SCENARIO, new bytes18[](0), keccak256("subjects"), 1));
        add("open", on, call, May.LAW_SIGNER, shut);
        call = abi.encodeCall(ICaseLedger.addSubject, (CASE_NO, keccak256("more")));
        add("addSubject", on, call, May.LAW_SIGNER, shut);
        add("close", on, abi.encodeCall(ICaseLedger.close, (CASE_NO, 1)), May.LAW_SIGNER, shut);
    }

    function tabulateCorrections() private {
        bytes memory shut =
            abi.encodeWithSelector(ICorrectionRegistry.CorrectionRegistryDepartmentSuspended.selector, FUND);
        address on = address(corrections);
        add("open correction", on, abi.encodeCall(ICorrectionRegistry.open, (ownOpening(2))), May.LAW_SIGNER, shut);
        bytes memory call = abi.encodeCall(ICorrectionRegistry.withdraw, (1, DOCUMENT));
        add("withdraw correction", on, call, May.LAW_SIGNER, shut);
        ICorrectionRegistry.State outcome = ICorrectionRegistry.State.CORRECTED;
        call = abi.encodeCall(ICorrectionRegistry.answer, (BANK, 1, outcome, DOCUMENT));
        add("answer", on, call, May.LAW_SIGNER, shut);
        call = abi.encodeCall(ICorrectionRegistry.forward, (BANK, 1, ESTATE, DOCUMENT));
        add("forward", on, call, May.LAW_SIGNER, shut);
        call = abi.encodeCall(ICorrectionRegistry.recordOverdue, (BANK, 1));
        add("recordOverdue", on, call, May.ANY_SIGNER, "");
    }

    function tabulateAuthorisations() private {
        bytes memory shut =
            abi.encodeWithSelector(IAuthorisationRegistry.AuthorisationRegistryDepartmentSuspended.selector, FUND);
        address on = address(authorisations);
        bytes32 filled = keccak256("not zero");
        bytes memory call =
            abi.encodeCall(IAuthorisationRegistry.record, ("other", filled, filled, START + 1000 days));
        add("record authorisation", on, call, May.LAW_SIGNER, shut);
        call = abi.encodeCall(IAuthorisationRegistry.withdraw, (FUND, "id", SECRET));
        add("withdraw authorisation", on, call, May.ANY_SIGNER, "");
    }
}
