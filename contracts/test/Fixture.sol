// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "./Base.sol";
import {AuthorisationRegistry} from "../src/AuthorisationRegistry.sol";
import {CaseLedger} from "../src/CaseLedger.sol";
import {CorrectionRegistry} from "../src/CorrectionRegistry.sol";
import {DatasetCatalog} from "../src/DatasetCatalog.sol";
import {DepartmentRegistry} from "../src/DepartmentRegistry.sol";
import {RecordLedger} from "../src/RecordLedger.sol";
import {SharingRegistry} from "../src/SharingRegistry.sol";
import {WorkCalendar} from "../src/WorkCalendar.sol";
import {ICorrectionRegistry} from "../src/interfaces/ICorrectionRegistry.sol";
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
    bytes32 internal constant DOCUMENT = keccak256("salted text of a step");
    /// @dev the tests begin on Friday 2026-05-29 04:26:40, UTC+8
    uint40 internal constant START = 1_780_000_000;

    address internal immutable authority = vm.addr(1);
    address internal immutable stranger = vm.addr(99);

    DepartmentRegistry internal registry;
    WorkCalendar internal calendar;
    DatasetCatalog internal catalog;
    RecordLedger internal ledger;
    CaseLedger internal cases;
    SharingRegistry internal sharing;
    CorrectionRegistry internal corrections;
    AuthorisationRegistry internal authorisations;

    bytes32 internal constant LEGAL_BASIS = keccak256("legal basis");
    /// @dev end of 2026, UTC+8: the last moment that clocks of the tests can reach
    uint40 internal constant CALENDAR_END = 1_798_732_800;

    function setUp() public virtual {
        vm.roll(100);
        vm.warp(START);
        registry = new DepartmentRegistry(authority);
        calendar = WorkCalendar(address(registry.calendar()));
        catalog = new DatasetCatalog(registry, calendar);
        ledger = new RecordLedger(registry);
        cases = new CaseLedger(registry);
        sharing = new SharingRegistry(registry, catalog);
        corrections = new CorrectionRegistry(registry, sharing, calendar);
        authorisations = new AuthorisationRegistry(registry);
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

    /// @dev enough for clocks of handlers that move on by weeks
    function loadDecades() internal {
        vm.startPrank(authority);
        for (uint16 year = 2026; year < 2046; ++year) {
            calendar.loadYear(year, everyWeekday(year));
        }
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

    /// @dev Personal, shared on conditions: 10 fields, 4 of them verifiable, 2 sensitive, 2 views.
    function proposal(uint32 serial, uint16 version) internal pure returns (IDatasetCatalog.Proposal memory) {
        bytes32[] memory purposes = new bytes32[](2);
        (purposes[0], purposes[1]) = (PURPOSE, OTHER_PURPOSE);
        return IDatasetCatalog.Proposal({
            serial: serial,
            version: version,
            schemaHash: keccak256("schema"),
            shareType: 2,
            fieldCount: 10,
            viewCount: 2,
            personal: true,
            authorisationRequired: false,
            verifiableMask: 0x0f,
            sensitiveMask: 0x300,
            secrecyAssessment: keccak256("secrecy"),
            impactAssessment: keccak256("impact"),
            headConsent: DOCUMENT,
            noShareBasis: 0,
            purposes: purposes
        });
    }

    function publishDataset(uint32 serial, uint16 version) internal {
        publishDatasetOf(FUND, serial, version);
    }

    function publishDatasetOf(bytes18 owner, uint32 serial, uint16 version) internal {
        vm.prank(signerOf(owner, LAW));
        catalog.propose(proposal(serial, version));
        vm.prank(authority);
        catalog.publish(owner, serial, version, DOCUMENT);
    }

    /// @dev A grant on version 1 of a published dataset, by a request with the same number.
    function giveGrant(bytes18 provider, uint64 number, bytes18 receiver, uint32 serial) internal {
        ISharingRegistry.Application memory a = application(number);
        (a.provider, a.serial) = (provider, serial);
        submitAs(receiver, a);
        ISharingRegistry.Cover cover = coverOf(receiver);
        vm.startPrank(signerOf(provider, LAW));
        sharing.agree(receiver, number, a.terms, scopeOf(a.terms), 0, cover, DOCUMENT);
        sharing.deliver(receiver, number, number, a.terms, DOCUMENT);
        vm.stopPrank();
    }

    /// @dev Of a value that came under a grant of FUND on version 1 of dataset 1.
    function opening(uint64 number, uint64 grantNumber) internal pure returns (ICorrectionRegistry.Opening memory) {
        return ICorrectionRegistry.Opening({
            number: number,
            provider: FUND,
            grantNumber: grantNumber,
            serial: 1,
            version: 1,
            target: keccak256("record and field"),
            evidence: keccak256("evidence"),
            document: DOCUMENT
        });
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

    function scopeOf(ISharingRegistry.Terms memory t) internal pure returns (ISharingRegistry.Scope memory) {
        return ISharingRegistry.Scope(t.verifyMask, t.queryMask, t.answerMask, t.batchMask);
    }

    /// @dev ESTATE asks FUND for its dataset 1 version 1.
    function application(uint64 number) internal pure returns (ISharingRegistry.Application memory) {
        return ISharingRegistry.Application(number, FUND, 1, 1, terms(), false, LEGAL_BASIS, DOCUMENT);
    }

    function submitAs(bytes18 requester, ISharingRegistry.Application memory a) internal {
        vm.prank(signerOf(requester, LAW));
        sharing.submit(a);
    }

    function coverOf(bytes18 requester) internal view returns (ISharingRegistry.Cover) {
        bool isDepartment = registry.departmentOf(requester).kind == IDepartmentRegistry.Kind.DEPARTMENT;
        return isDepartment ? ISharingRegistry.Cover.NONE : ISharingRegistry.Cover.CONSENT;
    }

    /// @dev FUND agrees to everything that was asked.
    function agreeTo(bytes18 requester, uint64 number, ISharingRegistry.Terms memory t) internal {
        ISharingRegistry.Cover cover = coverOf(requester);
        vm.prank(signerOf(FUND, LAW));
        sharing.agree(requester, number, t, scopeOf(t), 0, cover, DOCUMENT);
    }

    /// @dev The whole way from a request to grant `number` of FUND.
    function shareWith(bytes18 requester, uint64 number, ISharingRegistry.Terms memory t) internal {
        ISharingRegistry.Application memory a = application(number);
        a.terms = t;
        submitAs(requester, a);
        agreeTo(requester, number, t);
        vm.prank(signerOf(FUND, LAW));
        sharing.deliver(requester, number, number, t, DOCUMENT);
    }
}
