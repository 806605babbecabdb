// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "../Base.sol";
import {ISharingRegistry as I} from "../../src/interfaces/ISharingRegistry.sol";

/// @title Requests, grants and accumulators of SharingRegistry, rebuilt from its events alone
contract SharingReplica {
    mapping(bytes32 topic => uint256) public seen;
    mapping(bytes32 key => bytes32) private accumulators;
    mapping(bytes32 key => I.Request) private requests;
    mapping(bytes32 key => I.Grant) private grants;
    mapping(bytes32 key => I.Terms) private terms;

    uint256 private number;
    uint256 private time;

    error SharingReplicaUnknownEvent(bytes32 topic);

    function ingest(Vm.Log[] calldata logs, uint256 number_, uint256 time_) external {
        (number, time) = (number_, time_);
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            seen[topic] += 1;
            if (topic == I.GrantGiven.selector) {
                given(logs[i]);
                continue;
            }
            bytes18 requester = bytes18(logs[i].topics[1]);
            uint64 n = uint64(uint256(logs[i].topics[2]));
            I.Request storage r = requests[key(requester, n)];
            bytes memory body = request(logs[i], r, requester, n);
            fold("request", requester, n, topic, body);
            if (topic == I.RequestSubmitted.selector) {
                fold("requester", requester, 0, topic, body);
                fold("provider", r.provider, 0, topic, body);
            }
        }
    }

    function accumulator(bytes32 kind, bytes18 owner, uint64 n) external view returns (bytes32) {
        return accumulators[keccak256(abi.encode(kind, owner, n))];
    }

    function requestOf(bytes18 requester, uint64 n) external view returns (I.Request memory) {
        return requests[key(requester, n)];
    }

    function grantOf(bytes18 provider, uint64 n) external view returns (I.Grant memory) {
        return grants[key(provider, n)];
    }

    /// @return body abi.encode of all arguments of the event
    function request(Vm.Log calldata log, I.Request storage r, bytes18 requester, uint64 n)
        private
        returns (bytes memory body)
    {
        bytes32 topic = log.topics[0];
        if (topic == I.RequestSubmitted.selector) return submitted(log, r, requester, n);
        if (topic == I.RequestResubmitted.selector) return resubmitted(log, r, requester, n);
        if (topic == I.ChangeProposed.selector) return proposed(log, r, requester, n);
        if (topic == I.TermsChanged.selector) return changed(log, r, requester, n);
        // all other events hold static arguments only, so that indexed ones and data concatenate to the body
        body = abi.encodePacked(log.topics[1], log.topics[2], log.data);
        if (!(beforeAnswer(topic, log.data, r, requester, n) || answered(topic, log.data, r, requester, n)
                || used(topic, log.data, r))) {
            revert SharingReplicaUnknownEvent(topic);
        }
    }

    function submitted(Vm.Log calldata log, I.Request storage r, bytes18 requester, uint64 n)
        private
        returns (bytes memory)
    {
        r.provider = bytes18(log.topics[3]);
        (r.serial, r.version, r.unconditional) = abi.decode(log.data, (uint32, uint16, bool));
        (,,, I.Terms memory t, bool out, bytes32 basis, bytes32 document) =
            abi.decode(log.data, (uint32, uint16, bool, I.Terms, bool, bytes32, bytes32));
        file(r, requester, n, t, out);
        return abi.encode(requester, n, r.provider, r.serial, r.version, r.unconditional, t, out, basis, document);
    }

    function resubmitted(Vm.Log calldata log, I.Request storage r, bytes18 requester, uint64 n)
        private
        returns (bytes memory)
    {
        (I.Terms memory t, bool out, bytes32 basis, bytes32 document) =
            abi.decode(log.data, (I.Terms, bool, bytes32, bytes32));
        file(r, requester, n, t, out);
        return abi.encode(requester, n, t, out, basis, document);
    }

    function file(I.Request storage r, bytes18 requester, uint64 n, I.Terms memory t, bool out) private {
        terms[key(requester, n)] = t;
        (r.termsHash, r.outOfScope, r.submittedAt) = (keccak256(abi.encode(t)), out, uint40(time));
        (r.partialAnswer, r.answerOverdue, r.extensionAsked, r.extensionConsented) = (false, false, 0, 0);
        enter(r, I.State.SUBMITTED);
    }

    function proposed(Vm.Log calldata log, I.Request storage r, bytes18 requester, uint64 n)
        private
        returns (bytes memory)
    {
        (bool isStop, I.Terms memory t, bytes32 document) = abi.decode(log.data, (bool, I.Terms, bytes32));
        (r.isStop, r.changeHash) = (isStop, isStop ? bytes32(0) : keccak256(abi.encode(t)));
        enter(r, I.State.CHANGE_NEGOTIATION);
        return abi.encode(requester, n, isStop, t, document);
    }

    function changed(Vm.Log calldata log, I.Request storage r, bytes18 requester, uint64 n)
        private
        returns (bytes memory)
    {
        (I.Terms memory t, bytes32 document) = abi.decode(log.data, (I.Terms, bytes32));
        grants[key(r.provider, r.grantNumber)].terms = t;
        (r.termsHash, r.changeHash) = (keccak256(abi.encode(t)), 0);
        enter(r, I.State.ACTIVE);
        return abi.encode(requester, n, t, document);
    }

    function beforeAnswer(bytes32 topic, bytes calldata data, I.Request storage r, bytes18 requester, uint64 n)
        private
        returns (bool)
    {
        if (topic == I.ScopeFlagged.selector) {
            r.outOfScope = true;
        } else if (topic == I.ScopeReviewed.selector) {
            narrow(r, requester, n, abi.decode(data, (I.Scope)));
            r.outOfScope = false;
        } else if (topic == I.SupplementAsked.selector) {
            r.supplemented = true;
            enter(r, I.State.SUPPLEMENT);
        } else if (topic == I.RequestWithdrawn.selector) {
            enter(r, I.State.WITHDRAWN);
        } else if (topic == I.ExtensionAsked.selector) {
            r.extensionAsked = abi.decode(data, (uint8));
        } else if (topic == I.ExtensionConsented.selector) {
            r.extensionConsented = abi.decode(data, (uint8));
        } else if (topic == I.RequestExtended.selector) {
            r.extension = abi.decode(data, (uint8));
        } else {
            return false;
        }
        return true;
    }

    function answered(bytes32 topic, bytes calldata data, I.Request storage r, bytes18 requester, uint64 n)
        private
        returns (bool)
    {
        if (topic == I.RequestAgreed.selector) {
            (I.Scope memory scope,, I.Cover cover) = abi.decode(data, (I.Scope, uint8, I.Cover));
            narrow(r, requester, n, scope);
            r.cover = cover;
            enter(r, I.State.AGREED);
        } else if (topic == I.RequestRefused.selector) {
            enter(r, I.State.REFUSED);
        } else if (topic == I.RequestDisputed.selector) {
            enter(r, I.State.DISPUTE);
        } else if (topic == I.DisputeSettled.selector) {
            (bool agreed, I.Scope memory scope, I.Cover cover) = abi.decode(data, (bool, I.Scope, I.Cover));
            r.settled = true;
            if (agreed) {
                narrow(r, requester, n, scope);
                (r.cover, r.outOfScope) = (cover, false);
            }
            enter(r, agreed ? I.State.AGREED : I.State.REFUSED);
        } else if (topic == I.RequestOverdue.selector) {
            if (abi.decode(data, (I.Clock)) == I.Clock.ANSWER) r.answerOverdue = true;
            else r.deliveryOverdue = true;
        } else {
            return false;
        }
        return true;
    }

    function used(bytes32 topic, bytes calldata data, I.Request storage r) private returns (bool) {
        if (topic == I.GrantSuspended.selector) {
            (r.rectifyWithin, r.byAuthority) = abi.decode(data, (uint8, bool));
            enter(r, I.State.SUSPENDED);
        } else if (topic == I.GrantResumed.selector) {
            (r.rectifyWithin, r.byAuthority) = (0, false);
            enter(r, I.State.ACTIVE);
        } else if (topic == I.TermsKept.selector) {
            (r.changeHash, r.isStop) = (0, false);
            enter(r, I.State.ACTIVE);
        } else if (topic == I.GrantTerminated.selector) {
            end(r, I.State.TERMINATED);
        } else if (topic == I.GrantExpired.selector) {
            end(r, I.State.EXPIRED);
        } else if (topic == I.GrantClosed.selector) {
            end(r, I.State.CLOSED);
        } else if (topic == I.DisposalRecorded.selector) {
            r.disposedAt = uint40(time);
        } else {
            return topic == I.RectificationReported.selector;
        }
        return true;
    }

    function given(Vm.Log calldata log) private {
        (bytes18 provider, bytes18 receiver) = (bytes18(log.topics[1]), bytes18(log.topics[3]));
        uint64 n = uint64(uint256(log.topics[2]));
        (uint64 request_, uint32 serial, uint16 version, I.Cover cover, I.Terms memory t, bytes32 document) =
            abi.decode(log.data, (uint64, uint32, uint16, I.Cover, I.Terms, bytes32));
        grants[key(provider, n)] = I.Grant(receiver, request_, serial, version, cover, t);
        I.Request storage r = requests[key(receiver, request_)];
        r.grantNumber = n;
        enter(r, I.State.ACTIVE);
        bytes memory body = abi.encode(provider, n, receiver, request_, serial, version, cover, t, document);
        fold("request", receiver, request_, log.topics[0], body);
        fold("provider", provider, 0, log.topics[0], body);
    }

    function narrow(I.Request storage r, bytes18 requester, uint64 n, I.Scope memory scope) private {
        I.Terms storage t = terms[key(requester, n)];
        (t.verifyMask, t.queryMask, t.answerMask, t.batchMask) =
            (scope.verifyMask, scope.queryMask, scope.answerMask, scope.batchMask);
        I.Terms memory narrowed = t;
        bytes32 hash = keccak256(abi.encode(narrowed));
        if (hash != r.termsHash) r.partialAnswer = true;
        r.termsHash = hash;
    }

    function enter(I.Request storage r, I.State state) private {
        (r.state, r.stateAt) = (state, uint40(time));
    }

    function end(I.Request storage r, I.State state) private {
        (r.endedAt, r.changeHash, r.rectifyWithin, r.isStop) = (uint40(time), 0, 0, false);
        enter(r, state);
    }

    function fold(bytes32 kind, bytes18 owner, uint64 n, bytes32 topic, bytes memory body) private {
        bytes32 place = keccak256(abi.encode(kind, owner, n));
        accumulators[place] = keccak256(abi.encode(accumulators[place], topic, body, time, number));
    }

    function key(bytes18 owner, uint64 n) private pure returns (bytes32) {
        return keccak256(abi.encode(owner, n));
    }
}
