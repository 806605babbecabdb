// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Corrections (校核): (receiver, number) -> disputed value, who has to answer, outcome
/// @notice A receiver that finds a value doubtful asks its provider to check it; the provider answers, or hands it on,
///         once, to the department that is the source of the value (数源部门), which alone answers from then on.
///
///           OPEN --answer--> CORRECTED | MAINTAINED           OPEN --forward--> FORWARDED
///           FORWARDED --answer (source)--> CORRECTED | MAINTAINED
///           OPEN, FORWARDED --withdraw--> WITHDRAWN
///
///         Each of the two has ten working days, the provider from the opening, the source from the forwarding. Start
///         times are stored, deadlines computed from the calendar (deadlineOf); only recordOverdue asks the calendar,
///         so a year that is not loaded stops nothing else. A late answer is still an answer.
///         `target` is a salted digest that names record and field, `evidence` and `document` are salted digests of
///         texts that travel between the nodes; all of them stand in the events. Source: Decree 809 art. 26.
interface ICorrectionRegistry {
    enum State {
        NONE,
        OPEN,
        FORWARDED,
        CORRECTED,
        MAINTAINED,
        WITHDRAWN
    }

    /// @param number 1..99,999,999,999,999, new for this receiver
    /// @param provider who gave the grant
    /// @param grantNumber a grant of the provider to the caller's department, running or not
    /// @param serial of the dataset that the grant covers
    /// @param version of the dataset that the grant covers
    /// @param target salted digest naming record and field, not zero
    /// @param evidence salted digest of the evidence, not zero
    /// @param document salted digest of the form, not zero
    struct Opening {
        uint64 number;
        bytes18 provider;
        uint64 grantNumber;
        uint32 serial;
        uint16 version;
        bytes32 target;
        bytes32 evidence;
        bytes32 document;
    }

    /// @param provider who gave the grant
    /// @param source who answers since it was forwarded; zero = not forwarded
    /// @param openedAt epoch seconds, start of the provider's clock; 0 = no such correction
    /// @param forwardedAt epoch seconds, start of the source's clock; 0 = not forwarded
    /// @param providerOverdue recorded as overdue while OPEN
    /// @param sourceOverdue recorded as overdue while FORWARDED
    struct Correction {
        State state;
        bytes18 provider;
        uint40 openedAt;
        uint40 forwardedAt;
        bool providerOverdue;
        bool sourceOverdue;
        bytes18 source;
        uint64 grantNumber;
        uint32 serial;
        uint16 version;
    }

    event CorrectionOpened(
        bytes18 indexed receiver,
        uint64 indexed number,
        bytes18 indexed provider,
        uint64 grantNumber,
        uint32 serial,
        uint16 version,
        bytes32 target,
        bytes32 evidence,
        bytes32 document
    );
    event CorrectionForwarded(
        bytes18 indexed receiver, uint64 indexed number, bytes18 indexed source, bytes32 document
    );
    /// @param outcome CORRECTED (更正) or MAINTAINED (维持)
    /// @param answeredBy the provider or, once forwarded, the source
    event CorrectionAnswered(
        bytes18 indexed receiver, uint64 indexed number, State outcome, bytes18 answeredBy, bytes32 document
    );
    event CorrectionWithdrawn(bytes18 indexed receiver, uint64 indexed number, bytes32 document);
    /// @param addressee who is late
    /// @param deadline first second that is late
    /// @param recordedBy department of the signer who recorded it
    event CorrectionOverdue(
        bytes18 indexed receiver, uint64 indexed number, bytes18 addressee, uint40 deadline, bytes18 recordedBy
    );

