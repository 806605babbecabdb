// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "../Fixture.sol";
import {SharingReplica} from "./SharingReplica.sol";
import {IDatasetCatalog} from "../../src/interfaces/IDatasetCatalog.sol";
import {ISharingRegistry as I} from "../../src/interfaces/ISharingRegistry.sol";

/// @title Everything that can happen to requests and grants, mirrored by a replica
/// @notice Every action picks what is allowed now, so none may revert; who is refused what is tested in unit/.
contract SharingHandler is Fixture {
    SharingReplica public immutable replica = new SharingReplica();

    uint64 private constant REQUESTS = 24;
    bytes18[2] private requesters = [ESTATE, BANK];
    uint64 private last;
    uint64 private lastGrant;
    uint256 private number = 100;
    uint256 private time = 1_780_000_000;
    /// @dev what each request asks, agrees or proposes now, as whoever calls has it
    mapping(bytes18 requester => mapping(uint64 number => I.Terms)) private current;
    mapping(bytes18 requester => mapping(uint64 number => I.Terms)) private proposed;

    constructor() {
        setUp();
        loadYears();
        vm.startPrank(authority);
        calendar.loadYear(2027, everyWeekday(2027));
        calendar.loadYear(2028, everyWeekday(2028));
        vm.stopPrank();
        publishDataset(1, 1);
        IDatasetCatalog.Proposal memory free = proposal(2, 1);
        free.shareType = 1;
        vm.prank(signerOf(FUND, LAW));
        catalog.propose(free);
        vm.prank(authority);
        catalog.publish(FUND, 2, 1, DOCUMENT);
        vm.recordLogs();
    }

    /// @dev sets the chain's clock before, rebuilds the replica after
    modifier action(uint256 seed) {
        number += seed % 3;
        time += seed % 3 days;
        vm.roll(number);
        vm.warp(time);
        _;
        replica.ingest(vm.getRecordedLogs(), number, time);
    }

    function submit(uint256 seed) external action(seed) {
        if (last == REQUESTS) return;
        bytes18 requester = requesters[seed % 2];
        I.Application memory a = application(++last);
        a.serial = 1 + uint32(seed % 5 == 0 ? 1 : 0);
        a.terms.standing = seed % 3 == 0;
        a.terms.validTo = uint40(time + 20 days + seed % 100 days);
        a.outOfScope = seed % 4 == 0;
        current[requester][last] = a.terms;
        submitAs(requester, a);
    }

    /// @dev One step of request `which`, whatever its state allows.
    function step(uint256 which, uint256 seed) external action(seed) {
        if (last == 0) return;
        uint64 n = uint64(clamp(which, 1, last));
        bytes18 requester = sharing.requestOf(ESTATE, n).provider == FUND ? ESTATE : BANK;
        I.Request memory r = sharing.requestOf(requester, n);
        if (r.state == I.State.SUBMITTED) answer(requester, n, r, seed / 3);
        else if (r.state == I.State.SUPPLEMENT) complete(requester, n, seed / 3);
        else if (r.state == I.State.AGREED) deliver(requester, n, seed / 3);
        else if (r.state == I.State.REFUSED || r.state == I.State.DISPUTE) argue(requester, n, r, seed / 3);
        else if (r.state == I.State.ACTIVE) use(requester, n, seed / 3);
        else if (r.state == I.State.SUSPENDED) rectify(requester, n, r, seed / 3);
        else if (r.state == I.State.CHANGE_NEGOTIATION) negotiate(requester, n, r, seed / 3);
        else if (r.endedAt != 0 && r.disposedAt == 0) dispose(requester, n);
    }

    function answer(bytes18 requester, uint64 n, I.Request memory r, uint256 seed) private {
        if (r.outOfScope) return review(requester, n, seed);
        if (late(requester, n) && !r.answerOverdue) {
            vm.prank(signerOf(BANK, ANCHOR));
            return sharing.recordOverdue(requester, n);
        }
        if (seed % 7 == 0 && !r.supplemented) {
            vm.prank(signerOf(FUND, LAW));
            return sharing.askSupplement(requester, n, DOCUMENT);
        }
        bool extending = seed % 7 == 1 || (r.extensionAsked != 0 && seed % 2 == 0);
        if (extending && !r.unconditional && r.extension == 0 && !r.answerOverdue) return extend(requester, n, r);
        if (seed % 7 == 2 && !r.unconditional) {
            vm.prank(signerOf(FUND, LAW));
            return sharing.flagScope(requester, n, DOCUMENT);
        }
        if (seed % 7 == 3 && !r.unconditional) {
            vm.prank(signerOf(FUND, LAW));
            return sharing.refuse(requester, n, 1, DOCUMENT);
        }
        agree(requester, n, r, seed);
    }

    function agree(bytes18 requester, uint64 n, I.Request memory r, uint256 seed) private {
        I.Terms memory t = current[requester][n];
        I.Scope memory scope = scopeOf(t);
        if (seed % 2 == 0 && !r.unconditional && scope.answerMask != 0) scope.answerMask &= scope.answerMask - 1;
        bool part = r.partialAnswer || scope.answerMask != t.answerMask;
        I.Cover cover = coverOf(requester);
        vm.prank(signerOf(FUND, LAW));
        sharing.agree(requester, n, t, scope, part ? 1 : 0, cover, DOCUMENT);
        current[requester][n].answerMask = scope.answerMask;
    }

    function review(bytes18 requester, uint64 n, uint256 seed) private {
        I.Terms memory t = current[requester][n];
        I.Scope memory scope = scopeOf(t);
        bool free = sharing.requestOf(requester, n).unconditional;
        if (seed % 2 == 0 && !free && scope.batchMask != 0) scope.batchMask &= scope.batchMask - 1;
        vm.prank(authority);
        sharing.reviewScope(requester, n, t, scope, DOCUMENT);
        current[requester][n].batchMask = scope.batchMask;
    }

    function extend(bytes18 requester, uint64 n, I.Request memory r) private {
        if (r.extensionAsked == 0) {
            vm.prank(signerOf(FUND, LAW));
            sharing.askExtension(requester, n, 6, DOCUMENT);
        } else if (r.extensionConsented == 0) {
            vm.prank(authority);
            sharing.consentExtension(requester, n, 4, DOCUMENT);
        } else {
            vm.prank(signerOf(FUND, LAW));
            sharing.extend(requester, n, 3, DOCUMENT);
        }
    }

    function complete(bytes18 requester, uint64 n, uint256 seed) private {
        if (late(requester, n) && seed % 2 == 0) {
            vm.prank(signerOf(BANK, ADMIN));
            return sharing.recordWithdrawn(requester, n);
        }
        vm.startPrank(signerOf(requester, LAW));
        if (seed % 5 == 1 || current[requester][n].validTo <= time) {
            sharing.withdraw(n);
        } else {
            current[requester][n].usesPerCase += 1;
            sharing.resubmit(n, current[requester][n], seed % 3 == 0, LEGAL_BASIS, DOCUMENT);
        }
        vm.stopPrank();
    }

    function argue(bytes18 requester, uint64 n, I.Request memory r, uint256 seed) private {
        if (r.state == I.State.REFUSED) {
            if (r.settled) return;
            vm.prank(signerOf(requester, LAW));
            return sharing.dispute(n, DOCUMENT);
        }
        I.Scope memory scope;
        if (seed % 2 == 0) scope = scopeOf(current[requester][n]);
        I.Cover cover = coverOf(requester);
        vm.prank(authority);
        sharing.settleDispute(requester, n, current[requester][n], scope, cover, DOCUMENT);
    }

    function deliver(bytes18 requester, uint64 n, uint256 seed) private {
        I.Request memory r = sharing.requestOf(requester, n);
        if (late(requester, n) && !r.deliveryOverdue && seed % 2 == 0) {
            vm.prank(signerOf(BANK, ANCHOR));
            return sharing.recordOverdue(requester, n);
        }
        if (current[requester][n].validTo <= time) return;
        vm.prank(signerOf(FUND, LAW));
        sharing.deliver(requester, n, ++lastGrant, current[requester][n], DOCUMENT);
    }

    function use(bytes18 requester, uint64 n, uint256 seed) private {
        if (ended(requester, n)) return expire(requester, n);
        if (seed % 4 == 0) {
            vm.prank(seed % 3 == 0 ? authority : signerOf(FUND, LAW));
            sharing.suspendUse(requester, n, 3, DOCUMENT);
        } else if (seed % 4 == 1) {
            vm.prank(signerOf(requester, LAW));
            sharing.close(n, DOCUMENT);
        } else if (seed % 4 == 2) {
            vm.prank(signerOf(FUND, LAW));
            sharing.proposeStop(requester, n, DOCUMENT);
        } else {
            I.Terms memory t = current[requester][n];
            t.queryMask &= seed;
            t.standing = false;
            proposed[requester][n] = t;
            if (scopeEmpty(t) || t.validTo <= time) return;
            vm.prank(signerOf(FUND, LAW));
            sharing.proposeChange(requester, n, t, DOCUMENT);
        }
    }

    function rectify(bytes18 requester, uint64 n, I.Request memory r, uint256 seed) private {
        if (ended(requester, n)) return expire(requester, n);
        if (seed % 3 == 0) {
            vm.prank(signerOf(requester, LAW));
            return sharing.reportRectification(n, DOCUMENT);
        }
        bool over = late(requester, n);
        vm.prank(r.byAuthority ? authority : signerOf(FUND, LAW));
        if (over) sharing.terminate(requester, n, DOCUMENT);
        else sharing.resume(requester, n, DOCUMENT);
    }

    function negotiate(bytes18 requester, uint64 n, I.Request memory r, uint256 seed) private {
        if (ended(requester, n)) return expire(requester, n);
        if (seed % 2 == 0) {
            vm.prank(signerOf(FUND, LAW));
            sharing.keepTerms(requester, n, DOCUMENT);
        } else if (r.isStop) {
            vm.prank(authority);
            sharing.fileClosing(requester, n, DOCUMENT);
        } else {
            current[requester][n] = proposed[requester][n];
            vm.prank(signerOf(requester, LAW));
            sharing.acceptChange(n, proposed[requester][n], DOCUMENT);
        }
    }

    function expire(bytes18 requester, uint64 n) private {
        vm.prank(signerOf(BANK, ANCHOR));
        sharing.recordExpired(requester, n);
    }

    function dispose(bytes18 requester, uint64 n) private {
        vm.prank(signerOf(requester, LAW));
        sharing.recordDisposal(n, DOCUMENT);
    }

    // ---- what must hold --------------------------------------------------------------------------------------------

    function checkAll() external view {
        bytes32 acc = replica.accumulator("provider", FUND, 0);
        vm.assertEq(sharing.providerAccumulatorOf(FUND), acc, "provider's requests and grants");
        for (uint256 i = 0; i < 2; ++i) {
            bytes18 requester = requesters[i];
            acc = replica.accumulator("requester", requester, 0);
            vm.assertEq(sharing.requesterAccumulatorOf(requester), acc, "requester's requests");
            for (uint64 n = 1; n <= last; ++n) {
                bytes memory stored = abi.encode(sharing.requestOf(requester, n));
                vm.assertEq(stored, abi.encode(replica.requestOf(requester, n)), "request");
                acc = replica.accumulator("request", requester, n);
                vm.assertEq(sharing.accumulatorOf(requester, n), acc, "request's events");
            }
        }
        for (uint64 n = 1; n <= lastGrant; ++n) {
            I.Grant memory given = sharing.grantOf(FUND, n);
            vm.assertEq(abi.encode(given), abi.encode(replica.grantOf(FUND, n)), "grant");
            I.State state = sharing.requestOf(given.receiver, given.request).state;
            bool open = state == I.State.ACTIVE || state == I.State.CHANGE_NEGOTIATION;
            bool running = open && given.terms.validFrom <= time && time < given.terms.validTo;
            vm.assertEq(sharing.isRunningAt(FUND, n, uint40(time)), running, "runs with its request");
        }
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    function late(bytes18 requester, uint64 n) private view returns (bool) {
        (I.Clock clock, uint40 deadline) = sharing.deadlineOf(requester, n);
        return clock != I.Clock.NONE && time >= deadline;
    }

    function ended(bytes18 requester, uint64 n) private view returns (bool) {
        I.Request memory r = sharing.requestOf(requester, n);
        return time >= sharing.grantOf(FUND, r.grantNumber).terms.validTo;
    }

    function scopeEmpty(I.Terms memory t) private pure returns (bool) {
        return t.verifyMask | t.queryMask | t.answerMask | t.batchMask == 0;
    }
}
