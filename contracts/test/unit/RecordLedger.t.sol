// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IRecordLedger as I} from "../../src/interfaces/IRecordLedger.sol";
import {BatchSlot, BatchSlotLib} from "../../src/libraries/BatchSlot.sol";

/// @title RecordLedger: every condition with its exact error, slots, statuses
contract RecordLedgerTest is Fixture {
    address private anchorer;

    function setUp() public override {
        super.setUp();
        anchorer = signerOf(FUND, ANCHOR);
    }

    // ---- anchor ----------------------------------------------------------------------------------------------------

    function testFuzz_anchoredBatchIsProvableAndAnyChangeIsNot(
        bytes32 root,
        uint32 size,
        uint8 suite,
        uint8 stream,
        uint8 bit
    ) public {
        vm.assume(root != 0 && size != 0 && suite != 0);
        stream = uint8(clamp(stream, 1, 3));
        anchorAs(anchorer, I.Batch(stream, 1, root, size, suite));
        vm.assertTrue(ledger.isAnchored(FUND, stream, 1, root, size, suite), "the batch itself");
        bytes32 otherRoot = root ^ bytes32(1 << uint256(bit));
        vm.assertFalse(ledger.isAnchored(FUND, stream, 1, otherRoot, size, suite), "bit of root");
        vm.assertFalse(ledger.isAnchored(FUND, stream, 1, root, size ^ uint32(1 << (bit % 32)), suite), "bit of size");
        vm.assertFalse(ledger.isAnchored(FUND, stream, 1, root, size, suite ^ uint8(1 << (bit % 8))), "bit of suite");
        vm.assertFalse(ledger.isAnchored(FUND, stream ^ uint8(1 << (bit % 8)), 1, root, size, suite), "bit of stream");
        vm.assertFalse(ledger.isAnchored(FUND, stream, 1 ^ uint64(1 << (bit % 64)), root, size, suite), "sequence");
        vm.assertFalse(ledger.isAnchored(ESTATE, stream, 1, root, size, suite), "other department");
        bytes32 slot = bytes32((uint256(keccak256(abi.encode(root, suite))) >> 32 << 32) + size);
        vm.assertEq(ledger.slotOf(FUND, stream, 1), slot, "slot as documented");
    }

    function test_emptySlotIsNeverAnchored() public view {
        vm.assertFalse(ledger.isAnchored(FUND, RECORDS, 1, 0, 0, 0), "zeros");
        vm.assertEq(ledger.slotOf(FUND, RECORDS, 1), 0, "empty");
    }

    function test_anchorRefusesMalformedBatches() public {
        refuseAnchor(I.Batch(0, 1, "r", 1, 1), abi.encodeWithSelector(I.RecordLedgerStreamOutOfRange.selector, 0, 3));
        refuseAnchor(I.Batch(4, 1, "r", 1, 1), abi.encodeWithSelector(I.RecordLedgerStreamOutOfRange.selector, 4, 3));
        refuseAnchor(I.Batch(1, 0, "r", 1, 1), abi.encodeWithSelector(I.RecordLedgerSequenceZero.selector, 1));
        refuseAnchor(I.Batch(1, 1, 0, 1, 1), abi.encodeWithSelector(I.RecordLedgerRootZero.selector, 1, 1));
        refuseAnchor(I.Batch(1, 1, "r", 0, 1), abi.encodeWithSelector(I.RecordLedgerSizeZero.selector, 1, 1));
        refuseAnchor(I.Batch(1, 1, "r", 1, 0), abi.encodeWithSelector(I.RecordLedgerSuiteZero.selector, 1, 1));
    }

    function testFuzz_anchorRefusesAGap(uint8 stream, uint64 sequence) public {
        stream = uint8(clamp(stream, 1, 3));
        sequence = uint64(clamp(sequence, 3, type(uint64).max));
        anchorAs(anchorer, batch(stream, 1, 5));
        bytes memory reason = abi.encodeWithSelector(I.RecordLedgerSequenceGap.selector, stream, sequence, sequence - 1);
        refuseAnchor(batch(stream, sequence, 5), reason);
    }

    function testFuzz_anchorIsOnceAndForEver(bytes32 root, uint32 size, uint8 suite) public {
        vm.assume(root != 0 && size != 0 && suite != 0);
        I.Batch memory first = batch(RECORDS, 1, 5);
        anchorAs(anchorer, first);
        refuseAnchor(first, abi.encodeWithSelector(I.RecordLedgerAlreadyAnchored.selector, RECORDS, 1));
        vm.assume(root != first.root || size != first.size || suite != first.suite);
        BatchSlot offered = BatchSlotLib.pack(root, size, suite);
        BatchSlot stored = BatchSlotLib.pack(first.root, first.size, first.suite);
        bytes memory reason = abi.encodeWithSelector(I.RecordLedgerSlotTaken.selector, RECORDS, 1, offered, stored);
        refuseAnchor(I.Batch(RECORDS, 1, root, size, suite), reason);
    }

    function test_oneCallAnchorsSeveralStreamsAndSequences() public {
        I.Batch[] memory batches = new I.Batch[](16);
        for (uint64 i = 0; i < 16; ++i) {
            batches[i] = batch(uint8(1 + i % 2), 1 + i / 2, uint32(1 + i));
        }
        vm.prank(anchorer);
        ledger.anchor(batches, noMarks(), "state");
        for (uint256 i = 0; i < 16; ++i) {
            I.Batch memory b = batches[i];
            vm.assertTrue(ledger.isAnchored(FUND, b.stream, b.sequence, b.root, b.size, b.suite), "each of them");
        }
    }

    function test_aBadBatchUndoesTheWholeCall() public {
        I.Batch[] memory batches = new I.Batch[](2);
        (batches[0], batches[1]) = (batch(RECORDS, 1, 1), batch(READS, 2, 1));
        vm.prank(anchorer);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerSequenceGap.selector, READS, 2, 1));
        ledger.anchor(batches, noMarks(), 0);
        vm.assertEq(ledger.slotOf(FUND, RECORDS, 1), 0, "nothing half-written");
        vm.assertEq(ledger.accumulatorOf(FUND, RECORDS), 0, "nothing folded");
    }

    function test_callsAreBoundedAndNotEmpty() public {
        vm.startPrank(anchorer);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerNothingToDo.selector));
        ledger.anchor(new I.Batch[](0), noMarks(), 0);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerTooManyBatches.selector, 17, 16));
        ledger.anchor(new I.Batch[](17), noMarks(), 0);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerTooManyWords.selector, 257, 256));
        ledger.anchor(oneBatch(batch(RECORDS, 1, 1)), new I.Mark[](257), 0);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerNothingToDo.selector));
        ledger.setStatus(1, new uint32[](0), new uint256[](0), 1, 0);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerTooManyWords.selector, 513, 512));
        ledger.setStatus(1, new uint32[](513), new uint256[](513), 1, 0);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerWordsAndMasksDiffer.selector, 2, 1));
        ledger.setStatus(1, new uint32[](2), new uint256[](1), 1, 0);
        vm.stopPrank();
    }

    function test_suspendedDepartmentCannotSlipRecordsInBesideReads() public {
        suspend(FUND);
        I.Batch[] memory batches = new I.Batch[](2);
        (batches[0], batches[1]) = (batch(READS, 1, 1), batch(ANSWERS, 1, 1));
        vm.prank(anchorer);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerDepartmentSuspended.selector, FUND, ANSWERS));
        ledger.anchor(batches, noMarks(), 0);
    }

    // ---- marks and status ------------------------------------------------------------------------------------------

    function test_marksSupersedeLeavesOfThisAndEarlierBatches() public {
        anchorAs(anchorer, batch(RECORDS, 1, 300));
        I.Mark[] memory marks = new I.Mark[](2);
        marks[0] = I.Mark(1, 2, 1 << 86); // leaf 299, the last one
        marks[1] = I.Mark(2, 0, 1); // of the batch in this very call
        vm.prank(anchorer);
        ledger.anchor(oneBatch(batch(RECORDS, 2, 1)), marks, 0);
        requireStatus(1, 299, 1);
        requireStatus(1, 298, 0);
        requireStatus(2, 0, 1);
    }

    function test_marksTravelAloneToo() public {
        anchorAs(anchorer, batch(RECORDS, 1, 300));
        suspend(FUND);
        vm.prank(anchorer);
        ledger.anchor(new I.Batch[](0), oneMark(I.Mark(1, 0, 4)), 0);
        requireStatus(1, 1, 1);
    }

    function test_statusOfEmptySlotAndBeyondTheEnd() public {
        (bool anchored, uint8 status) = ledger.statusOf(FUND, 1, 0);
        vm.assertFalse(anchored, "nothing there");
        vm.assertEq(status, 0, "no status");
        anchorAs(anchorer, batch(RECORDS, 1, 128));
        requireStatus(1, 127, 0);
        vm.expectRevert(abi.encodeWithSelector(I.RecordLedgerIndexOutOfRange.selector, 1, 128, 128));
        ledger.statusOf(FUND, 1, 128);
    }

    function test_onlyRecordsHaveStatus() public {
        anchorAs(anchorer, batch(READS, 1, 10));
        refuseStatus(1, 0, 1, 2, abi.encodeWithSelector(I.RecordLedgerNotAnchored.selector, FUND, 1));
    }

    function testFuzz_statusRunsFromOneToThree(uint8 status) public {
        vm.assume(status == 0 || status > 3);
        anchorAs(anchorer, batch(RECORDS, 1, 10));
        refuseStatus(1, 0, 1, status, abi.encodeWithSelector(I.RecordLedgerStatusOutOfRange.selector, status, 3));
    }

    function testFuzz_masksStayInsideTheBatch(uint32 size, uint32 word, uint256 mask) public {
        size = uint32(clamp(size, 1, 1000));
        word = uint32(clamp(word, 0, 9));
        if (mask % 2 == 0) mask = mask & 0x5555555555555555555555555555555555555555555555555555555555555555;
        anchorAs(anchorer, batch(RECORDS, 1, size));
        uint256 first = uint256(word) * 128;
        if (first >= size) {
            bytes memory beyond = abi.encodeWithSelector(I.RecordLedgerIndexOutOfRange.selector, 1, first, size);
            refuseStatus(1, word, mask, 2, beyond);
            return;
        }
        // reference: walk over all bits
        bool fits = mask != 0;
        for (uint256 bit = 0; bit < 256; ++bit) {
            if ((mask >> bit) & 1 == 1 && (bit % 2 == 1 || first + bit / 2 >= size)) fits = false;
        }
        if (!fits) {
            bytes4 selector = I.RecordLedgerMaskOutOfRange.selector;
            refuseStatus(1, word, mask, 2, abi.encodeWithSelector(selector, 1, word, mask, size));
            return;
        }
        vm.prank(anchorer);
        ledger.setStatus(1, oneWord(word), oneMask(mask), 2, 0);
        for (uint256 leaf = 0; leaf < 128 && first + leaf < size; ++leaf) {
            requireStatus(1, uint32(first + leaf), (mask >> (2 * leaf)) & 1 == 1 ? 2 : 0);
        }
    }

    function test_statusRisesAndNeverFalls() public {
        anchorAs(anchorer, batch(RECORDS, 1, 200));
        set(1, 5, 2); // leaves 0 and 1 revoked
        bytes4 lowered = I.RecordLedgerStatusLowered.selector;
        refuseStatus(1, 1, 1, 1, ""); // word 1 is untouched: allowed
        refuseStatus(1, 0, 21, 1, abi.encodeWithSelector(lowered, 1, 0, 5, 1));
        set(1, 1, 3);
        refuseStatus(1, 0, 5, 2, abi.encodeWithSelector(lowered, 1, 0, 1, 2));
        requireStatus(1, 0, 3);
        requireStatus(1, 1, 2);
        vm.prank(anchorer);
        vm.expectRevert(abi.encodeWithSelector(lowered, 1, 0, 1, 1));
        ledger.anchor(oneBatch(batch(RECORDS, 2, 1)), oneMark(I.Mark(1, 0, 1)), 0);
    }

    function test_repeatingAStatusIsSilentAndChangesNothing() public {
        anchorAs(anchorer, batch(RECORDS, 1, 200));
        set(1, 5, 2);
        bytes32 before = ledger.accumulatorOf(FUND, RECORDS);
        vm.recordLogs();
        set(1, 5, 2);
        vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
        vm.assertEq(ledger.accumulatorOf(FUND, RECORDS), before, "nothing folded");
        vm.expectEmit(true, true, true, true, address(ledger));
        emit I.StatusSet(FUND, 1, 0, 16, 2, 7); // only the leaf that rose
        vm.prank(anchorer);
        ledger.setStatus(1, oneWord(0), oneMask(21), 2, 7);
    }

    // ---- helpers ---------------------------------------------------------------------------------------------------

    function set(uint64 sequence, uint256 mask, uint8 status) private {
        vm.prank(anchorer);
        ledger.setStatus(sequence, oneWord(0), oneMask(mask), status, 0);
    }

    function requireStatus(uint64 sequence, uint32 index, uint8 expected) private view {
        (bool anchored, uint8 status) = ledger.statusOf(FUND, sequence, index);
        vm.assertTrue(anchored, "anchored");
        vm.assertEq(status, expected, "status");
    }

    function refuseAnchor(I.Batch memory item, bytes memory reason) private {
        vm.prank(anchorer);
        vm.expectRevert(reason);
        ledger.anchor(oneBatch(item), noMarks(), 0);
    }

    /// @dev an empty reason expects success
    function refuseStatus(uint64 sequence, uint32 word, uint256 mask, uint8 status, bytes memory reason) private {
        vm.prank(anchorer);
        if (reason.length != 0) vm.expectRevert(reason);
        ledger.setStatus(sequence, oneWord(word), oneMask(mask), status, 0);
    }
}