    /// @notice A suspended department opens, answers, forwards and withdraws nothing.
    error CorrectionRegistryDepartmentSuspended(bytes18 department);
    /// @notice Correction numbers have 1 to 14 digits.
    error CorrectionRegistryNumberOutOfRange(uint64 number, uint64 limit);
    /// @notice The receiver used this number before; the correction is in state `state`.
    error CorrectionRegistryNumberTaken(bytes18 receiver, uint64 number, State state);
    /// @notice The provider gave this grant to `holder`, zero when it gave no such grant.
    error CorrectionRegistryNotReceiver(bytes18 receiver, bytes18 provider, uint64 grantNumber, bytes18 holder);
    /// @notice The grant covers another dataset or version.
    error CorrectionRegistryDatasetMismatch(uint32 serial, uint16 version, uint32 grantedSerial, uint16 grantedVersion);
    /// @notice A correction names the value it is about.
    error CorrectionRegistryTargetMissing(bytes18 receiver, uint64 number);
    /// @notice A correction has evidence.
    error CorrectionRegistryEvidenceMissing(bytes18 receiver, uint64 number);
    /// @notice Every step has its document, reasons included.
    error CorrectionRegistryDocumentMissing(bytes18 receiver, uint64 number);
    /// @notice The correction is in state `state`; the call needs OPEN or, unless it forwards, FORWARDED.
    error CorrectionRegistryStateUnexpected(bytes18 receiver, uint64 number, State state);
    /// @notice It is for `addressee` to answer or forward; the caller acts for `department`.
    error CorrectionRegistryNotAddressee(bytes18 department, bytes18 addressee);
    /// @notice An answer is CORRECTED or MAINTAINED.
    error CorrectionRegistryOutcomeUnexpected(State outcome);
    /// @notice The provider cannot forward to itself.
    error CorrectionRegistrySourceIsProvider(bytes18 source);
    /// @notice The source is not a department, or suspended, so it could not answer.
    error CorrectionRegistrySourceNotActive(bytes18 source);
    /// @notice It is late from `deadline` on, now is `time`.
    error CorrectionRegistryNotOverdue(uint40 deadline, uint40 time);
    /// @notice That the addressee is late is recorded already.
    error CorrectionRegistryOverdueRecorded(bytes18 receiver, uint64 number, bytes18 addressee);

    /// @notice Open a correction of a value that came under a grant. Caller: LAW of the grant's receiver, not suspended.
    function open(Opening calldata opening) external;
    /// @notice Withdraw a correction that is not answered. Caller: LAW of the receiver, not suspended.
    function withdraw(uint64 number, bytes32 document) external;
    /// @notice Answer a correction. Caller: LAW of the addressee (provider, once forwarded the source), not suspended.
    /// @param outcome CORRECTED or MAINTAINED
    /// @param document result and reasons
    function answer(bytes18 receiver, uint64 number, State outcome, bytes32 document) external;
    /// @notice Hand an OPEN correction on to the source of the value (转数源部门). Caller: LAW of the provider, not
    ///         suspended.
    /// @param source an active department other than the provider
    function forward(bytes18 receiver, uint64 number, bytes18 source, bytes32 document) external;
    /// @notice Record, once for each addressee, that the answer is late. Caller: any registered signer, whatever its role
    ///         and whether or not its department is suspended.
    function recordOverdue(bytes18 receiver, uint64 number) external;

    /// @notice State of a correction; all zero when there is none.
    function correctionOf(bytes18 receiver, uint64 number) external view returns (Correction memory);
    /// @notice First second that is late for the present addressee; 0 when nobody has to answer.
    function deadlineOf(bytes18 receiver, uint64 number) external view returns (uint40);
    /// @notice Accumulator over all events of one correction.
    function accumulatorOf(bytes18 receiver, uint64 number) external view returns (bytes32);
    /// @notice Accumulator over all CorrectionOpened events of one receiver.
    function receiverAccumulatorOf(bytes18 receiver) external view returns (bytes32);
    /// @notice Accumulator over all CorrectionOpened and CorrectionForwarded events addressed to a department.
    function addresseeAccumulatorOf(bytes18 addressee) external view returns (bytes32);
}
