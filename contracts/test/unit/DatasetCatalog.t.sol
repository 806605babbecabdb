// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {IDatasetCatalog as I} from "../../src/interfaces/IDatasetCatalog.sol";

/// @title DatasetCatalog: every condition with its exact error, versions, history of publication
contract DatasetCatalogTest is Fixture {
    function test_proposedEntryIsReadable() public {
        I.Proposal memory p = proposal(7, 1);
        propose(p);
        I.Entry memory entry = catalog.entryOf(FUND, 7, 1);
        vm.assertEq(uint256(entry.state), uint256(I.State.PROPOSED), "state");
        vm.assertEq(entry.shareType, p.shareType, "share type");
        vm.assertEq(entry.fieldCount, p.fieldCount, "fields");
        vm.assertEq(entry.viewCount, p.viewCount, "views");
        vm.assertEq(entry.schemaHash, p.schemaHash, "schema hash");
        vm.assertEq(entry.verifiableMask, p.verifiableMask, "verifiable");
        vm.assertTrue(catalog.allowsPurpose(FUND, 7, 1, PURPOSE), "first purpose");
        vm.assertTrue(catalog.allowsPurpose(FUND, 7, 1, OTHER_PURPOSE), "second purpose");
        vm.assertFalse(catalog.allowsPurpose(FUND, 7, 1, "ELSE"), "no other purpose");
        vm.assertFalse(catalog.allowsPurpose(ESTATE, 7, 1, PURPOSE), "no other owner");
        vm.assertFalse(catalog.isPublishedAt(FUND, 7, 1, type(uint64).max), "not published");
    }

    function test_unconditionalEntryAllowsEveryPurpose() public {
        I.Proposal memory p = proposal(7, 1);
        p.shareType = 1;
        p.purposes = new bytes32[](0);
        propose(p);
        vm.assertTrue(catalog.allowsPurpose(FUND, 7, 1, "ELSE"), "no condition may be added to property 1");
    }

    function test_publicationIsKeptByBlock() public {
        propose(proposal(7, 1));
        vm.roll(200);
        publish(7, 1);
        vm.roll(300);
        vm.prank(authority);
        catalog.retire(FUND, 7, 1);
        uint64[6] memory blocks = [uint64(0), 199, 200, 299, 300, type(uint64).max];
        bool[6] memory published = [false, false, true, true, false, false];
        for (uint256 i = 0; i < blocks.length; ++i) {
            vm.assertEq(catalog.isPublishedAt(FUND, 7, 1, blocks[i]), published[i], "published at the block's end");
        }
    }

    function test_versionsFollowEachOtherAndLiveSideBySide() public {
        refuse(proposal(7, 0), abi.encodeWithSelector(I.DatasetCatalogVersionZero.selector, 7));
        refuse(proposal(7, 2), abi.encodeWithSelector(I.DatasetCatalogVersionGap.selector, 7, 2, 1));
        propose(proposal(7, 1));
        propose(proposal(7, 2));
        refuse(proposal(7, 1), abi.encodeWithSelector(I.DatasetCatalogVersionTaken.selector, 7, 1, I.State.PROPOSED));
        publish(7, 1);
        publish(7, 2);
        refuse(proposal(7, 2), abi.encodeWithSelector(I.DatasetCatalogVersionTaken.selector, 7, 2, I.State.PUBLISHED));
        vm.assertTrue(catalog.isPublishedAt(FUND, 7, 1, 100) && catalog.isPublishedAt(FUND, 7, 2, 100), "both");
    }

    function test_statesFollowEachOther() public {
        refuseAdvance(true, I.State.NONE, I.State.PROPOSED);
        refuseAdvance(false, I.State.NONE, I.State.PUBLISHED);
        propose(proposal(7, 1));
        refuseAdvance(false, I.State.PROPOSED, I.State.PUBLISHED);
        publish(7, 1);
        refuseAdvance(true, I.State.PUBLISHED, I.State.PROPOSED);
        vm.prank(authority);
        catalog.retire(FUND, 7, 1);
        refuseAdvance(true, I.State.RETIRED, I.State.PROPOSED);
        refuseAdvance(false, I.State.RETIRED, I.State.PUBLISHED);
    }

    function test_proposalIsWellFormed() public {
        I.Proposal memory p = proposal(0, 1);
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogSerialOutOfRange.selector, 0, 999_999));
        p = proposal(1_000_000, 1);
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogSerialOutOfRange.selector, 1_000_000, 999_999));
        p = proposal(999_999, 1);
        p.schemaHash = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogSchemaHashZero.selector, 999_999, 1));
        p = proposal(1, 1);
        p.shareType = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogShareTypeOutOfRange.selector, 0, 3));
        p.shareType = 4;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogShareTypeOutOfRange.selector, 4, 3));
        p = proposal(1, 1);
        p.fieldCount = 0;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogFieldCountOutOfRange.selector, 0, 256));
        p.fieldCount = 257;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogFieldCountOutOfRange.selector, 257, 256));
        p.fieldCount = 256;
        p.verifiableMask = type(uint256).max;
        propose(p);
    }

    function testFuzz_verifiableFieldsExist(uint16 fieldCount, uint256 mask) public {
        I.Proposal memory p = proposal(1, 1);
        p.fieldCount = uint16(clamp(fieldCount, 1, 256));
        p.verifiableMask = mask >> (mask % 256);
        uint256 allowed = 0;
        for (uint256 i = 0; i < p.fieldCount; ++i) {
            allowed |= 1 << i;
        }
        if (p.verifiableMask & allowed == p.verifiableMask) {
            propose(p);
        } else {
            bytes4 selector = I.DatasetCatalogMaskOutOfRange.selector;
            refuse(p, abi.encodeWithSelector(selector, p.verifiableMask, allowed));
        }
    }

    function test_purposesAreFewDifferentAndNotZero() public {
        I.Proposal memory p = proposal(1, 1);
        p.purposes = new bytes32[](17);
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogTooManyPurposes.selector, 17, 16));
        p.purposes = new bytes32[](2);
        p.purposes[0] = PURPOSE;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogPurposeRepeated.selector, bytes32(0), 1));
        p.purposes[1] = PURPOSE;
        refuse(p, abi.encodeWithSelector(I.DatasetCatalogPurposeRepeated.selector, PURPOSE, 1));
        p.purposes = new bytes32[](16);
        for (uint256 i = 0; i < 16; ++i) {
            p.purposes[i] = bytes32(i + 1);
        }
        propose(p);
    }

    function test_otherReceiversOwnNoDataset() public {
        vm.prank(signerOf(BANK, LAW));
        vm.expectRevert(abi.encodeWithSelector(I.DatasetCatalogOwnerNotDepartment.selector, BANK));
        catalog.propose(proposal(1, 1));
    }

    function propose(I.Proposal memory p) private {
        vm.prank(signerOf(FUND, LAW));
        catalog.propose(p);
    }

    function publish(uint32 serial, uint16 version) private {
        vm.prank(authority);
        catalog.publish(FUND, serial, version);
    }

    function refuse(I.Proposal memory p, bytes memory reason) private {
        vm.prank(signerOf(FUND, LAW));
        vm.expectRevert(reason);
        catalog.propose(p);
    }

    function refuseAdvance(bool publishing, I.State state, I.State expected) private {
        vm.prank(authority);
        vm.expectRevert(abi.encodeWithSelector(I.DatasetCatalogStateUnexpected.selector, state, expected));
        if (publishing) catalog.publish(FUND, 7, 1);
        else catalog.retire(FUND, 7, 1);
    }
}
