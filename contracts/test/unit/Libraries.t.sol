// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.sol";
import {NaiveCalendar} from "../NaiveCalendar.sol";
import {Accumulator} from "../../src/libraries/Accumulator.sol";
import {BatchSlot, BatchSlotLib} from "../../src/libraries/BatchSlot.sol";
import {Bits} from "../../src/libraries/Bits.sol";
import {DaySet} from "../../src/libraries/DaySet.sol";
import {Days} from "../../src/libraries/Days.sol";
import {Keys} from "../../src/libraries/Keys.sol";
import {Masks} from "../../src/libraries/Masks.sol";
import {StatusWords} from "../../src/libraries/StatusWords.sol";

/// @title Libraries against plain reference code, and against the vectors that pytest reads too
contract LibrariesTest is Base {
    uint256 private constant EVEN = StatusWords.EVEN;

    // ---- keys ------------------------------------------------------------------------------------------------------

    function testFuzz_keysArePackedFromTheLeft(bytes18 department, uint8 stream, uint64 sequence, uint32 word)
        public
        pure
    {
        bytes32 key = Keys.batch(department, stream, sequence);
        vm.assertEq(key, bytes32(abi.encodePacked(department, stream, sequence, bytes5(0))), "batch");
        key = Keys.stream(department, stream);
        vm.assertEq(key, bytes32(abi.encodePacked(department, stream, bytes13(0))), "stream");
        key = Keys.word(department, sequence, word);
        vm.assertEq(key, bytes32(abi.encodePacked(department, sequence, word, bytes2(0))), "word");
        key = Keys.entry(department, word, uint16(sequence));
        vm.assertEq(key, bytes32(abi.encodePacked(department, word, uint16(sequence), bytes8(0))), "entry");
        key = Keys.grant(department, sequence);
        vm.assertEq(key, bytes32(abi.encodePacked(department, sequence, bytes6(0))), "grant");
    }

    // ---- batch slot ------------------------------------------------------------------------------------------------

    function testFuzz_batchSlotKeepsSizeAndDigest(bytes32 root, uint32 size, uint8 suite) public pure {
        vm.assume(size != 0);
        BatchSlot slot = BatchSlotLib.pack(root, size, suite);
        vm.assertEq(slot.size(), size, "size");
        vm.assertFalse(slot.isEmpty(), "never empty");
        bytes28 digest = bytes28(keccak256(abi.encode(root, suite)));
        vm.assertEq(BatchSlot.unwrap(slot), bytes32(abi.encodePacked(digest, size)), "digest, size");
    }

    // ---- masks -----------------------------------------------------------------------------------------------------

    function test_masksOfTheEnds() public pure {
        vm.assertEq(Masks.first(0), 0, "none");
        vm.assertEq(Masks.first(1), 1, "one");
        vm.assertEq(Masks.first(255), type(uint256).max >> 1, "all but the last");
        vm.assertEq(Masks.first(256), type(uint256).max, "all");
    }

    function testFuzz_masksHaveTheFirstBits(uint256 count) public pure {
        count = clamp(count, 0, 256);
        uint256 mask = Masks.first(count);
        for (uint256 i = 0; i < 256; ++i) {
            vm.assertEq((mask >> i) & 1, i < count ? 1 : 0, "bit");
        }
    }

    // ---- bits, sets of days, dates ---------------------------------------------------------------------------------

    function testFuzz_bitsLikeOneByOne(uint256 word, uint256 other) public pure {
        word &= other; // sparser words, too
        uint256 seen = 0;
        for (uint256 bit = 0; bit < 256; ++bit) {
            if ((word >> bit) & 1 == 1) vm.assertEq(Bits.position(word, ++seen), bit, "position");
        }
        vm.assertEq(Bits.count(word), seen, "count");
    }

    function test_bitsOfTheEnds() public pure {
        vm.assertEq(Bits.count(0), 0, "none");
        vm.assertEq(Bits.count(type(uint256).max), 256, "all");
        vm.assertEq(Bits.position(type(uint256).max, 256), 255, "last");
        vm.assertEq(Bits.position(1 << 255, 1), 255, "only the last");
    }

    function testFuzz_daySetLikeDayByDay(uint256 low, uint256 high, uint256 from, uint256 end) public pure {
        (from, end) = (clamp(from, 0, 512), clamp(end, 0, 512));
        uint256[2] memory set = [low, high];
        DaySet.remove(set, from, end);
        uint256 seen = 0;
        for (uint256 i = 0; i < 512; ++i) {
            bool was = ((i < 256 ? low >> i : high >> (i - 256)) & 1) == 1;
            bool found = ((i < 256 ? set[0] >> i : set[1] >> (i - 256)) & 1) == 1;
            vm.assertEq(found, was && (i < from || i >= end), "kept");
            vm.assertEq((DaySet.below(end)[i / 256] >> (i % 256)) & 1, i < end ? 1 : 0, "below");
            if (found) vm.assertEq(DaySet.position(set, ++seen), i, "position");
        }
        vm.assertEq(DaySet.count(set), seen, "count");
    }

    function test_datesLikeCountedUp() public {
        NaiveCalendar naive = new NaiveCalendar();
        vm.assertEq(Days.FIRST_DAY, naive.startOf(2000), "first day");
        vm.assertEq(Days.LAST_DAY + 1, naive.startOf(2101), "last day");
        for (uint16 year = 2000; year <= 2100; ++year) {
            uint256 start = naive.startOf(year);
            vm.assertEq(Days.startOf(year), start, "start");
            vm.assertEq(Days.lengthOf(year), naive.lengthOf(year), "length");
            vm.assertEq(Days.yearOf(uint32(start)), year, "first day's year");
            vm.assertEq(Days.yearOf(uint32(start + naive.lengthOf(year) - 1)), year, "last day's year");
        }
    }

    function testFuzz_daysOfUtc8(uint40 time) public pure {
        uint256 day = Days.ofTime(time);
        vm.assertTrue(day * 1 days <= uint256(time) + 8 hours, "begun");
        vm.assertTrue((day + 1) * 1 days > uint256(time) + 8 hours, "not over");
        day = clamp(day, 0, Days.LAST_DAY);
        vm.assertEq(Days.endOf(uint32(day)), (day + 1) * 1 days - 8 hours, "end");
    }

    // ---- status words ----------------------------------------------------------------------------------------------

    function testFuzz_raiseLikeLeafByLeaf(uint256 current, uint256 mask, uint8 status) public pure {
        mask &= EVEN;
        status = uint8(clamp(status, 1, 3));
        (uint256 next, uint256 changed, uint256 lowered) = StatusWords.raise(current, mask, status);
        for (uint256 leaf = 0; leaf < 128; ++leaf) {
            uint8 old = StatusWords.get(current, leaf);
            bool selected = (mask >> (2 * leaf)) & 1 == 1;
            vm.assertEq((changed >> (2 * leaf)) & 3, selected && old != status ? 1 : 0, "changed");
            vm.assertEq((lowered >> (2 * leaf)) & 3, selected && old > status ? 1 : 0, "lowered");
            vm.assertEq(StatusWords.get(next, leaf), selected ? status : old, "next");
        }
    }

    function testFuzz_selectionLikeBitByBit(uint256 mask, uint256 leaves) public pure {
        leaves = clamp(leaves, 1, 200);
        if (mask % 2 == 0) mask = (mask & EVEN) >> (2 * (mask % 128));
        bool expected = mask != 0;
        for (uint256 bit = 0; bit < 256; ++bit) {
            if ((mask >> bit) & 1 == 1 && (bit % 2 == 1 || bit / 2 >= leaves)) expected = false;
        }
        vm.assertEq(StatusWords.isSelection(mask, leaves), expected, "selection");
    }

    // ---- accumulator -----------------------------------------------------------------------------------------------

    function testFuzz_foldBindsEveryInput(bytes32 acc, bytes32 topic, bytes memory body, uint8 bit) public {
        vm.assume(body.length != 0);
        vm.roll(1000);
        vm.warp(2000);
        bytes32 value = Accumulator.fold(acc, topic, body);
        vm.assertEq(value, keccak256(abi.encode(acc, topic, body, uint256(2000), uint256(1000))), "as documented");
        bytes32 flip = bytes32(1 << uint256(bit));
        vm.assertTrue(Accumulator.fold(acc ^ flip, topic, body) != value, "bit of acc");
        vm.assertTrue(Accumulator.fold(acc, topic ^ flip, body) != value, "bit of topic");
        body[bit % body.length] ^= bytes1(uint8(1 << (bit % 8)));
        vm.assertTrue(Accumulator.fold(acc, topic, body) != value, "bit of body");
        body[bit % body.length] ^= bytes1(uint8(1 << (bit % 8)));
        vm.roll(1001);
        vm.assertTrue(Accumulator.fold(acc, topic, body) != value, "block number");
        vm.roll(1000);
        vm.warp(2001);
        vm.assertTrue(Accumulator.fold(acc, topic, body) != value, "time");
    }

    // ---- vectors shared with pytest --------------------------------------------------------------------------------

    function test_vectors() public {
        string memory json = vm.readFile("../tests/vectors/slots.json");
        bytes18 department = bytes18(vm.parseJsonBytes(json, ".department"));
        uint64 sequence = uint64(vm.parseJsonUint(json, ".sequence"));
        uint32 word = uint32(vm.parseJsonUint(json, ".word"));
        vm.assertEq(Keys.batch(department, 3, sequence), vm.parseJsonBytes32(json, ".batch_key"), "batch key");
        vm.assertEq(Keys.word(department, sequence, word), vm.parseJsonBytes32(json, ".word_key"), "word key");
        vm.assertEq(Keys.stream(department, 3), vm.parseJsonBytes32(json, ".stream_key"), "stream key");
        BatchSlot slot = BatchSlotLib.pack(
            vm.parseJsonBytes32(json, ".root"),
            uint32(vm.parseJsonUint(json, ".size")),
            uint8(vm.parseJsonUint(json, ".suite"))
        );
        vm.assertEq(BatchSlot.unwrap(slot), vm.parseJsonBytes32(json, ".slot_value"), "slot value");
        vm.warp(vm.parseJsonUint(json, ".fold.timestamp"));
        vm.roll(vm.parseJsonUint(json, ".fold.number"));
        bytes32 acc = Accumulator.fold(
            vm.parseJsonBytes32(json, ".fold.acc"),
            vm.parseJsonBytes32(json, ".fold.topic"),
            vm.parseJsonBytes(json, ".fold.body")
        );
        vm.assertEq(acc, vm.parseJsonBytes32(json, ".fold.result"), "accumulator");
    }
}
