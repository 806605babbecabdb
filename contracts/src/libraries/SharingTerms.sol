// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISharingRegistry} from "../interfaces/ISharingRegistry.sol";
import {Masks} from "./Masks.sol";

/// @title What holds for the terms of a request or grant, and when terms are narrower than others
library SharingTerms {
    uint256 private constant MAX_PURPOSES = 16;
    uint256 private constant MAX_SCENARIOS = 8;

    function hash(ISharingRegistry.Terms memory terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(terms));
    }

    function scopeOf(ISharingRegistry.Terms memory terms) internal pure returns (ISharingRegistry.Scope memory) {
        return ISharingRegistry.Scope(terms.verifyMask, terms.queryMask, terms.answerMask, terms.batchMask);
    }

    function isEmpty(ISharingRegistry.Scope memory scope) internal pure returns (bool) {
        return scope.verifyMask | scope.queryMask | scope.answerMask | scope.batchMask == 0;
    }

    /// @return narrowed the same terms with the fields and views of `scope`
    function withScope(ISharingRegistry.Terms memory terms, ISharingRegistry.Scope memory scope)
        internal
        pure
        returns (ISharingRegistry.Terms memory narrowed)
    {
        narrowed = terms;
        narrowed.verifyMask = scope.verifyMask;
        narrowed.queryMask = scope.queryMask;
        narrowed.answerMask = scope.answerMask;
        narrowed.batchMask = scope.batchMask;
    }

    /// @dev What holds for any terms, whatever the dataset.
    function requireWellFormed(ISharingRegistry.Terms memory terms) internal view {
        if (isEmpty(scopeOf(terms))) revert ISharingRegistry.SharingRegistryMasksEmpty();
        uint256 purposes = terms.purposes.length;
        if (purposes == 0 || purposes > MAX_PURPOSES) {
            revert ISharingRegistry.SharingRegistryPurposeCountOutOfRange(purposes, MAX_PURPOSES);
        }
        uint256 scenarios = terms.scenarios.length;
        uint256 minimum = terms.standing ? 0 : 1;
        if (scenarios < minimum || scenarios > MAX_SCENARIOS) {
            revert ISharingRegistry.SharingRegistryScenarioCountOutOfRange(scenarios, minimum, MAX_SCENARIOS);
        }
        if (terms.validFrom >= terms.validTo) {
            revert ISharingRegistry.SharingRegistryTermEmpty(terms.validFrom, terms.validTo);
        }
        if (terms.validTo <= block.timestamp) {
            revert ISharingRegistry.SharingRegistryTermPast(terms.validTo, uint40(block.timestamp));
        }
        if (terms.usesPerCase == 0) {
            revert ISharingRegistry.SharingRegistryUsesOutOfRange(0, type(uint32).max);
        }
    }

    /// @dev Every mask of `scope` is inside `limit`, and one is not zero.
    function requireScopeWithin(ISharingRegistry.Scope memory scope, ISharingRegistry.Scope memory limit)
        internal
        pure
    {
        if (isEmpty(scope)) revert ISharingRegistry.SharingRegistryMasksEmpty();
        _requireMask(ISharingRegistry.Mode.VERIFY, scope.verifyMask, limit.verifyMask);
        _requireMask(ISharingRegistry.Mode.QUERY, scope.queryMask, limit.queryMask);
        _requireMask(ISharingRegistry.Mode.ANSWER, scope.answerMask, limit.answerMask);
        _requireMask(ISharingRegistry.Mode.BATCH, scope.batchMask, limit.batchMask);
    }

    /// @dev Lists are subsets, the term lies inside, uses are not more; masks are compared by requireScopeWithin.
    function requireWithin(ISharingRegistry.Terms memory terms, ISharingRegistry.Terms memory limit) internal pure {
        for (uint256 i = 0; i < terms.purposes.length; ++i) {
            if (!_contains(limit.purposes, terms.purposes[i])) {
                revert ISharingRegistry.SharingRegistryPurposeNotAllowed(terms.purposes[i]);
            }
        }
        for (uint256 i = 0; i < terms.scenarios.length; ++i) {
            if (!_contains(limit.scenarios, terms.scenarios[i])) {
                revert ISharingRegistry.SharingRegistryScenarioNotAllowed(terms.scenarios[i]);
            }
        }
        if (terms.validFrom < limit.validFrom || terms.validTo > limit.validTo) {
            revert ISharingRegistry.SharingRegistryTermWidened(
                terms.validFrom, terms.validTo, limit.validFrom, limit.validTo
            );
        }
        if (terms.usesPerCase > limit.usesPerCase) {
            revert ISharingRegistry.SharingRegistryUsesOutOfRange(terms.usesPerCase, limit.usesPerCase);
        }
    }

    function _requireMask(ISharingRegistry.Mode mode, uint256 mask, uint256 allowed) private pure {
        if (!Masks.isWithin(mask, allowed)) {
            revert ISharingRegistry.SharingRegistryMaskOutOfRange(mode, mask, allowed);
        }
    }

    function _contains(bytes32[] memory list, bytes32 value) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == value) return true;
        }
        return false;
    }
}
