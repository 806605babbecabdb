// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {RegistriesReplica} from "./RegistriesReplica.sol";
import {ICaseLedger} from "../../src/interfaces/ICaseLedger.sol";
import {IDatasetCatalog} from "../../src/interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "../../src/interfaces/IDepartmentRegistry.sol";

/// @title Everything that can happen to departments, datasets and cases, mirrored by a replica
/// @notice Every action picks inputs that are allowed now, so none may revert; who is refused what is tested in unit/.
contract RegistriesHandler is Fixture {
    RegistriesReplica public immutable replica = new RegistriesReplica();

    bytes18[] private names = [FUND, ESTATE, BANK];
    address[] private signers;
    uint32[3] private lastSerial;
    uint64 private lastCase;
    uint256 private generation;
    uint256 private number = 100;
    uint256 private time = 1_780_000_000;
    address private office = authority;

    constructor() {
        vm.recordLogs();
        setUp();
        replica.ingest(vm.getRecordedLogs(), number, time);
        loadDecades();
        vm.getRecordedLogs(); // the calendar has no replica here
        for (uint256 i = 0; i < 3; ++i) {
            signers.push(signerOf(names[i], LAW));
        }
    }

    /// @dev sets the chain's clock before, rebuilds the replica after
    modifier action(uint256 seed) {
        number += seed % 3;
        time += seed % 17;
        vm.roll(number);
        vm.warp(time);
        _;
        replica.ingest(vm.getRecordedLogs(), number, time);
    }

    // ---- authority -------------------------------------------------------------------------------------------------

    function register(uint256 seed) external action(seed) {
        if (names.length >= 8) return;
        bytes18 name = bytes18(bytes32("12411599MBMORE0000") | bytes32(names.length << 112));
        names.push(name);
        IDepartmentRegistry.NewSigner[] memory first = threeSigners(name);
        vm.prank(office);
        registry.register(name, IDepartmentRegistry.Kind(1 + seed % 2), unicode"测试", "https://x.test", "{}", first);
    }

    function suspendOrReinstate(uint256 who, uint256 seed) external action(seed) {
        bytes18 name = names[who % names.length];
        bool running = registry.isActive(name);
        vm.prank(office);
        if (running) registry.suspend(name, uint8(seed));
        else registry.reinstate(name);
    }

    function markCompromised(uint256 who, uint256 seed) external action(seed) {
        bytes18 name = names[who % names.length];
        IDepartmentRegistry.Department memory found = registry.departmentOf(name);
        uint256 latest = found.compromisedSince == 0 ? number : found.compromisedSince;
        vm.prank(office);
        registry.markCompromised(name, uint64(clamp(seed, found.registeredBlock, latest)));
    }

    function handOver(uint256 seed) external action(seed) {
        address next = vm.addr(1000 + ++generation);
        vm.prank(office);
        registry.transferAuthority(next);
        if (seed % 3 == 0) return; // never accepted
        vm.prank(next);
        registry.acceptAuthority();
        office = next;
    }

    // ---- departments -----------------------------------------------------------------------------------------------

    function addSigner(uint256 who, uint256 seed) external action(seed) {
        (bytes18 name, bool found) = active(who);
        if (!found) return;
        IDepartmentRegistry.NewSigner memory signer =
            newSigner(name, uint256(keccak256(abi.encode("more", ++generation))) >> 8, uint8(clamp(seed, 1, 7)));
        signers.push(signer.signer);
        vm.prank(signerOf(name, ADMIN));
        registry.addSigner(signer);
    }

    function retireSigner(uint256 which, uint256 seed) external action(seed) {
        if (signers.length == 3) return; // the first three act in the other actions
        address signer = signers[3 + which % (signers.length - 3)];
        IDepartmentRegistry.Signer memory found = registry.signerOf(signer);
        if (found.toBlock != 0 || !registry.isActive(found.department)) return;
        vm.prank(signerOf(found.department, ADMIN));
        registry.retireSigner(signer);
    }

    function publishKeys(uint256 who, uint256 seed) external action(seed) {
        (bytes18 name, bool found) = active(who);
        if (!found) return;
        vm.prank(signerOf(name, ADMIN));
        if (seed % 2 == 0) registry.publishKeys(string(abi.encodePacked(seed)));
        else registry.changeEndpoint(string(abi.encodePacked(seed)));
    }

    // ---- datasets --------------------------------------------------------------------------------------------------

    function propose(uint256 who, uint256 which, uint256 seed) external action(seed) {
        (uint256 owner, bool found) = activeOwner(who);
        if (!found) return;
        uint32 serial = uint32(clamp(which, 1, lastSerial[owner] + 1));
        uint16 version = 1;
        while (!isProposable(names[owner], serial, version)) ++version;
        if (version > 3) return;
        if (serial > lastSerial[owner]) lastSerial[owner] = serial;
        IDatasetCatalog.Proposal memory p = proposal(serial, version);
        p.shareType = uint8(1 + seed % 3);
        if (p.shareType == 3) p.noShareBasis = keccak256("basis");
        p.authorisationRequired = seed % 2 == 0;
        p.schemaHash = keccak256(abi.encode(seed));
        if (seed % 5 == 0) p.purposes = oneId(OTHER_PURPOSE);
        vm.prank(signerOf(names[owner], LAW));
        catalog.propose(p);
    }

    function returnPublishOrRetire(uint256 who, uint256 which, uint256 version, uint256 seed) external action(seed) {
        bytes18 owner = names[who % 2];
        uint32 serial = uint32(clamp(which, 1, 1 + lastSerial[who % 2]));
        uint16 v = uint16(clamp(version, 1, 3));
        IDatasetCatalog.State state = catalog.entryOf(owner, serial, v).state;
        vm.startPrank(office);
        if (state == IDatasetCatalog.State.PROPOSED && seed % 3 == 0) {
            catalog.returnForChange(owner, serial, v, keccak256(abi.encode(seed)));
        } else if (state == IDatasetCatalog.State.PROPOSED) {
            catalog.publish(owner, serial, v, DOCUMENT);
        } else if (state == IDatasetCatalog.State.PUBLISHED && seed % 4 == 0) {
            catalog.retire(owner, serial, v, DOCUMENT);
        }
        vm.stopPrank();
    }

    function openOrExtendUpdate(uint256 who, uint256 which, uint256 seed) external action(seed) {
        (uint256 owner, bool found) = activeOwner(who);
        uint32 serial = uint32(clamp(which, 1, 1 + lastSerial[owner]));
        IDatasetCatalog.Serial memory whole = catalog.serialOf(names[owner], serial);
        bool byOwner = found && seed % 2 == 0;
        vm.startPrank(byOwner ? signerOf(names[owner], LAW) : office);
        if (whole.updateOpenedAt == 0 && whole.publishedVersions != 0) {
            catalog.openUpdate(names[owner], serial, DOCUMENT);
        } else if (whole.updateOpenedAt != 0 && !byOwner && !whole.updateExtended && !whole.updateOverdue) {
            catalog.extendUpdate(names[owner], serial, DOCUMENT);
        }
        vm.stopPrank();
    }

    /// @dev Time goes by, at most four weeks, until something of a dataset is late.
    function recordLateness(uint256 who, uint256 which, uint256 version, uint256 seed) external action(seed) {
        bytes18 owner = names[who % 2];
        uint32 serial = uint32(clamp(which, 1, 1 + lastSerial[who % 2]));
        uint16 v = uint16(clamp(version, 1, 3));
        time += clamp(seed, 0, 28 days);
        vm.warp(time);
        uint40 deadline = catalog.reviewDeadlineOf(owner, serial, v);
        bool late = deadline != 0 && deadline <= time && !catalog.entryOf(owner, serial, v).reviewOverdue;
        vm.startPrank(signers[seed % 3]);
        if (late) catalog.recordReviewOverdue(owner, serial, v);
        deadline = catalog.updateDeadlineOf(owner, serial);
        late = deadline != 0 && deadline <= time && !catalog.serialOf(owner, serial).updateOverdue;
        if (late) catalog.recordUpdateOverdue(owner, serial);
        vm.stopPrank();
    }

    // ---- cases -----------------------------------------------------------------------------------------------------

    function openCase(uint256 who, uint256 seed) external action(seed) {
        (bytes18 lead, bool found) = active(who % 3);
        if (!found) return;
        bytes18[] memory participants = new bytes18[](seed % (names.length + 1));
        for (uint256 i = 0; i < participants.length; ++i) {
            participants[i] = names[i];
        }
        ++lastCase;
        vm.prank(signerOf(lead, LAW));
        cases.open(bytes32(uint256(lastCase)), SCENARIO, participants, keccak256(abi.encode(seed)), 1);
    }

    function growOrCloseCase(uint256 who, uint256 which, uint256 seed) external action(seed) {
        (bytes18 lead, bool found) = active(who % 3);
        bytes32 caseNo = bytes32(clamp(which, 1, lastCase + 1));
        if (!found || !cases.isOpenFor(lead, caseNo, lead)) return;
        vm.prank(signerOf(lead, LAW));
        if (seed % 3 == 0) cases.close(caseNo, uint8(seed));
        else cases.addSubject(caseNo, keccak256(abi.encode(seed)));
    }

    // ---- what must hold --------------------------------------------------------------------------------------------

    function checkAll() external view {
        vm.assertEq(registry.authority(), replica.authority(), "authority");
        vm.assertEq(registry.pendingAuthority(), replica.pendingAuthority(), "pending authority");
        vm.assertEq(registry.authorityAccumulator(), replica.accumulator(address(registry), ""), "authority's events");
        for (uint256 i = 0; i < names.length; ++i) {
            checkDepartment(names[i]);
            checkCases(names[i]);
        }
        for (uint256 i = 0; i < signers.length; ++i) {
            bytes memory stored = abi.encode(registry.signerOf(signers[i]));
            vm.assertEq(stored, abi.encode(replica.signerOf(signers[i])), "signer");
        }
        for (uint256 owner = 0; owner < 2; ++owner) {
            checkDatasets(owner);
        }
    }

    function checkDepartment(bytes18 name) private view {
        bytes memory stored = abi.encode(registry.departmentOf(name));
        vm.assertEq(stored, abi.encode(replica.departmentOf(name)), "department");
        bytes32 acc = replica.accumulator(address(registry), abi.encode(name));
        vm.assertEq(registry.accumulatorOf(name), acc, "department's events");
        uint256[] memory changes = replica.changesOf(name);
        vm.assertFalse(registry.isActiveAt(name, uint64(changes[0] - 1)), "not before its registration");
        for (uint256 i = 0; i < changes.length; ++i) {
            bool expected = replica.activeAtEndOf(name, changes[i]);
            vm.assertEq(registry.isActiveAt(name, uint64(changes[i])), expected, "active from the change");
            uint256 last = i + 1 < changes.length ? changes[i + 1] - 1 : number;
            vm.assertEq(registry.isActiveAt(name, uint64(last)), expected, "active until the next change");
        }
    }

    function checkDatasets(uint256 owner) private view {
        bytes18 name = names[owner];
        bytes32 acc = replica.accumulator(address(catalog), abi.encode(name));
        vm.assertEq(catalog.ownerAccumulatorOf(name), acc, "owner's datasets");
        for (uint32 serial = 1; serial <= lastSerial[owner] + 1; ++serial) {
            acc = replica.accumulator(address(catalog), abi.encode(name, serial));
            vm.assertEq(catalog.accumulatorOf(name, serial), acc, "dataset's events");
            bytes memory whole = abi.encode(catalog.serialOf(name, serial));
            vm.assertEq(whole, abi.encode(replica.serialOf(name, serial)), "serial");
            for (uint16 version = 1; version <= 4; ++version) {
                bytes memory stored = abi.encode(catalog.entryOf(name, serial, version));
                vm.assertEq(stored, abi.encode(replica.entryOf(name, serial, version)), "entry");
                bool named = replica.names(name, serial, version, PURPOSE);
                named = named || replica.entryOf(name, serial, version).shareType == 1;
                vm.assertEq(catalog.allowsPurpose(name, serial, version, PURPOSE), named, "purpose");
            }
        }
    }

    function checkCases(bytes18 name) private view {
        bytes32 acc = replica.accumulator(address(cases), abi.encode(name));
        vm.assertEq(cases.leadAccumulatorOf(name), acc, "lead's cases");
        for (uint256 i = 1; i <= lastCase; ++i) {
            bytes memory stored = abi.encode(cases.caseOf(name, bytes32(i)));
            vm.assertEq(stored, abi.encode(replica.caseOf(name, bytes32(i))), "case");
            acc = replica.accumulator(address(cases), abi.encode(name, bytes32(i)));
            vm.assertEq(cases.accumulatorOf(name, bytes32(i)), acc, "case's events");
        }
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    function active(uint256 who) private view returns (bytes18 name, bool found) {
        name = names[who % names.length];
        found = registry.isActive(name);
    }

    /// @return owner index of FUND or ESTATE, the departments that own datasets here
    function activeOwner(uint256 who) private view returns (uint256 owner, bool found) {
        owner = who % 2;
        found = registry.isActive(names[owner]);
    }

    function isProposable(bytes18 owner, uint32 serial, uint16 version) private view returns (bool) {
        IDatasetCatalog.State state = catalog.entryOf(owner, serial, version).state;
        return state == IDatasetCatalog.State.NONE || state == IDatasetCatalog.State.RETURNED;
    }
}
