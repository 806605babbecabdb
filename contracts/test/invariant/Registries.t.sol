// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base} from "../Base.sol";
import {RegistriesHandler} from "./RegistriesHandler.sol";
import {ICaseLedger} from "../../src/interfaces/ICaseLedger.sol";
import {IDatasetCatalog} from "../../src/interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "../../src/interfaces/IDepartmentRegistry.sol";

/// @title Replaying the events of the three registries rebuilds their state and every accumulator
contract RegistriesInvariantTest is Base {
    RegistriesHandler private handler;

    function setUp() public {
        handler = new RegistriesHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](13);
        selectors[0] = RegistriesHandler.register.selector;
        selectors[1] = RegistriesHandler.suspendOrReinstate.selector;
        selectors[2] = RegistriesHandler.markCompromised.selector;
        selectors[3] = RegistriesHandler.handOver.selector;
        selectors[4] = RegistriesHandler.addSigner.selector;
        selectors[5] = RegistriesHandler.retireSigner.selector;
        selectors[6] = RegistriesHandler.publishKeys.selector;
        selectors[7] = RegistriesHandler.propose.selector;
        selectors[8] = RegistriesHandler.returnPublishOrRetire.selector;
        selectors[9] = RegistriesHandler.openCase.selector;
        selectors[10] = RegistriesHandler.growOrCloseCase.selector;
        selectors[11] = RegistriesHandler.openOrExtendUpdate.selector;
        selectors[12] = RegistriesHandler.recordLateness.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_eventsRebuildEverything() public view {
        handler.checkAll();
    }

    /// @dev One scripted run that emits every event there is, so that no action above is idle without notice.
    function test_everyEventIsReplayed() public {
        handler.register(1);
        handler.markCompromised(0, 100);
        handler.suspendOrReinstate(2, 1);
        handler.suspendOrReinstate(2, 2);
        handler.handOver(1);
        handler.addSigner(0, 3);
        handler.retireSigner(0, 1);
        handler.publishKeys(0, 2);
        handler.publishKeys(0, 3);
        handler.propose(0, 1, 3); // share type 1
        handler.propose(0, 1, 4); // its second version
        handler.returnPublishOrRetire(0, 1, 1, 3); // sent back
        handler.propose(0, 1, 3); // its second round
        handler.recordLateness(0, 1, 1, 6 days);
        handler.returnPublishOrRetire(0, 1, 1, 1);
        handler.returnPublishOrRetire(0, 1, 2, 1);
        handler.openOrExtendUpdate(0, 1, 2);
        handler.openOrExtendUpdate(0, 1, 1);
        handler.recordLateness(0, 1, 1, 28 days);
        handler.openCase(0, 3);
        handler.growOrCloseCase(0, 1, 1);
        handler.growOrCloseCase(0, 1, 3);
        handler.returnPublishOrRetire(0, 1, 2, 4);
        bytes32[21] memory topics = everyTopic();
        for (uint256 i = 0; i < topics.length; ++i) {
            vm.assertGt(handler.replica().seen(topics[i]), 0, "emitted");
        }
        handler.checkAll();
    }

    function everyTopic() private pure returns (bytes32[21] memory) {
        return [
            IDepartmentRegistry.AuthorityTransferStarted.selector,
            IDepartmentRegistry.AuthorityTransferred.selector,
            IDepartmentRegistry.DepartmentRegistered.selector,
            IDepartmentRegistry.DepartmentSuspended.selector,
            IDepartmentRegistry.DepartmentReinstated.selector,
            IDepartmentRegistry.DepartmentCompromised.selector,
            IDepartmentRegistry.SignerAdded.selector,
            IDepartmentRegistry.SignerRetired.selector,
            IDepartmentRegistry.KeysPublished.selector,
            IDepartmentRegistry.EndpointChanged.selector,
            IDatasetCatalog.DatasetProposed.selector,
            IDatasetCatalog.DatasetReturned.selector,
            IDatasetCatalog.DatasetPublished.selector,
            IDatasetCatalog.DatasetReviewOverdue.selector,
            IDatasetCatalog.DatasetUpdateOpened.selector,
            IDatasetCatalog.DatasetUpdateExtended.selector,
            IDatasetCatalog.DatasetUpdateOverdue.selector,
            IDatasetCatalog.DatasetRetired.selector,
            ICaseLedger.CaseOpened.selector,
            ICaseLedger.CaseSubjectAdded.selector,
            ICaseLedger.CaseClosed.selector
        ];
    }
}
