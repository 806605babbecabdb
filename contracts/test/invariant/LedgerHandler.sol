// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {LedgerReplica} from "./LedgerReplica.sol";
import {IDepartmentRegistry} from "../../src/interfaces/IDepartmentRegistry.sol";
import {IRecordLedger} from "../../src/interfaces/IRecordLedger.sol";

/// @title What departments, strangers and the authority do to a RecordLedger, with what must come of it
/// @notice Every action expects an exact outcome from the ghost state: success, or one error. It never reverts itself.
contract LedgerHandler is Fixture {
    uint256 private constant EVEN = 0x5555555555555555555555555555555555555555555555555555555555555555;

    LedgerReplica public immutable replica = new LedgerReplica();

    /// @dev ghost state: every batch ever accepted, and the status of every leaf
    mapping(bytes18 department => mapping(uint8 stream => IRecordLedger.Batch[])) private batches;
    mapping(bytes18 department => mapping(uint64 sequence => mapping(uint32 index => uint8))) private statuses;
    mapping(bytes18 department => uint256) private anchorKeys;
    uint256 private generation;
    uint256 private number = 100;
    uint256 private time = 1_780_000_000;

    constructor() {
        setUp();
        vm.recordLogs();
        for (uint256 d = 0; d < 2; ++d) {
            anchorKeys[department(d)] = keyOf(department(d), ANCHOR);
        }
    }

    /// @dev sets the chain's clock before, rebuilds the replica after
    modifier action(uint256 seed) {
        number += seed % 3;
        time += seed % 17;
        vm.roll(number);
        vm.warp(time);
        _;
        replay();
    }

    // ---- actions ---------------------------------------------------------------------------------------------------

    function anchorNext(uint256 who, uint256 stream, uint256 count, uint256 size) external action(size) {
        bytes18 owner = department(who);
        IRecordLedger.Batch[] memory list = new IRecordLedger.Batch[](clamp(count, 1, 3));
        uint8 first = uint8(clamp(stream, 1, 3));
        bool refused = false;
        uint8 refusedStream;
        uint64[4] memory ahead;
        for (uint256 i = 0; i < list.length; ++i) {
            uint8 s = uint8(1 + (first + i * (count % 2)) % 3);
            list[i] = batch(s, height(owner, s) + ++ahead[s], uint32(clamp(size >> i, 1, 300)));
            if (!refused && s != READS && !registry.isActive(owner)) (refused, refusedStream) = (true, s);
        }
        bytes memory reason = refused
            ? abi.encodeWithSelector(IRecordLedger.RecordLedgerDepartmentSuspended.selector, owner, refusedStream)
            : bytes("");
        attempt(anchorer(owner), abi.encodeCall(IRecordLedger.anchor, (list, noMarks(), bytes32(size))), reason);
        for (uint256 i = 0; !refused && i < list.length; ++i) {
            batches[owner][list[i].stream].push(list[i]);
        }
    }

    function anchorAgain(uint256 who, uint256 stream, uint256 which, uint256 change) external action(change) {
        bytes18 owner = department(who);
        uint8 s = READS;
        if (registry.isActive(owner)) s = uint8(clamp(stream, 1, 3));
        if (height(owner, s) == 0) return;
        IRecordLedger.Batch memory item = batches[owner][s][which % height(owner, s)];
        bytes32 stored = ledger.slotOf(owner, s, item.sequence);
        if (change % 4 == 0) item.root ^= bytes32(1 << (change % 256));
        if (change % 4 == 1) item.size += 1;
        if (change % 4 == 2) item.suite += 1;
        bytes memory reason;
        if (change % 4 == 3) {
            reason = abi.encodeWithSelector(IRecordLedger.RecordLedgerAlreadyAnchored.selector, s, item.sequence);
        } else {
            bytes28 digest = bytes28(keccak256(abi.encode(item.root, item.suite)));
            bytes32 offered = bytes32(abi.encodePacked(digest, item.size));
            bytes4 selector = IRecordLedger.RecordLedgerSlotTaken.selector;
            reason = abi.encodeWithSelector(selector, s, item.sequence, offered, stored);
        }
        attempt(anchorer(owner), abi.encodeCall(IRecordLedger.anchor, (oneBatch(item), noMarks(), 0)), reason);
    }

    function anchorAhead(uint256 who, uint256 stream, uint256 gap) external action(gap) {
        bytes18 owner = department(who);
        uint8 s = READS;
        if (registry.isActive(owner)) s = uint8(clamp(stream, 1, 3));
        uint64 sequence = height(owner, s) + 1 + uint64(clamp(gap, 1, 1000));
        bytes4 selector = IRecordLedger.RecordLedgerSequenceGap.selector;
        bytes memory call = abi.encodeCall(IRecordLedger.anchor, (oneBatch(batch(s, sequence, 1)), noMarks(), 0));
        attempt(anchorer(owner), call, abi.encodeWithSelector(selector, s, sequence, sequence - 1));
    }

    function anchorByOther(uint256 who, uint256 caller) external action(caller) {
        bytes18 owner = department(who);
        address[4] memory others = [authority, stranger, signerOf(owner, LAW), signerOf(owner, ADMIN)];
        address other = others[caller % 4];
        bytes memory reason;
        if (caller % 4 < 2) {
            reason = abi.encodeWithSelector(IDepartmentRegistry.DepartmentRegistrySignerUnknown.selector, other);
        } else {
            bytes4 selector = IDepartmentRegistry.DepartmentRegistryRoleMissing.selector;
            reason = abi.encodeWithSelector(selector, other, registry.signerOf(other).roles, ANCHOR);
        }
        IRecordLedger.Batch memory item = batch(READS, height(owner, READS) + 1, 1);
        attempt(other, abi.encodeCall(IRecordLedger.anchor, (oneBatch(item), noMarks(), 0)), reason);
        attempt(other, abi.encodeCall(IRecordLedger.setStatus, (1, oneWord(0), oneMask(1), 1, 0)), reason);
    }

    /// @param status 0 = status 1 as a mark of `anchor`, else through `setStatus`
    function setStatus(uint256 who, uint256 which, uint256 word, uint256 mask, uint256 status) external action(mask) {
        bytes18 owner = department(who);
        if (height(owner, RECORDS) == 0) return;
        IRecordLedger.Batch memory item = batches[owner][RECORDS][which % height(owner, RECORDS)];
        IRecordLedger.Mark memory mark = selection(item, word, mask);
        status %= 4;
        uint8 target = status == 0 ? 1 : uint8(status);
        bytes memory reason = raiseGhost(owner, mark, target);
        attempt(anchorer(owner), statusCall(mark, target, status == 0), reason);
    }

    function suspendOrReinstate(uint256 who, uint256 pause) external action(pause) {
        bytes18 owner = department(who);
        bool active = registry.isActive(owner);
        vm.prank(authority);
        if (active) registry.suspend(owner, 1);
        else registry.reinstate(owner);
    }

    /// @dev A new ANCHOR key; the old one is retired and must not work any more.
    function rotate(uint256 who, uint256 pause) external action(pause) {
        bytes18 owner = department(who);
        if (!registry.isActive(owner)) return;
        address old = anchorer(owner);
        uint256 key = uint256(keccak256(abi.encode("rotated", ++generation))) >> 8;
        IDepartmentRegistry.NewSigner memory fresh = newSigner(owner, key, ANCHOR);
        vm.startPrank(signerOf(owner, ADMIN));
        registry.addSigner(fresh);
        registry.retireSigner(old);
        vm.stopPrank();
        anchorKeys[owner] = key;
        bytes4 selector = IDepartmentRegistry.DepartmentRegistrySignerRetired.selector;
        IRecordLedger.Batch memory item = batch(READS, height(owner, READS) + 1, 1);
        bytes memory call = abi.encodeCall(IRecordLedger.anchor, (oneBatch(item), noMarks(), 0));
        attempt(old, call, abi.encodeWithSelector(selector, old, number));
    }

    // ---- what must hold --------------------------------------------------------------------------------------------

    /// @dev After every action: accumulators equal the replay, every stream ends where the ghost ends.
    function checkHeads() external view {
        for (uint256 d = 0; d < 2; ++d) {
            bytes18 owner = department(d);
            for (uint8 s = 1; s <= 3; ++s) {
                uint64 last = height(owner, s);
                vm.assertEq(ledger.accumulatorOf(owner, s), replica.accumulators(owner, s), "accumulator");
                vm.assertEq(replica.heights(owner, s), last, "one event a batch");
                vm.assertEq(ledger.slotOf(owner, s, last + 1), 0, "nothing after the last");
            }
        }
    }

    /// @dev At the end of a run: every batch ever accepted stands unchanged, every status is the ghost's.
    function checkAll() external view {
        for (uint256 d = 0; d < 2; ++d) {
            for (uint8 s = 1; s <= 3; ++s) {
                checkBatches(department(d), s);
            }
            checkStatuses(department(d));
        }
    }

    function checkBatches(bytes18 owner, uint8 stream) private view {
        IRecordLedger.Batch[] storage list = batches[owner][stream];
        for (uint64 i = 0; i < list.length; ++i) {
            IRecordLedger.Batch memory b = list[i];
            vm.assertEq(b.sequence, i + 1, "no gap, no double");
            vm.assertTrue(ledger.isAnchored(owner, stream, i + 1, b.root, b.size, b.suite), "root never changes");
            vm.assertEq(ledger.slotOf(owner, stream, i + 1), replica.slots(owner, stream, i + 1), "slot replayed");
        }
    }

    function checkStatuses(bytes18 owner) private view {
        IRecordLedger.Batch[] storage list = batches[owner][RECORDS];
        for (uint64 i = 0; i < list.length; ++i) {
            uint64 sequence = i + 1;
            for (uint32 leaf = 0; leaf < list[i].size; ++leaf) {
                (bool anchored, uint8 status) = ledger.statusOf(owner, sequence, leaf);
                vm.assertTrue(anchored, "anchored");
                vm.assertEq(status, statuses[owner][sequence][leaf], "status as the ghost");
                vm.assertEq(status, replica.statuses(owner, sequence, leaf), "status replayed");
            }
        }
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    /// @return reason why it must be refused; empty when the ghost was raised
    function raiseGhost(bytes18 owner, IRecordLedger.Mark memory mark, uint8 status)
        private
        returns (bytes memory reason)
    {
        mapping(uint32 => uint8) storage ghost = statuses[owner][mark.sequence];
        uint32 first = 128 * mark.word;
        uint256 lowered;
        for (uint32 leaf = 0; leaf < 128; ++leaf) {
            bool selected = (mark.mask >> (2 * leaf)) & 1 == 1;
            if (selected && ghost[first + leaf] > status) lowered |= 1 << (2 * leaf);
        }
        if (lowered != 0) {
            bytes4 selector = IRecordLedger.RecordLedgerStatusLowered.selector;
            return abi.encodeWithSelector(selector, mark.sequence, mark.word, lowered, status);
        }
        for (uint32 leaf = 0; leaf < 128; ++leaf) {
            if ((mark.mask >> (2 * leaf)) & 1 == 1) ghost[first + leaf] = status;
        }
    }

    /// @return mark at least one leaf of a word that `item` has
    function selection(IRecordLedger.Batch memory item, uint256 word, uint256 mask)
        private
        pure
        returns (IRecordLedger.Mark memory mark)
    {
        mark.sequence = item.sequence;
        mark.word = uint32(word % (1 + (item.size - 1) / 128));
        uint256 leaves = item.size - 128 * uint256(mark.word);
        mark.mask = (mask & EVEN) & (leaves >= 128 ? type(uint256).max : (1 << (2 * leaves)) - 1);
        if (mark.mask == 0) mark.mask = 1;
    }

    function replay() private {
        replica.ingest(vm.getRecordedLogs(), address(ledger), number, time);
    }

    /// @dev An empty reason expects success. forge records the logs of reverted calls too: those are dropped here.
    function attempt(address caller, bytes memory call, bytes memory reason) private {
        replay();
        vm.prank(caller);
        (bool ok, bytes memory answer) = address(ledger).call(call);
        vm.assertEq(answer, reason, "exactly this outcome");
        vm.assertEq(ok, reason.length == 0, "success");
        if (!ok) vm.getRecordedLogs();
    }

    function statusCall(IRecordLedger.Mark memory mark, uint8 status, bool asMark) private pure returns (bytes memory) {
        if (asMark) {
            return abi.encodeCall(IRecordLedger.anchor, (new IRecordLedger.Batch[](0), oneMark(mark), 0));
        }
        return
            abi.encodeCall(IRecordLedger.setStatus, (mark.sequence, oneWord(mark.word), oneMask(mark.mask), status, 0));
    }

    function height(bytes18 owner, uint8 stream) private view returns (uint64) {
        return uint64(batches[owner][stream].length);
    }

    function anchorer(bytes18 owner) private view returns (address) {
        return vm.addr(anchorKeys[owner]);
    }

    function department(uint256 seed) private pure returns (bytes18) {
        return seed % 2 == 0 ? FUND : ESTATE;
    }
}
