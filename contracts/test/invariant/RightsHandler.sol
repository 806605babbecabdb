// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {RightsReplica} from "./RightsReplica.sol";
import {IAuthorisationRegistry} from "../../src/interfaces/IAuthorisationRegistry.sol";
import {ICorrectionRegistry} from "../../src/interfaces/ICorrectionRegistry.sol";

/// @title Everything that can happen to corrections and authorisations, mirrored by a replica
/// @notice FUND gave grant 1 to the bank, ESTATE grant 2 to FUND. Every action picks inputs that are allowed now, so none
///         may revert; who is refused what is tested in unit/.
contract RightsHandler is Fixture {
    RightsReplica public immutable replica = new RightsReplica();

    bytes18[3] private names = [FUND, ESTATE, BANK];
    uint64[3] private lastNumber;
    uint64 private lastId;
    uint256 private number = 100;
    uint256 private time = START;

    constructor() {
        setUp();
        loadDecades();
        publishDatasetOf(FUND, 1, 1);
        publishDatasetOf(ESTATE, 2, 1);
        giveGrant(FUND, 1, BANK, 1);
        giveGrant(ESTATE, 2, FUND, 2);
        vm.recordLogs();
    }

    /// @dev sets the chain's clock before, rebuilds the replica after
    modifier action(uint256 seed) {
        number += seed % 3;
        time += seed % 17;
        vm.roll(number);
        vm.warp(time);
        _;
        replica.ingest(vm.getRecordedLogs(), address(corrections), address(authorisations), number, time);
    }

    function suspendOrReinstate(uint256 who, uint256 seed) external action(seed) {
        bool active = registry.isActive(names[who % 3]);
        vm.prank(authority);
        if (active) registry.suspend(names[who % 3], 1);
        else registry.reinstate(names[who % 3]);
    }

    // ---- corrections -------------------------------------------------------------------------------------------------

    function open(uint256 who, uint256 seed) external action(seed) {
        uint256 receiver = who % 2 == 0 ? 2 : 0;
        if (!registry.isActive(names[receiver])) return;
        ICorrectionRegistry.Opening memory o = opening(++lastNumber[receiver], 1);
        if (receiver == 0) (o.provider, o.grantNumber, o.serial) = (ESTATE, 2, 2);
        o.target = keccak256(abi.encode(seed));
        vm.prank(signerOf(names[receiver], LAW));
        corrections.open(o);
    }

    function answer(uint256 who, uint256 which, uint256 seed) external action(seed) {
        (bytes18 receiver, uint64 no, ICorrectionRegistry.Correction memory found) = pick(who, which);
        bytes18 addressee = found.source == 0 ? found.provider : found.source;
        if (!isUnanswered(found) || !registry.isActive(addressee)) return;
        ICorrectionRegistry.State outcome =
            seed % 2 == 0 ? ICorrectionRegistry.State.CORRECTED : ICorrectionRegistry.State.MAINTAINED;
        vm.prank(signerOf(addressee, LAW));
        corrections.answer(receiver, no, outcome, keccak256(abi.encode(seed)));
    }

    function forward(uint256 who, uint256 which, uint256 seed) external action(seed) {
        (bytes18 receiver, uint64 no, ICorrectionRegistry.Correction memory found) = pick(who, which);
        if (found.state != ICorrectionRegistry.State.OPEN || !registry.isActive(found.provider)) return;
        bytes18 source = found.provider == FUND ? ESTATE : FUND;
        if (!registry.isActive(source)) return;
        vm.prank(signerOf(found.provider, LAW));
        corrections.forward(receiver, no, source, keccak256(abi.encode(seed)));
    }

    function withdrawCorrection(uint256 who, uint256 which, uint256 seed) external action(seed) {
        (bytes18 receiver, uint64 no, ICorrectionRegistry.Correction memory found) = pick(who, which);
        if (seed % 3 != 0 || !isUnanswered(found) || !registry.isActive(receiver)) return;
        vm.prank(signerOf(receiver, LAW));
        corrections.withdraw(no, DOCUMENT);
    }

    /// @dev Time goes by, at most three weeks, until an answer is late.
    function recordOverdue(uint256 who, uint256 which, uint256 seed) external action(seed) {
        (bytes18 receiver, uint64 no, ICorrectionRegistry.Correction memory found) = pick(who, which);
        time += clamp(seed, 0, 21 days);
        vm.warp(time);
        bool recorded = found.source == 0 ? found.providerOverdue : found.sourceOverdue;
        if (!isUnanswered(found) || recorded || corrections.deadlineOf(receiver, no) > time) return;
        vm.prank(signerOf(names[seed % 3], uint8(1 << (seed % 3))));
        corrections.recordOverdue(receiver, no);
    }

    // ---- authorisations ----------------------------------------------------------------------------------------------

    function record(uint256 who, uint256 seed) external action(seed) {
        bytes18 recorder = names[who % 3];
        if (!registry.isActive(recorder)) return;
        bytes32 id = bytes32(uint256(++lastId));
        uint40 expiresAt = uint40(time + 1 + seed % 1000);
        vm.prank(signerOf(recorder, LAW));
        authorisations.record(id, keccak256(abi.encode(seed)), keccak256(abi.encode(secretOf(id))), expiresAt);
    }

    function withdrawAuthorisation(uint256 who, uint256 which, uint256 seed) external action(seed) {
        bytes18 recorder = names[who % 3];
        bytes32 id = bytes32(clamp(which, 1, lastId + 1));
        IAuthorisationRegistry.Authorisation memory found = authorisations.authorisationOf(recorder, id);
        if (found.digest == 0 || found.withdrawnAt != 0) return;
        vm.prank(signerOf(names[seed % 3], uint8(1 << (seed % 3))));
        authorisations.withdraw(recorder, id, secretOf(id));
    }

    // ---- what must hold ----------------------------------------------------------------------------------------------

    function checkAll() external view {
        for (uint256 i = 0; i < 3; ++i) {
            checkCorrections(names[i], lastNumber[i]);
            checkAuthorisations(names[i]);
        }
    }

    function checkCorrections(bytes18 name, uint64 last) private view {
        address on = address(corrections);
        bytes32 acc = replica.accumulator(on, abi.encode("receiver", name));
        vm.assertEq(corrections.receiverAccumulatorOf(name), acc, "receiver's corrections");
        acc = replica.accumulator(on, abi.encode("addressee", name));
        vm.assertEq(corrections.addresseeAccumulatorOf(name), acc, "addressee's corrections");
        for (uint64 i = 1; i <= last + 1; ++i) {
            bytes memory stored = abi.encode(corrections.correctionOf(name, i));
            vm.assertEq(stored, abi.encode(replica.correctionOf(name, i)), "correction");
            acc = replica.accumulator(on, abi.encode(name, i));
            vm.assertEq(corrections.accumulatorOf(name, i), acc, "correction's events");
        }
    }

    function checkAuthorisations(bytes18 name) private view {
        address on = address(authorisations);
        bytes32 acc = replica.accumulator(on, abi.encode("recorder", name));
        vm.assertEq(authorisations.recorderAccumulatorOf(name), acc, "recorder's authorisations");
        for (uint256 i = 1; i <= lastId + 1; ++i) {
            bytes memory stored = abi.encode(authorisations.authorisationOf(name, bytes32(i)));
            vm.assertEq(stored, abi.encode(replica.authorisationOf(name, bytes32(i))), "authorisation");
            acc = replica.accumulator(on, abi.encode(name, bytes32(i)));
            vm.assertEq(authorisations.accumulatorOf(name, bytes32(i)), acc, "authorisation's events");
        }
    }

    // ---- inside ------------------------------------------------------------------------------------------------------

    function pick(uint256 who, uint256 which)
        private
        view
        returns (bytes18 receiver, uint64 no, ICorrectionRegistry.Correction memory found)
    {
        uint256 index = who % 2 == 0 ? 2 : 0;
        receiver = names[index];
        no = uint64(clamp(which, 1, lastNumber[index] + 1));
        found = corrections.correctionOf(receiver, no);
    }

    function isUnanswered(ICorrectionRegistry.Correction memory found) private pure returns (bool) {
        return found.state == ICorrectionRegistry.State.OPEN || found.state == ICorrectionRegistry.State.FORWARDED;
    }

    function secretOf(bytes32 id) private pure returns (bytes32) {
        return keccak256(abi.encode("secret", id));
    }
}
