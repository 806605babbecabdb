// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {ICorrectionRegistry} from "../../src/interfaces/ICorrectionRegistry.sol";
import {IRecordLedger} from "../../src/interfaces/IRecordLedger.sol";
import {IWorkCalendar} from "../../src/interfaces/IWorkCalendar.sol";

/// @title Gas limits of whole transactions (intrinsic gas and calldata included)
/// @notice Every call of these tests runs as a transaction of its own (isolate): cold storage, real intrinsic gas.
///         The figures are kept in snapshots/gas.json; contracts/scripts/check-snapshots fails when one drifts.
contract GasTest is Fixture {
    uint256 private constant FIRST_LIMIT = 105_000;
    uint256 private constant NEXT_LIMIT = 70_000;
    uint256 private constant STATUS_LIMIT = 25_000_000;
    uint256 private constant DEADLINE_LIMIT = 50_000;
    uint256 private constant EVEN = 0x5555555555555555555555555555555555555555555555555555555555555555;

    address private anchorer;

    function setUp() public override {
        super.setUp();
        anchorer = signerOf(FUND, ANCHOR);
    }

    /// forge-config: default.isolate = true
    function test_anchorFirstAndNext() public {
        uint32[5] memory sizes = [uint32(1), 100, 1024, 65_536, type(uint32).max];
        string[5] memory names = ["1", "100", "1024", "65536", "max"];
        for (uint64 i = 0; i < 5; ++i) {
            vm.prank(anchorer);
            ledger.anchor(oneBatch(dense(RECORDS, i + 1, sizes[i])), noMarks(), 0);
            string memory name = i == 0 ? "anchor_first_1" : string.concat("anchor_next_", names[i]);
            uint256 gas = vm.snapshotGasLastCall("gas", name);
            vm.assertLe(gas, i == 0 ? FIRST_LIMIT : NEXT_LIMIT, name);
        }
    }

    /// forge-config: default.isolate = true
    function test_anchorWithStateRootAndLargeSequence() public {
        // the densest calldata one batch can have: no zero byte that could be one
        for (uint64 i = 1; i <= 300; ++i) {
            vm.prank(anchorer);
            ledger.anchor(oneBatch(dense(RECORDS, i, type(uint32).max)), noMarks(), bytes32(type(uint256).max));
        }
        uint256 gas = vm.snapshotGasLastCall("gas", "anchor_next_dense");
        vm.assertLe(gas, NEXT_LIMIT, "anchor_next_dense");
    }

    /// forge-config: default.isolate = true
    function test_anchorThreeStreams() public {
        for (uint64 i = 1; i <= 2; ++i) {
            IRecordLedger.Batch[] memory batches = new IRecordLedger.Batch[](3);
            (batches[0], batches[1], batches[2]) =
            (dense(RECORDS, i, 1024), dense(READS, i, 1024), dense(ANSWERS, i, 1024));
            vm.prank(anchorer);
            ledger.anchor(batches, noMarks(), 0);
        }
        vm.snapshotGasLastCall("gas", "anchor_three_streams_next");
    }

    /// forge-config: default.isolate = true
    function test_anchorWithOneMark() public {
        anchorAs(anchorer, dense(RECORDS, 1, 1024));
        vm.prank(anchorer);
        ledger.anchor(oneBatch(dense(RECORDS, 2, 1024)), oneMark(IRecordLedger.Mark(1, 0, 1)), 0);
        vm.snapshotGasLastCall("gas", "anchor_next_with_mark");
    }

    /// @dev 100,000 leaves of two batches of 65,536; worst case: every word is empty before.
    /// forge-config: default.isolate = true
    function test_setStatusOf100000Leaves() public {
        anchorAs(anchorer, dense(RECORDS, 1, 65_536));
        anchorAs(anchorer, dense(RECORDS, 2, 65_536));
        uint256 total = setAll(1, 512, 128) + setAll(2, 270, 32);
        vm.snapshotValue("gas", "set_status_100000", total);
        vm.assertLe(total, STATUS_LIMIT, "set_status_100000");
    }

    /// forge-config: default.isolate = true
    function test_catalogueCorrectionAndAuthorisation() public {
        vm.prank(signerOf(FUND, LAW));
        catalog.propose(proposal(1, 1));
        vm.snapshotGasLastCall("gas", "dataset_propose");
        vm.prank(authority);
        catalog.publish(FUND, 1, 1, DOCUMENT);
        vm.snapshotGasLastCall("gas", "dataset_publish");
        giveGrant(FUND, 1, BANK, 1);
        vm.prank(signerOf(BANK, LAW));
        corrections.open(opening(1, 1));
        vm.snapshotGasLastCall("gas", "correction_open");
        vm.prank(signerOf(FUND, LAW));
        corrections.answer(BANK, 1, ICorrectionRegistry.State.CORRECTED, DOCUMENT);
        vm.snapshotGasLastCall("gas", "correction_answer");
        bytes32 commitment = keccak256(abi.encode(DOCUMENT));
        vm.prank(signerOf(BANK, LAW));
        authorisations.record("id", DOCUMENT, commitment, START + 90 days);
        vm.snapshotGasLastCall("gas", "authorisation_record");
        vm.prank(signerOf(FUND, ANCHOR));
        authorisations.withdraw(BANK, "id", DOCUMENT);
        vm.snapshotGasLastCall("gas", "authorisation_withdraw");
    }

    /// @param count words to set; of the last one only `lastLeaves` leaves
    function setAll(uint64 sequence, uint32 count, uint256 lastLeaves) private returns (uint256 gas) {
        uint32[] memory words = new uint32[](count);
        uint256[] memory masks = new uint256[](count);
        for (uint32 i = 0; i < count; ++i) {
            (words[i], masks[i]) = (i, EVEN);
        }
        if (lastLeaves < 128) masks[count - 1] = EVEN & ((1 << (2 * lastLeaves)) - 1);
        vm.prank(anchorer);
        ledger.setStatus(sequence, words, masks, 3, 1);
        string memory name = string.concat("set_status_words_", sequence == 1 ? "512" : "270");
        return vm.snapshotGasLastCall("gas", name);
    }

    /// @dev a root without a zero byte, so that calldata is as dear as it can be
    /// @dev What an overdue call pays for its deadline: the usual term, and the longest one over three years.
    /// forge-config: default.isolate = true
    function test_deadlines() public {
        loadYears();
        vm.prank(authority);
        calendar.loadYear(2027, everyWeekday(2027));
        uint40 start = uint40(uint256(20_450) * 1 days); // 2025-12-28
        calendar.deadlineAfter(start + 30 days, 10);
        vm.assertLe(vm.snapshotGasLastCall("gas", "deadline_10_wd"), DEADLINE_LIMIT, "usual");
        IWorkCalendar.Interval[] memory pauses = new IWorkCalendar.Interval[](16);
        for (uint32 i = 0; i < 16; ++i) {
            pauses[i] = IWorkCalendar.Interval(20_460 + 20 * i, 20_465 + 20 * i);
        }
        calendar.deadlineAfterWithPauses(start, 250, pauses);
        vm.assertLe(vm.snapshotGasLastCall("gas", "deadline_250_wd_16_pauses"), 3 * DEADLINE_LIMIT, "longest");
    }

    function dense(uint8 stream, uint64 sequence, uint32 size) private pure returns (IRecordLedger.Batch memory item) {
        item = batch(stream, sequence, size);
        item.root |= 0x0101010101010101010101010101010101010101010101010101010101010101;
    }
}
