// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Cases (minimal): (lead, case no.) -> scenario, participants, subjects root, open or closed
/// @notice Case numbers are the lead's own; a closed case stays closed. Persons and objects of a case appear only as
///         the salted RFC 9162 root over them.
interface ICaseLedger {
    /// @param scenario opaque id of the scenario
    /// @param subjectsRoot RFC 9162 root over the salted subjects
    /// @param subjectCount size of that tree
    /// @param openedAt epoch seconds; 0 = no such case
    /// @param closedAt epoch seconds; 0 = open
    /// @param outcome code given at closing
    /// @param participants departments that take part, without the lead unless it named itself
    struct Case {
        bytes32 scenario;
        bytes32 subjectsRoot;
        uint32 subjectCount;
        uint40 openedAt;
        uint40 closedAt;
        uint8 outcome;
        bytes18[] participants;
    }

    event CaseOpened(
        bytes18 indexed lead,
        bytes32 indexed caseNo,
        bytes32 indexed scenario,
        bytes18[] participants,
        bytes32 subjectsRoot,
        uint32 subjectCount
    );
    /// @param subjectsRoot root of the grown tree
    /// @param subjectCount its size
    event CaseSubjectAdded(bytes18 indexed lead, bytes32 indexed caseNo, bytes32 subjectsRoot, uint32 subjectCount);
    event CaseClosed(bytes18 indexed lead, bytes32 indexed caseNo, uint8 outcome);

    /// @notice A suspended department acts in no case of its own.
    error CaseLedgerDepartmentSuspended(bytes18 department);
    /// @notice A case number is not zero.
    error CaseLedgerCaseNoZero(bytes18 lead);
    /// @notice The lead opened a case with this number at `openedAt`.
    error CaseLedgerCaseNoTaken(bytes18 lead, bytes32 caseNo, uint40 openedAt);
    /// @notice At most `limit` participants.
    error CaseLedgerTooManyParticipants(uint256 count, uint256 limit);
    /// @notice The participant is not registered.
    error CaseLedgerParticipantUnknown(bytes18 participant);
    /// @notice A case has at least one subject, so its root is not zero and its count at least 1.
    error CaseLedgerSubjectsMissing(bytes32 subjectsRoot, uint32 subjectCount);
    /// @notice The lead has no case with this number.
    error CaseLedgerCaseUnknown(bytes18 lead, bytes32 caseNo);
    /// @notice The case was closed at `closedAt`.
    error CaseLedgerCaseClosed(bytes18 lead, bytes32 caseNo, uint40 closedAt);

    /// @notice Open a case of the caller's department. Caller: LAW, not suspended.
    /// @param caseNo ASCII, zero padded at the right, not zero, new for this lead
    /// @param scenario opaque id
    /// @param participants 0..32 registered departments or other receivers
    /// @param subjectsRoot not zero
    /// @param subjectCount at least 1
    function open(
        bytes32 caseNo,
        bytes32 scenario,
        bytes18[] calldata participants,
        bytes32 subjectsRoot,
        uint32 subjectCount
    ) external;
    /// @notice Append one subject to an open case of the caller's department. Caller: LAW, not suspended.
    /// @param subjectsRoot root of the tree with the new subject at its end
    function addSubject(bytes32 caseNo, bytes32 subjectsRoot) external;
    /// @notice Close an open case of the caller's department, once. Caller: LAW, not suspended.
    function close(bytes32 caseNo, uint8 outcome) external;

    /// @notice State of a case; all zero when there is none.
    function caseOf(bytes18 lead, bytes32 caseNo) external view returns (Case memory);
    /// @notice True while the case is open and `department` is its lead or a participant.
    function isOpenFor(bytes18 lead, bytes32 caseNo, bytes18 department) external view returns (bool);
    /// @notice Accumulator over all events of one case.
    function accumulatorOf(bytes18 lead, bytes32 caseNo) external view returns (bytes32);
    /// @notice Accumulator over all CaseOpened events of one lead.
    function leadAccumulatorOf(bytes18 lead) external view returns (bytes32);
}
