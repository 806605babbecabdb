// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICorrectionRegistry} from "./interfaces/ICorrectionRegistry.sol";
import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {ISharingRegistry} from "./interfaces/ISharingRegistry.sol";
import {IWorkCalendar} from "./interfaces/IWorkCalendar.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {Keys} from "./libraries/Keys.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title Corrections (校核)
contract CorrectionRegistry is ICorrectionRegistry {
    uint64 private constant MAX_NUMBER = 99_999_999_999_999;
    /// @dev Decree 809 art. 26: feedback within 10 working days.
    uint16 private constant ANSWER_WD = 10;

    IDepartmentRegistry public immutable registry;
    ISharingRegistry public immutable sharing;
    IWorkCalendar public immutable calendar;

    /// @dev slot 0: Keys.correction -> correction, two slots:
    ///      bit 255    248 247     240 239      232 231        192 191     152 151          8 7      0
    ///      | unused (8)  | sourceOv. | providerOv. | forwardedAt | openedAt  | provider     | state  |
    ///      bit 255      240 239      208 207          144 143                                      0
    ///      | version       | serial     | grantNumber    | source                                    |
    mapping(bytes32 key => Correction) private _corrections;
    /// @dev slot 1: Keys.correction -> accumulator
    mapping(bytes32 key => bytes32) private _accumulators;
    /// @dev slot 2
    mapping(bytes18 receiver => bytes32) private _receiverAccumulators;
    /// @dev slot 3
    mapping(bytes18 addressee => bytes32) private _addresseeAccumulators;

    constructor(IDepartmentRegistry registry_, ISharingRegistry sharing_, IWorkCalendar calendar_) {
        registry = registry_;
        sharing = sharing_;
        calendar = calendar_;
    }

    /// @inheritdoc ICorrectionRegistry
    function open(Opening calldata o) external {
        bytes18 receiver = _department();
        Correction storage entry = _corrections[Keys.correction(receiver, o.number)];
        if (o.number == 0 || o.number > MAX_NUMBER) revert CorrectionRegistryNumberOutOfRange(o.number, MAX_NUMBER);
        if (entry.state != State.NONE) revert CorrectionRegistryNumberTaken(receiver, o.number, entry.state);
        _requireGranted(receiver, o);
        _requireFiled(receiver, o);

        entry.state = State.OPEN;
        entry.provider = o.provider;
        entry.openedAt = uint40(block.timestamp);
        entry.grantNumber = o.grantNumber;
        entry.serial = o.serial;
        entry.version = o.version;
        _recordOpening(receiver, o);
    }

    /// @inheritdoc ICorrectionRegistry
    function withdraw(uint64 number, bytes32 document) external {
        bytes18 receiver = _department();
        Correction storage entry = _corrections[Keys.correction(receiver, number)];
        _requireUnanswered(entry, receiver, number);
        _requireDocument(receiver, number, document);
        entry.state = State.WITHDRAWN;
        _fold(receiver, number, CorrectionWithdrawn.selector, abi.encode(receiver, number, document));
        emit CorrectionWithdrawn(receiver, number, document);
    }

    /// @inheritdoc ICorrectionRegistry
    function answer(bytes18 receiver, uint64 number, State outcome, bytes32 document) external {
        bytes18 department = _department();
        Correction storage entry = _corrections[Keys.correction(receiver, number)];
        _requireUnanswered(entry, receiver, number);
        _requireAddressee(department, _addresseeOf(entry));
        if (outcome != State.CORRECTED && outcome != State.MAINTAINED) {
            revert CorrectionRegistryOutcomeUnexpected(outcome);
        }
        _requireDocument(receiver, number, document);
        entry.state = outcome;
        bytes memory body = abi.encode(receiver, number, outcome, department, document);
        _fold(receiver, number, CorrectionAnswered.selector, body);
        emit CorrectionAnswered(receiver, number, outcome, department, document);
    }

    /// @inheritdoc ICorrectionRegistry
    function forward(bytes18 receiver, uint64 number, bytes18 source, bytes32 document) external {
        bytes18 department = _department();
        Correction storage entry = _corrections[Keys.correction(receiver, number)];
        if (entry.state != State.OPEN) revert CorrectionRegistryStateUnexpected(receiver, number, entry.state);
        _requireAddressee(department, entry.provider);
        _requireSource(department, source);
        _requireDocument(receiver, number, document);
        entry.state = State.FORWARDED;
        entry.source = source;
        entry.forwardedAt = uint40(block.timestamp);
        bytes memory body = abi.encode(receiver, number, source, document);
        _fold(receiver, number, CorrectionForwarded.selector, body);
        _foldAddressee(source, CorrectionForwarded.selector, body);
        emit CorrectionForwarded(receiver, number, source, document);
    }

    /// @inheritdoc ICorrectionRegistry
    function recordOverdue(bytes18 receiver, uint64 number) external {
        (bytes18 recordedBy,) = registry.requireRole(msg.sender, Roles.ANY);
        Correction storage entry = _corrections[Keys.correction(receiver, number)];
        _requireUnanswered(entry, receiver, number);
        bool forwarded = entry.state == State.FORWARDED;
        bytes18 addressee = _addresseeOf(entry);
        if (forwarded ? entry.sourceOverdue : entry.providerOverdue) {
            revert CorrectionRegistryOverdueRecorded(receiver, number, addressee);
        }
        uint40 deadline = _deadline(entry);
        if (block.timestamp < deadline) revert CorrectionRegistryNotOverdue(deadline, uint40(block.timestamp));

        if (forwarded) entry.sourceOverdue = true;
        else entry.providerOverdue = true;
        bytes memory body = abi.encode(receiver, number, addressee, deadline, recordedBy);
        _fold(receiver, number, CorrectionOverdue.selector, body);
        emit CorrectionOverdue(receiver, number, addressee, deadline, recordedBy);
    }

    /// @inheritdoc ICorrectionRegistry
    function correctionOf(bytes18 receiver, uint64 number) external view returns (Correction memory) {
        return _corrections[Keys.correction(receiver, number)];
    }

    /// @inheritdoc ICorrectionRegistry
    function deadlineOf(bytes18 receiver, uint64 number) external view returns (uint40) {
        Correction storage entry = _corrections[Keys.correction(receiver, number)];
        return entry.state == State.OPEN || entry.state == State.FORWARDED ? _deadline(entry) : 0;
    }

    /// @inheritdoc ICorrectionRegistry
    function accumulatorOf(bytes18 receiver, uint64 number) external view returns (bytes32) {
        return _accumulators[Keys.correction(receiver, number)];
    }

    /// @inheritdoc ICorrectionRegistry
    function receiverAccumulatorOf(bytes18 receiver) external view returns (bytes32) {
        return _receiverAccumulators[receiver];
    }

    /// @inheritdoc ICorrectionRegistry
    function addresseeAccumulatorOf(bytes18 addressee) external view returns (bytes32) {
        return _addresseeAccumulators[addressee];
    }

    function _recordOpening(bytes18 receiver, Opening calldata o) private {
        bytes memory body = abi.encode(
            receiver, o.number, o.provider, o.grantNumber, o.serial, o.version, o.target, o.evidence, o.document
        );
        _fold(receiver, o.number, CorrectionOpened.selector, body);
        _receiverAccumulators[receiver] =
            Accumulator.fold(_receiverAccumulators[receiver], CorrectionOpened.selector, body);
        _foldAddressee(o.provider, CorrectionOpened.selector, body);
        emit CorrectionOpened(
            receiver, o.number, o.provider, o.grantNumber, o.serial, o.version, o.target, o.evidence, o.document
        );
    }

    function _fold(bytes18 receiver, uint64 number, bytes32 topic, bytes memory body) private {
        bytes32 key = Keys.correction(receiver, number);
        _accumulators[key] = Accumulator.fold(_accumulators[key], topic, body);
    }

    function _foldAddressee(bytes18 addressee, bytes32 topic, bytes memory body) private {
        _addresseeAccumulators[addressee] = Accumulator.fold(_addresseeAccumulators[addressee], topic, body);
    }

    /// @return department of the caller, who must be its LAW signer
    function _department() private view returns (bytes18 department) {
        bool active;
        (department, active) = registry.requireRole(msg.sender, Roles.LAW);
        if (!active) revert CorrectionRegistryDepartmentSuspended(department);
    }

    /// @return who has to answer
    function _addresseeOf(Correction storage entry) private view returns (bytes18) {
        return entry.state == State.FORWARDED ? entry.source : entry.provider;
    }

    function _deadline(Correction storage entry) private view returns (uint40) {
        uint40 start = entry.state == State.FORWARDED ? entry.forwardedAt : entry.openedAt;
        return calendar.deadlineAfter(start, ANSWER_WD);
    }

    function _requireGranted(bytes18 receiver, Opening calldata o) private view {
        ISharingRegistry.Grant memory grant = sharing.grantOf(o.provider, o.grantNumber);
        if (grant.receiver != receiver) {
            revert CorrectionRegistryNotReceiver(receiver, o.provider, o.grantNumber, grant.receiver);
        }
        if (grant.serial != o.serial || grant.version != o.version) {
            revert CorrectionRegistryDatasetMismatch(o.serial, o.version, grant.serial, grant.version);
        }
    }

    function _requireSource(bytes18 provider, bytes18 source) private view {
        if (source == provider) revert CorrectionRegistrySourceIsProvider(source);
        IDepartmentRegistry.Department memory found = registry.departmentOf(source);
        if (found.kind != IDepartmentRegistry.Kind.DEPARTMENT || !found.active) {
            revert CorrectionRegistrySourceNotActive(source);
        }
    }

    function _requireUnanswered(Correction storage entry, bytes18 receiver, uint64 number) private view {
        State state = entry.state;
        if (state != State.OPEN && state != State.FORWARDED) {
            revert CorrectionRegistryStateUnexpected(receiver, number, state);
        }
    }

    function _requireAddressee(bytes18 department, bytes18 addressee) private pure {
        if (department != addressee) revert CorrectionRegistryNotAddressee(department, addressee);
    }

    function _requireFiled(bytes18 receiver, Opening calldata o) private pure {
        if (o.target == 0) revert CorrectionRegistryTargetMissing(receiver, o.number);
        if (o.evidence == 0) revert CorrectionRegistryEvidenceMissing(receiver, o.number);
        _requireDocument(receiver, o.number, o.document);
    }

    function _requireDocument(bytes18 receiver, uint64 number, bytes32 document) private pure {
        if (document == 0) revert CorrectionRegistryDocumentMissing(receiver, number);
    }
}
