// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {CaseLedger} from "../src/CaseLedger.sol";
import {DatasetCatalog} from "../src/DatasetCatalog.sol";
import {DepartmentRegistry} from "../src/DepartmentRegistry.sol";
import {RecordLedger} from "../src/RecordLedger.sol";
import {SharingRegistry} from "../src/SharingRegistry.sol";
import {WorkCalendar} from "../src/WorkCalendar.sol";
import {IDatasetCatalog} from "../src/interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "../src/interfaces/IDepartmentRegistry.sol";
import {IRecordLedger} from "../src/interfaces/IRecordLedger.sol";
import {ISharingRegistry} from "../src/interfaces/ISharingRegistry.sol";
import {Days} from "../src/libraries/Days.sol";

/// @title A deployed set of contracts with two departments and one other receiver, one signer a role
abstract contract Fixture is Base {
    uint8 internal constant ANCHOR = 1;
    uint8 internal constant LAW = 2;
    uint8 internal constant ADMIN = 4;
    uint8 internal constant RECORDS = 1;
    uint8 internal constant READS = 2;
    uint8 internal constant ANSWERS = 3;

    bytes18 internal constant FUND = "12411599MBTEST0012";
    bytes18 internal constant ESTATE = "12411599MBTEST0023";
    bytes18 internal constant BANK = "91411599MBTEST0034";
    bytes18 internal constant NOBODY = "12411599MBTEST0099";
    bytes32 internal constant PURPOSE = "HOUSING-FUND-LOAN";
    bytes32 internal constant OTHER_PURPOSE = "STATISTICS";
    bytes32 internal constant SCENARIO = keccak256("new-home-loan");
    bytes32 internal constant OTHER_SCENARIO = keccak256("other");
    bytes32 internal constant CASE_NO = "XY-2026-000001";

    address internal immutable authority = vm.addr(1);
    address internal immutable stranger = vm.addr(99);

    DepartmentRegistry internal registry;
    WorkCalendar internal calendar;
    DatasetCatalog internal catalog;
    RecordLedger internal ledger;
    CaseLedger internal cases;
    SharingRegistry internal sharing;

    function setUp() public virtual {
        vm.roll(100);
        vm.warp(1_780_000_000);
        registry = new DepartmentRegistry(authority);
        calendar = WorkCalendar(address(registry.calendar()));
        catalog = new DatasetCatalog(registry);
        ledger = new RecordLedger(registry);
        cases = new CaseLedger(registry);
        sharing = new SharingRegistry(registry, catalog);
        registerDepartment(FUND, IDepartmentRegistry.Kind.DEPARTMENT);
        registerDepartment(ESTATE, IDepartmentRegistry.Kind.DEPARTMENT);
        registerDepartment(BANK, IDepartmentRegistry.Kind.OTHER_RECEIVER);
    }

    /// @return private key of the department's signer with exactly this role
    function keyOf(bytes18 department, uint8 role) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(department, role))) >> 8;
    }

    function signerOf(bytes18 department, uint8 role) internal pure returns (address) {
        return vm.addr(keyOf(department, role));
    }

    function newSigner(bytes18 department, uint256 key, uint8 roles)
        internal
        view
        returns (IDepartmentRegistry.NewSigner memory)
    {
        address signer = vm.addr(key);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, registry.possessionDigest(department, signer, roles));
        return IDepartmentRegistry.NewSigner(signer, roles, abi.encodePacked(r, s, v));
    }

    function threeSigners(bytes18 department) internal view returns (IDepartmentRegistry.NewSigner[] memory signers) {
        signers = new IDepartmentRegistry.NewSigner[](3);
        signers[0] = newSigner(department, keyOf(department, ANCHOR), ANCHOR);
        signers[1] = newSigner(department, keyOf(department, LAW), LAW);
        signers[2] = newSigner(department, keyOf(department, ADMIN), ADMIN);
    }

    function registerDepartment(bytes18 department, IDepartmentRegistry.Kind kind) internal {
        IDepartmentRegistry.NewSigner[] memory signers = threeSigners(department);
        vm.prank(authority);
        registry.register(department, kind, unicode"测试部门", "https://node.test", "{\"keys\":[]}", signers);
    }

    function suspend(bytes18 department) internal {
        vm.prank(authority);
        registry.suspend(department, 1);
    }

    /// @dev Monday to Friday, computed from the weekday of each day (1970-01-01 was a Thursday).
    function everyWeekday(uint16 year) internal pure returns (uint256[2] memory set) {
        uint256 start = Days.startOf(year);
        for (uint256 i = 0; i < Days.lengthOf(year); ++i) {
            if ((start + i + 3) % 7 < 5) set[i / 256] |= 1 << (i % 256);
        }
    }

    /// @dev 2025 and 2026, weekends only
    function loadYears() internal {
        vm.startPrank(authority);
        calendar.loadYear(2025, everyWeekday(2025));
        calendar.loadYear(2026, everyWeekday(2026));
        vm.stopPrank();
    }

    function batch(uint8 stream, uint64 sequence, uint32 size) internal pure returns (IRecordLedger.Batch memory) {
        return IRecordLedger.Batch(stream, sequence, keccak256(abi.encode(stream, sequence, size)), size, 1);
    }

    function oneBatch(IRecordLedger.Batch memory item) internal pure returns (IRecordLedger.Batch[] memory list) {
        list = new IRecordLedger.Batch[](1);
        list[0] = item;
    }

    function oneMark(IRecordLedger.Mark memory item) internal pure returns (IRecordLedger.Mark[] memory list) {
        list = new IRecordLedger.Mark[](1);
        list[0] = item;
    }

    function oneId(bytes32 item) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = item;
    }

    function oneWord(uint32 item) internal pure returns (uint32[] memory list) {
        list = new uint32[](1);
        list[0] = item;
    }

    function oneMask(uint256 item) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = item;
    }

    function noMarks() internal pure returns (IRecordLedger.Mark[] memory) {
        return new IRecordLedger.Mark[](0);
    }

    function anchorAs(address signer, IRecordLedger.Batch memory item) internal {
        vm.prank(signer);
        ledger.anchor(oneBatch(item), noMarks(), 0);
    }

    /// @dev A published dataset of FUND: 10 fields, 4 of them verifiable, 2 views.
    function proposal(uint32 serial, uint16 version) internal pure returns (IDatasetCatalog.Proposal memory) {
        bytes32[] memory purposes = new bytes32[](2);
        (purposes[0], purposes[1]) = (PURPOSE, OTHER_PURPOSE);
        return IDatasetCatalog.Proposal(serial, version, keccak256("schema"), 2, 10, 2, 0x0f, purposes);
    }

    function publishDataset(uint32 serial, uint16 version) internal {
        vm.prank(signerOf(FUND, LAW));
        catalog.propose(proposal(serial, version));
        vm.prank(authority);
        catalog.publish(FUND, serial, version);
    }

    function terms() internal pure returns (ISharingRegistry.Terms memory) {
        bytes32[] memory purposes = new bytes32[](2);
        (purposes[0], purposes[1]) = (PURPOSE, OTHER_PURPOSE);
        bytes32[] memory scenarios = new bytes32[](2);
        (scenarios[0], scenarios[1]) = (SCENARIO, OTHER_SCENARIO);
        return ISharingRegistry.Terms({
            verifyMask: 0x03,
            queryMask: 0x3f0,
            answerMask: 0x03,
            batchMask: 0x300,
            purposes: purposes,
            scenarios: scenarios,
            validFrom: 1_780_000_000,
            validTo: 1_790_000_000,
            usesPerCase: 5,
            standing: false
        });
    }
}
