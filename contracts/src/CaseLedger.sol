// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICaseLedger} from "./interfaces/ICaseLedger.sol";
import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title Cases (minimal)
contract CaseLedger is ICaseLedger {
    uint256 private constant MAX_PARTICIPANTS = 32;

    IDepartmentRegistry public immutable registry;

    /// @dev slot 0: lead -> case no. -> case, four slots and one a participant:
    ///      | scenario                                                                   |
    ///      | subjectsRoot                                                               |
    ///      bit 255        120 119  112 111      72 71       32 31                  0
    ///      | unused (136)    | outcome | closedAt | openedAt  | subjectCount        |
    ///      | number of participants                                                     |
    mapping(bytes18 lead => mapping(bytes32 caseNo => Case)) private _cases;
    /// @dev slot 1
    mapping(bytes18 lead => mapping(bytes32 caseNo => bytes32)) private _accumulators;
    /// @dev slot 2
    mapping(bytes18 lead => bytes32) private _leadAccumulators;

    constructor(IDepartmentRegistry registry_) {
        registry = registry_;
    }

    /// @inheritdoc ICaseLedger
    function open(
        bytes32 caseNo,
        bytes32 scenario,
        bytes18[] calldata participants,
        bytes32 subjectsRoot,
        uint32 subjectCount
    ) external {
        bytes18 lead = _lead();
        if (caseNo == 0) revert CaseLedgerCaseNoZero(lead);
        Case storage entry = _cases[lead][caseNo];
        if (entry.openedAt != 0) revert CaseLedgerCaseNoTaken(lead, caseNo, entry.openedAt);
        if (subjectsRoot == 0 || subjectCount == 0) revert CaseLedgerSubjectsMissing(subjectsRoot, subjectCount);
        _requireKnown(participants);

        entry.scenario = scenario;
        entry.subjectsRoot = subjectsRoot;
        entry.subjectCount = subjectCount;
        entry.openedAt = uint40(block.timestamp);
        entry.participants = participants;
        bytes memory body = abi.encode(lead, caseNo, scenario, participants, subjectsRoot, subjectCount);
        _fold(lead, caseNo, CaseOpened.selector, body);
        _leadAccumulators[lead] = Accumulator.fold(_leadAccumulators[lead], CaseOpened.selector, body);
        emit CaseOpened(lead, caseNo, scenario, participants, subjectsRoot, subjectCount);
    }

    /// @inheritdoc ICaseLedger
    function addSubject(bytes32 caseNo, bytes32 subjectsRoot) external {
        (bytes18 lead, Case storage entry) = _ownOpenCase(caseNo);
        uint32 subjectCount = entry.subjectCount + 1;
        if (subjectsRoot == 0) revert CaseLedgerSubjectsMissing(subjectsRoot, subjectCount);
        entry.subjectsRoot = subjectsRoot;
        entry.subjectCount = subjectCount;
        _fold(lead, caseNo, CaseSubjectAdded.selector, abi.encode(lead, caseNo, subjectsRoot, subjectCount));
        emit CaseSubjectAdded(lead, caseNo, subjectsRoot, subjectCount);
    }

    /// @inheritdoc ICaseLedger
    function close(bytes32 caseNo, uint8 outcome) external {
        (bytes18 lead, Case storage entry) = _ownOpenCase(caseNo);
        entry.closedAt = uint40(block.timestamp);
        entry.outcome = outcome;
        _fold(lead, caseNo, CaseClosed.selector, abi.encode(lead, caseNo, outcome));
        emit CaseClosed(lead, caseNo, outcome);
    }

    /// @inheritdoc ICaseLedger
    function caseOf(bytes18 lead, bytes32 caseNo) external view returns (Case memory) {
        return _cases[lead][caseNo];
    }

    /// @inheritdoc ICaseLedger
    function isOpenFor(bytes18 lead, bytes32 caseNo, bytes18 department) external view returns (bool) {
        Case storage entry = _cases[lead][caseNo];
        if (entry.openedAt == 0 || entry.closedAt != 0) return false;
        if (department == lead) return true;
        bytes18[] storage participants = entry.participants;
        for (uint256 i = 0; i < participants.length; ++i) {
            if (participants[i] == department) return true;
        }
        return false;
    }

    /// @inheritdoc ICaseLedger
    function accumulatorOf(bytes18 lead, bytes32 caseNo) external view returns (bytes32) {
        return _accumulators[lead][caseNo];
    }

    /// @inheritdoc ICaseLedger
    function leadAccumulatorOf(bytes18 lead) external view returns (bytes32) {
        return _leadAccumulators[lead];
    }

    function _fold(bytes18 lead, bytes32 caseNo, bytes32 topic, bytes memory body) private {
        _accumulators[lead][caseNo] = Accumulator.fold(_accumulators[lead][caseNo], topic, body);
    }

    /// @return lead department of the caller, who must be its LAW signer
    function _lead() private view returns (bytes18 lead) {
        bool active;
        (lead, active) = registry.requireRole(msg.sender, Roles.LAW);
        if (!active) revert CaseLedgerDepartmentSuspended(lead);
    }

    function _ownOpenCase(bytes32 caseNo) private view returns (bytes18 lead, Case storage entry) {
        lead = _lead();
        entry = _cases[lead][caseNo];
        if (entry.openedAt == 0) revert CaseLedgerCaseUnknown(lead, caseNo);
        if (entry.closedAt != 0) revert CaseLedgerCaseClosed(lead, caseNo, entry.closedAt);
    }

    function _requireKnown(bytes18[] calldata participants) private view {
        if (participants.length > MAX_PARTICIPANTS) {
            revert CaseLedgerTooManyParticipants(participants.length, MAX_PARTICIPANTS);
        }
        for (uint256 i = 0; i < participants.length; ++i) {
            if (registry.departmentOf(participants[i]).kind == IDepartmentRegistry.Kind.NONE) {
                revert CaseLedgerParticipantUnknown(participants[i]);
            }
        }
    }
}
