// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDatasetCatalog} from "./interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {ISharingRegistry} from "./interfaces/ISharingRegistry.sol";
import {IWorkCalendar} from "./interfaces/IWorkCalendar.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {Keys} from "./libraries/Keys.sol";
import {Masks} from "./libraries/Masks.sol";
import {Roles} from "./libraries/Roles.sol";
import {SharingTerms} from "./libraries/SharingTerms.sol";

/// @title Sharing requests and grants
contract SharingRegistry is ISharingRegistry {
    using SharingTerms for Terms;

    uint8 private constant UNCONDITIONAL = 1;
    uint8 private constant NOT_SHARED = 3;
    uint64 private constant MAX_NUMBER = 99_999_999_999_999;
    uint8 private constant MAX_RECTIFICATION = 250;
    /// @dev the three conditions of a catalogue entry: 共享范围, 使用用途, 使用条件 (Decree 809 art. 13, 15)
    uint8 private constant GROUNDS = 7;

    /// @dev Decree 809 art. 21: answer within 1 (property 1) or 10 working days, extended by at most 10; art. 22: delivery
    ///      within 20. Reply to a completion notice: 10, dossier 2.3.1 [assumption].
    uint16 private constant ANSWER_UNCONDITIONAL_WD = 1;
    uint16 private constant ANSWER_CONDITIONAL_WD = 10;
    uint8 private constant EXTENSION_LIMIT_WD = 10;
    uint16 private constant DELIVERY_WD = 20;
    uint16 private constant SUPPLEMENT_WD = 10;

    IDepartmentRegistry public immutable registry;
    IDatasetCatalog public immutable catalog;
    IWorkCalendar public immutable calendar;

    /// @dev slot 0: Keys.request -> request, five slots (booleans and small enums have 8 bits each):
    ///      bit 255                                                   200 199    184 183     152 151      8 7     0
    ///      | deliveryOverdue .. unconditional, in the struct's order    | version  | serial    | provider | state |
    ///      bit 255    216 215      176 175    136 135    96 95         56 55                                   0
    ///      | unused      | disposedAt | endedAt  | stateAt | submittedAt | settled .. byAuthority               |
    ///      | unused (192)                                                                      | grantNumber    |
    ///      | termsHash                                                                                          |
    ///      | changeHash                                                                                         |
    mapping(bytes32 key => Request) private _requests;
    /// @dev slot 1: Keys.grant -> grant: two slots, then its terms as in Terms
    mapping(bytes32 key => Grant) private _grants;
    /// @dev slot 2: Keys.request -> accumulator
    mapping(bytes32 key => bytes32) private _accumulators;
    /// @dev slot 3
    mapping(bytes18 requester => bytes32) private _requesterAccumulators;
    /// @dev slot 4
    mapping(bytes18 provider => bytes32) private _providerAccumulators;

    modifier onlyAuthority() {
        address authority = registry.authority();
        if (msg.sender != authority) revert SharingRegistryNotAuthority(msg.sender, authority);
        _;
    }

    constructor(IDepartmentRegistry registry_, IDatasetCatalog catalog_) {
        registry = registry_;
        catalog = catalog_;
        calendar = registry_.calendar();
    }

    // ---- the requester -----------------------------------------------------------------------------------------------

    /// @inheritdoc ISharingRegistry
    function submit(Application memory a) external {
        bytes18 requester = _department();
        _requireNew(requester, a);
        _requireFiled(requester, a.number, a.legalBasis, a.document);
        bool unconditional = _requireCatalogued(a.provider, a.serial, a.version, a.terms);

        Request storage entry = _requests[Keys.request(requester, a.number)];
        entry.provider = a.provider;
        entry.serial = a.serial;
        entry.version = a.version;
        entry.unconditional = unconditional;
        _file(entry, a.terms, a.outOfScope);
        _recordSubmission(requester, a, unconditional);
    }

    /// @inheritdoc ISharingRegistry
    function resubmit(uint64 number, Terms memory terms, bool outOfScope, bytes32 legalBasis, bytes32 document)
        external
    {
        (bytes18 requester, Request storage entry) = _ownRequest(number, State.SUPPLEMENT);
        _requireFiled(requester, number, legalBasis, document);
        _requireCatalogued(entry.provider, entry.serial, entry.version, terms);
        _file(entry, terms, outOfScope);
        _fold(
            requester,
            number,
            RequestResubmitted.selector,
            abi.encode(requester, number, terms, outOfScope, legalBasis, document)
        );
        emit RequestResubmitted(requester, number, terms, outOfScope, legalBasis, document);
    }

    /// @inheritdoc ISharingRegistry
    function withdraw(uint64 number) external {
        bytes18 requester = _department();
        Request storage entry = _requests[Keys.request(requester, number)];
        if (entry.state != State.SUPPLEMENT) _requireState(entry, requester, number, State.SUBMITTED);
        _withdraw(entry, requester, number, false);
    }

    /// @inheritdoc ISharingRegistry
    function dispute(uint64 number, bytes32 document) external {
        (bytes18 requester, Request storage entry) = _ownRequest(number, State.REFUSED);
        if (entry.settled) revert SharingRegistryDisputeSettled(requester, number);
        _enter(entry, State.DISPUTE);
        _recordStep(requester, number, RequestDisputed.selector, document);
        emit RequestDisputed(requester, number, document);
    }

    /// @inheritdoc ISharingRegistry
    function reportRectification(uint64 number, bytes32 document) external {
        (bytes18 requester,) = _ownRequest(number, State.SUSPENDED);
        _recordStep(requester, number, RectificationReported.selector, document);
        emit RectificationReported(requester, number, document);
    }

    /// @inheritdoc ISharingRegistry
    function acceptChange(uint64 number, Terms memory terms, bytes32 document) external {
        (bytes18 requester, Request storage entry) = _ownRequest(number, State.CHANGE_NEGOTIATION);
        if (entry.isStop) revert SharingRegistryChangeKind(requester, number, true);
        _requireHash(terms, entry.changeHash);
        _requireDocument(requester, number, document);
        _grants[Keys.grant(entry.provider, entry.grantNumber)].terms = terms;
        entry.termsHash = entry.changeHash;
        entry.changeHash = 0;
        _enter(entry, State.ACTIVE);
        _fold(requester, number, TermsChanged.selector, abi.encode(requester, number, terms, document));
        emit TermsChanged(requester, number, terms, document);
    }

    /// @inheritdoc ISharingRegistry
    function close(uint64 number, bytes32 document) external {
        (bytes18 requester, Request storage entry) = _ownRequest(number, State.ACTIVE);
        _close(entry, requester, number, false, document);
    }

    /// @inheritdoc ISharingRegistry
    function recordDisposal(uint64 number, bytes32 document) external {
        bytes18 requester = _department();
        Request storage entry = _requests[Keys.request(requester, number)];
        if (entry.endedAt == 0 || entry.disposedAt != 0) {
            revert SharingRegistryDisposalUnexpected(requester, number, entry.state, entry.disposedAt);
        }
        entry.disposedAt = uint40(block.timestamp);
        _recordStep(requester, number, DisposalRecorded.selector, document);
        emit DisposalRecorded(requester, number, document);
    }

    // ---- the provider ------------------------------------------------------------------------------------------------

    /// @inheritdoc ISharingRegistry
    function askSupplement(bytes18 requester, uint64 number, bytes32 document) external {
        Request storage entry = _addressedRequest(requester, number, State.SUBMITTED);
        if (entry.supplemented) revert SharingRegistrySupplementRepeated(requester, number);
        entry.supplemented = true;
        _enter(entry, State.SUPPLEMENT);
        _recordStep(requester, number, SupplementAsked.selector, document);
        emit SupplementAsked(requester, number, document);
    }

    /// @inheritdoc ISharingRegistry
    function flagScope(bytes18 requester, uint64 number, bytes32 document) external {
        Request storage entry = _addressedRequest(requester, number, State.SUBMITTED);
        if (entry.unconditional) revert SharingRegistryUnconditional(requester, number);
        if (entry.outOfScope) revert SharingRegistryScopeFlag(requester, number, true);
        entry.outOfScope = true;
        _recordStep(requester, number, ScopeFlagged.selector, document);
        emit ScopeFlagged(requester, number, document);
    }

    /// @inheritdoc ISharingRegistry
    function askExtension(bytes18 requester, uint64 number, uint8 workingDays, bytes32 document) external {
        Request storage entry = _addressedRequest(requester, number, State.SUBMITTED);
        _requireExtendable(entry, requester, number, workingDays);
        entry.extensionAsked = workingDays;
        _recordDays(requester, number, ExtensionAsked.selector, workingDays, document);
        emit ExtensionAsked(requester, number, workingDays, document);
    }

    /// @inheritdoc ISharingRegistry
    function extend(bytes18 requester, uint64 number, uint8 workingDays, bytes32 document) external {
        Request storage entry = _addressedRequest(requester, number, State.SUBMITTED);
        _requireExtendable(entry, requester, number, workingDays);
        if (workingDays > entry.extensionConsented) {
            revert SharingRegistryExtensionWithoutConsent(workingDays, entry.extensionConsented);
        }
        entry.extension = workingDays;
        _recordDays(requester, number, RequestExtended.selector, workingDays, document);
        emit RequestExtended(requester, number, workingDays, document);
    }

    /// @inheritdoc ISharingRegistry
    function agree(
        bytes18 requester,
        uint64 number,
        Terms memory asked,
        Scope memory scope,
        uint8 grounds,
        Cover cover,
        bytes32 document
    ) external {
        Request storage entry = _addressedRequest(requester, number, State.SUBMITTED);
        _requireDocument(requester, number, document);
        if (entry.outOfScope) revert SharingRegistryScopeNotReviewed(requester, number);
        bool isPartial = _agree(entry, requester, asked, scope, cover);
        if (isPartial && entry.unconditional) revert SharingRegistryUnconditional(requester, number);
        _requireGrounds(grounds, isPartial || entry.partialAnswer);
        entry.partialAnswer = entry.partialAnswer || isPartial;
        _fold(
            requester,
            number,
            RequestAgreed.selector,
            abi.encode(requester, number, scope, grounds, cover, document)
        );
        emit RequestAgreed(requester, number, scope, grounds, cover, document);
    }

    /// @inheritdoc ISharingRegistry
    function refuse(bytes18 requester, uint64 number, uint8 grounds, bytes32 document) external {
        Request storage entry = _addressedRequest(requester, number, State.SUBMITTED);
        if (entry.unconditional) revert SharingRegistryUnconditional(requester, number);
        _requireGrounds(grounds, true);
        _requireDocument(requester, number, document);
        _enter(entry, State.REFUSED);
        _fold(requester, number, RequestRefused.selector, abi.encode(requester, number, grounds, document));
        emit RequestRefused(requester, number, grounds, document);
    }

    /// @inheritdoc ISharingRegistry
    function deliver(bytes18 requester, uint64 number, uint64 grantNumber, Terms memory terms, bytes32 document)
        external
    {
        Request storage entry = _addressedRequest(requester, number, State.AGREED);
        bytes18 provider = entry.provider;
        Grant storage given = _grants[Keys.grant(provider, grantNumber)];
        if (grantNumber == 0 || given.receiver != 0) revert SharingRegistryGrantNumberTaken(provider, grantNumber);
        _requireHash(terms, entry.termsHash);
        _requireDocument(requester, number, document);
        _requireCatalogued(provider, entry.serial, entry.version, terms);

        given.receiver = requester;
        given.request = number;
        given.serial = entry.serial;
        given.version = entry.version;
        given.cover = entry.cover;
        given.terms = terms;
        entry.grantNumber = grantNumber;
        _enter(entry, State.ACTIVE);
        _recordGrant(given, provider, grantNumber, terms, document);
    }

    /// @inheritdoc ISharingRegistry
    function proposeChange(bytes18 requester, uint64 number, Terms memory terms, bytes32 document) external {
        Request storage entry = _addressedRequest(requester, number, State.ACTIVE);
        Terms memory before = _grants[Keys.grant(entry.provider, entry.grantNumber)].terms;
        terms.requireWellFormed();
        SharingTerms.requireScopeWithin(terms.scopeOf(), before.scopeOf());
        terms.requireWithin(before);
        if (terms.standing && !before.standing) revert SharingRegistryStandingAdded(requester, number);
        entry.changeHash = terms.hash();
        _proposeChange(entry, requester, number, false, terms, document);
    }

    /// @inheritdoc ISharingRegistry
    function proposeStop(bytes18 requester, uint64 number, bytes32 document) external {
        Request storage entry = _addressedRequest(requester, number, State.ACTIVE);
        Terms memory none;
        _proposeChange(entry, requester, number, true, none, document);
    }

    /// @inheritdoc ISharingRegistry
    function keepTerms(bytes18 requester, uint64 number, bytes32 document) external {
        Request storage entry = _addressedRequest(requester, number, State.CHANGE_NEGOTIATION);
        entry.changeHash = 0;
        entry.isStop = false;
        _enter(entry, State.ACTIVE);
        _recordStep(requester, number, TermsKept.selector, document);
        emit TermsKept(requester, number, document);
    }

    // ---- the provider or the authority -------------------------------------------------------------------------------

    /// @inheritdoc ISharingRegistry
    function suspendUse(bytes18 requester, uint64 number, uint8 rectifyWithin, bytes32 document) external {
        (Request storage entry, bool byAuthority) = _supervisedRequest(requester, number, State.ACTIVE);
        if (rectifyWithin == 0 || rectifyWithin > MAX_RECTIFICATION) {
            revert SharingRegistryRectificationOutOfRange(rectifyWithin, MAX_RECTIFICATION);
        }
        _requireDocument(requester, number, document);
        entry.byAuthority = byAuthority;
        entry.rectifyWithin = rectifyWithin;
        _enter(entry, State.SUSPENDED);
        _fold(
            requester,
            number,
            GrantSuspended.selector,
            abi.encode(requester, number, rectifyWithin, byAuthority, document)
        );
        emit GrantSuspended(requester, number, rectifyWithin, byAuthority, document);
    }

    /// @inheritdoc ISharingRegistry
    function resume(bytes18 requester, uint64 number, bytes32 document) external {
        Request storage entry = _suspendedRequest(requester, number);
        entry.rectifyWithin = 0;
        entry.byAuthority = false;
        _enter(entry, State.ACTIVE);
        _recordStep(requester, number, GrantResumed.selector, document);
        emit GrantResumed(requester, number, document);
    }

    /// @inheritdoc ISharingRegistry
    function terminate(bytes18 requester, uint64 number, bytes32 document) external {
        Request storage entry = _suspendedRequest(requester, number);
        _requireDocument(requester, number, document);
        (, uint40 deadline) = _requireLate(entry, requester, number);
        _end(entry, State.TERMINATED);
        _fold(requester, number, GrantTerminated.selector, abi.encode(requester, number, deadline, document));
        emit GrantTerminated(requester, number, deadline, document);
    }

    // ---- the authority -----------------------------------------------------------------------------------------------

    /// @inheritdoc ISharingRegistry
    function reviewScope(
        bytes18 requester,
        uint64 number,
        Terms memory asked,
        Scope memory scope,
        bytes32 document
    ) external onlyAuthority {
        Request storage entry = _requestIn(requester, number, State.SUBMITTED);
        if (!entry.outOfScope) revert SharingRegistryScopeFlag(requester, number, false);
        _requireHash(asked, entry.termsHash);
        _requireDocument(requester, number, document);
        SharingTerms.requireScopeWithin(scope, asked.scopeOf());
        entry.outOfScope = false;
        bytes32 reviewed = asked.withScope(scope).hash();
        if (reviewed != entry.termsHash) {
            entry.termsHash = reviewed;
            entry.partialAnswer = true;
        }
        _fold(requester, number, ScopeReviewed.selector, abi.encode(requester, number, scope, document));
        emit ScopeReviewed(requester, number, scope, document);
    }

    /// @inheritdoc ISharingRegistry
    function consentExtension(bytes18 requester, uint64 number, uint8 workingDays, bytes32 document)
        external
        onlyAuthority
    {
        Request storage entry = _requestIn(requester, number, State.SUBMITTED);
        if (workingDays == 0 || workingDays > entry.extensionAsked) {
            revert SharingRegistryExtensionOutOfRange(workingDays, entry.extensionAsked);
        }
        entry.extensionConsented = workingDays;
        _recordDays(requester, number, ExtensionConsented.selector, workingDays, document);
        emit ExtensionConsented(requester, number, workingDays, document);
    }

    /// @inheritdoc ISharingRegistry
    function settleDispute(
        bytes18 requester,
        uint64 number,
        Terms memory asked,
        Scope memory scope,
        Cover cover,
        bytes32 document
    ) external onlyAuthority {
        Request storage entry = _requestIn(requester, number, State.DISPUTE);
        _requireDocument(requester, number, document);
        entry.settled = true;
        bool agreed = !SharingTerms.isEmpty(scope);
        if (agreed) {
            bool isPartial = _agree(entry, requester, asked, scope, cover);
            entry.partialAnswer = entry.partialAnswer || isPartial;
            entry.outOfScope = false;
        } else {
            _enter(entry, State.REFUSED);
        }
        _fold(
            requester,
            number,
            DisputeSettled.selector,
            abi.encode(requester, number, agreed, scope, cover, document)
        );
        emit DisputeSettled(requester, number, agreed, scope, cover, document);
    }

    /// @inheritdoc ISharingRegistry
    function fileClosing(bytes18 requester, uint64 number, bytes32 document) external onlyAuthority {
        Request storage entry = _requestIn(requester, number, State.CHANGE_NEGOTIATION);
        if (!entry.isStop) revert SharingRegistryChangeKind(requester, number, false);
        _close(entry, requester, number, true, document);
    }

    // ---- any registered signer ---------------------------------------------------------------------------------------

    /// @inheritdoc ISharingRegistry
    function recordOverdue(bytes18 requester, uint64 number) external {
        (bytes18 recorder,) = registry.requireRole(msg.sender, Roles.ANY);
        Request storage entry = _requests[Keys.request(requester, number)];
        bool isAnswer = entry.state == State.SUBMITTED;
        bool isRecorded = isAnswer ? entry.answerOverdue : entry.deliveryOverdue;
        // while the authority reviews the scope (超范围) nobody else is late
        if ((!isAnswer && entry.state != State.AGREED) || isRecorded || entry.outOfScope) {
            revert SharingRegistryNoClock(requester, number, entry.state);
        }
        (Clock clock, uint40 deadline) = _requireLate(entry, requester, number);
        if (isAnswer) entry.answerOverdue = true;
        else entry.deliveryOverdue = true;
        _fold(
            requester,
            number,
            RequestOverdue.selector,
            abi.encode(requester, number, clock, deadline, recorder)
        );
        emit RequestOverdue(requester, number, clock, deadline, recorder);
    }

    /// @inheritdoc ISharingRegistry
    function recordWithdrawn(bytes18 requester, uint64 number) external {
        registry.requireRole(msg.sender, Roles.ANY);
        Request storage entry = _requestIn(requester, number, State.SUPPLEMENT);
        _requireLate(entry, requester, number);
        _withdraw(entry, requester, number, true);
    }

    /// @inheritdoc ISharingRegistry
    function recordExpired(bytes18 requester, uint64 number) external {
        registry.requireRole(msg.sender, Roles.ANY);
        Request storage entry = _requests[Keys.request(requester, number)];
        if (entry.state != State.SUSPENDED && entry.state != State.CHANGE_NEGOTIATION) {
            _requireState(entry, requester, number, State.ACTIVE);
        }
        uint40 validTo = _grants[Keys.grant(entry.provider, entry.grantNumber)].terms.validTo;
        if (block.timestamp < validTo) revert SharingRegistryTermRunning(validTo, uint40(block.timestamp));
        _end(entry, State.EXPIRED);
        _fold(requester, number, GrantExpired.selector, abi.encode(requester, number));
        emit GrantExpired(requester, number);
    }

    // ---- questions ---------------------------------------------------------------------------------------------------

    /// @inheritdoc ISharingRegistry
    function requestOf(bytes18 requester, uint64 number) external view returns (Request memory) {
        return _requests[Keys.request(requester, number)];
    }

    /// @inheritdoc ISharingRegistry
    function deadlineOf(bytes18 requester, uint64 number) external view returns (Clock, uint40) {
        return _deadline(_requests[Keys.request(requester, number)]);
    }

    /// @inheritdoc ISharingRegistry
    function grantOf(bytes18 provider, uint64 number) external view returns (Grant memory) {
        return _grants[Keys.grant(provider, number)];
    }

    /// @inheritdoc ISharingRegistry
    function isRunningAt(bytes18 provider, uint64 number, uint40 time) external view returns (bool) {
        Grant storage given = _grants[Keys.grant(provider, number)];
        State state = _requests[Keys.request(given.receiver, given.request)].state;
        if (state != State.ACTIVE && state != State.CHANGE_NEGOTIATION) return false;
        return given.terms.validFrom <= time && time < given.terms.validTo;
    }

    /// @inheritdoc ISharingRegistry
    function accumulatorOf(bytes18 requester, uint64 number) external view returns (bytes32) {
        return _accumulators[Keys.request(requester, number)];
    }

    /// @inheritdoc ISharingRegistry
    function requesterAccumulatorOf(bytes18 requester) external view returns (bytes32) {
        return _requesterAccumulators[requester];
    }

    /// @inheritdoc ISharingRegistry
    function providerAccumulatorOf(bytes18 provider) external view returns (bytes32) {
        return _providerAccumulators[provider];
    }

    // ---- transitions -------------------------------------------------------------------------------------------------

    function _enter(Request storage entry, State state) private {
        entry.state = state;
        entry.stateAt = uint40(block.timestamp);
    }

    function _end(Request storage entry, State state) private {
        entry.endedAt = uint40(block.timestamp);
        entry.changeHash = 0;
        entry.rectifyWithin = 0;
        entry.isStop = false;
        _enter(entry, state);
    }

    /// @dev The answer clock starts: at filing, and anew at filing again.
    function _file(Request storage entry, Terms memory terms, bool outOfScope) private {
        entry.termsHash = terms.hash();
        entry.outOfScope = outOfScope;
        entry.partialAnswer = false;
        entry.answerOverdue = false;
        entry.extensionAsked = 0;
        entry.extensionConsented = 0;
        entry.submittedAt = uint40(block.timestamp);
        _enter(entry, State.SUBMITTED);
    }

    function _withdraw(Request storage entry, bytes18 requester, uint64 number, bool deemed) private {
        _enter(entry, State.WITHDRAWN);
        _fold(requester, number, RequestWithdrawn.selector, abi.encode(requester, number, deemed));
        emit RequestWithdrawn(requester, number, deemed);
    }

    /// @return isPartial less is agreed to than asked
    function _agree(
        Request storage entry,
        bytes18 requester,
        Terms memory asked,
        Scope memory scope,
        Cover cover
    ) private returns (bool isPartial) {
        _requireHash(asked, entry.termsHash);
        SharingTerms.requireScopeWithin(scope, asked.scopeOf());
        bool isDepartment = registry.departmentOf(requester).kind == IDepartmentRegistry.Kind.DEPARTMENT;
        if (isDepartment != (cover == Cover.NONE)) revert SharingRegistryCoverUnexpected(requester, cover);
        bytes32 agreed = asked.withScope(scope).hash();
        isPartial = agreed != entry.termsHash;
        entry.termsHash = agreed;
        entry.cover = cover;
        _enter(entry, State.AGREED);
    }

    function _close(Request storage entry, bytes18 requester, uint64 number, bool filed, bytes32 document) private {
        _requireDocument(requester, number, document);
        _end(entry, State.CLOSED);
        _fold(requester, number, GrantClosed.selector, abi.encode(requester, number, filed, document));
        emit GrantClosed(requester, number, filed, document);
    }

    function _proposeChange(
        Request storage entry,
        bytes18 requester,
        uint64 number,
        bool isStop,
        Terms memory terms,
        bytes32 document
    ) private {
        _requireDocument(requester, number, document);
        entry.isStop = isStop;
        _enter(entry, State.CHANGE_NEGOTIATION);
        _fold(requester, number, ChangeProposed.selector, abi.encode(requester, number, isStop, terms, document));
        emit ChangeProposed(requester, number, isStop, terms, document);
    }

    // ---- records of what happened ------------------------------------------------------------------------------------

    function _recordSubmission(bytes18 requester, Application memory a, bool unconditional) private {
        bytes memory body = abi.encode(
            requester,
            a.number,
            a.provider,
            a.serial,
            a.version,
            unconditional,
            a.terms,
            a.outOfScope,
            a.legalBasis,
            a.document
        );
        bytes32 topic = RequestSubmitted.selector;
        _fold(requester, a.number, topic, body);
        _requesterAccumulators[requester] = Accumulator.fold(_requesterAccumulators[requester], topic, body);
        _providerAccumulators[a.provider] = Accumulator.fold(_providerAccumulators[a.provider], topic, body);
        emit RequestSubmitted(
            requester,
            a.number,
            a.provider,
            a.serial,
            a.version,
            unconditional,
            a.terms,
            a.outOfScope,
            a.legalBasis,
            a.document
        );
    }

    function _recordGrant(
        Grant storage given,
        bytes18 provider,
        uint64 number,
        Terms memory terms,
        bytes32 document
    ) private {
        (bytes18 receiver, uint64 request, Cover cover) = (given.receiver, given.request, given.cover);
        (uint32 serial, uint16 version) = (given.serial, given.version);
        bytes memory body =
            abi.encode(provider, number, receiver, request, serial, version, cover, terms, document);
        _fold(receiver, request, GrantGiven.selector, body);
        _providerAccumulators[provider] = Accumulator.fold(_providerAccumulators[provider], GrantGiven.selector, body);
        emit GrantGiven(provider, number, receiver, request, serial, version, cover, terms, document);
    }

    /// @dev An event whose arguments are (requester, number, document).
    function _recordStep(bytes18 requester, uint64 number, bytes32 topic, bytes32 document) private {
        _requireDocument(requester, number, document);
        _fold(requester, number, topic, abi.encode(requester, number, document));
    }

    /// @dev An event whose arguments are (requester, number, workingDays, document).
    function _recordDays(bytes18 requester, uint64 number, bytes32 topic, uint8 workingDays, bytes32 document) private {
        _requireDocument(requester, number, document);
        _fold(requester, number, topic, abi.encode(requester, number, workingDays, document));
    }

    function _fold(bytes18 requester, uint64 number, bytes32 topic, bytes memory body) private {
        bytes32 key = Keys.request(requester, number);
        _accumulators[key] = Accumulator.fold(_accumulators[key], topic, body);
    }

    // ---- who, and which request --------------------------------------------------------------------------------------

    /// @return department of the caller, who must be its LAW signer
    function _department() private view returns (bytes18 department) {
        bool active;
        (department, active) = registry.requireRole(msg.sender, Roles.LAW);
        if (!active) revert SharingRegistryDepartmentSuspended(department);
    }

    function _requestIn(bytes18 requester, uint64 number, State state) private view returns (Request storage entry) {
        entry = _requests[Keys.request(requester, number)];
        _requireState(entry, requester, number, state);
    }

    function _requireState(Request storage entry, bytes18 requester, uint64 number, State state) private view {
        if (entry.state != state) revert SharingRegistryStateUnexpected(requester, number, entry.state, state);
    }

    function _ownRequest(uint64 number, State state) private view returns (bytes18 requester, Request storage entry) {
        requester = _department();
        entry = _requestIn(requester, number, state);
    }

    /// @dev A request addressed to the caller's department.
    function _addressedRequest(bytes18 requester, uint64 number, State state)
        private
        view
        returns (Request storage entry)
    {
        bytes18 department = _department();
        entry = _requests[Keys.request(requester, number)];
        if (department != entry.provider) revert SharingRegistryNotProvider(department, entry.provider);
        _requireState(entry, requester, number, state);
    }

    /// @dev A request for its provider or the authority.
    function _supervisedRequest(bytes18 requester, uint64 number, State state)
        private
        view
        returns (Request storage entry, bool byAuthority)
    {
        byAuthority = msg.sender == registry.authority();
        entry =
            byAuthority ? _requestIn(requester, number, state) : _addressedRequest(requester, number, state);
    }

    function _suspendedRequest(bytes18 requester, uint64 number) private view returns (Request storage entry) {
        bool byAuthority;
        (entry, byAuthority) = _supervisedRequest(requester, number, State.SUSPENDED);
        if (entry.byAuthority && !byAuthority) revert SharingRegistrySuspendedByAuthority(requester, number);
    }

    // ---- clocks ------------------------------------------------------------------------------------------------------

    function _deadline(Request storage entry) private view returns (Clock, uint40) {
        State state = entry.state;
        if (state == State.SUBMITTED) {
            uint16 answer = entry.unconditional ? ANSWER_UNCONDITIONAL_WD : ANSWER_CONDITIONAL_WD;
            return (Clock.ANSWER, calendar.deadlineAfter(entry.submittedAt, answer + entry.extension));
        }
        if (state == State.SUPPLEMENT) return (Clock.SUPPLEMENT, calendar.deadlineAfter(entry.stateAt, SUPPLEMENT_WD));
        if (state == State.AGREED) return (Clock.DELIVERY, calendar.deadlineAfter(entry.stateAt, DELIVERY_WD));
        if (state == State.SUSPENDED) {
            return (Clock.RECTIFICATION, calendar.deadlineAfter(entry.stateAt, entry.rectifyWithin));
        }
        return (Clock.NONE, 0);
    }

    function _requireLate(Request storage entry, bytes18 requester, uint64 number)
        private
        view
        returns (Clock clock, uint40 deadline)
    {
        (clock, deadline) = _deadline(entry);
        if (clock == Clock.NONE) revert SharingRegistryNoClock(requester, number, entry.state);
        if (block.timestamp < deadline) revert SharingRegistryNotOverdue(deadline, uint40(block.timestamp));
    }

    function _requireExtendable(Request storage entry, bytes18 requester, uint64 number, uint8 workingDays)
        private
        view
    {
        if (entry.unconditional) revert SharingRegistryUnconditional(requester, number);
        if (entry.extension != 0) revert SharingRegistryExtensionRepeated(requester, number, entry.extension);
        if (entry.answerOverdue) revert SharingRegistryExtensionTooLate(requester, number);
        if (workingDays == 0 || workingDays > EXTENSION_LIMIT_WD) {
            revert SharingRegistryExtensionOutOfRange(workingDays, EXTENSION_LIMIT_WD);
        }
    }

    // ---- what must hold ----------------------------------------------------------------------------------------------

    function _requireNew(bytes18 requester, Application memory a) private view {
        if (a.number == 0 || a.number > MAX_NUMBER) revert SharingRegistryNumberOutOfRange(a.number, MAX_NUMBER);
        State state = _requests[Keys.request(requester, a.number)].state;
        if (state != State.NONE) revert SharingRegistryNumberTaken(requester, a.number, state);
        if (requester == a.provider) revert SharingRegistryRequesterIsProvider(requester);
    }

    function _requireFiled(bytes18 requester, uint64 number, bytes32 legalBasis, bytes32 document) private pure {
        if (legalBasis == 0) revert SharingRegistryLegalBasisMissing(requester, number);
        _requireDocument(requester, number, document);
    }

    function _requireDocument(bytes18 requester, uint64 number, bytes32 document) private pure {
        if (document == 0) revert SharingRegistryDocumentMissing(requester, number);
    }

    function _requireHash(Terms memory terms, bytes32 expected) private pure {
        bytes32 given = terms.hash();
        if (given != expected) revert SharingRegistryTermsMismatch(given, expected);
    }

    function _requireGrounds(uint8 grounds, bool isNeeded) private pure {
        uint8 allowed = isNeeded ? GROUNDS : 0;
        if ((isNeeded && grounds == 0) || grounds & ~allowed != 0) {
            revert SharingRegistryGroundsOutOfRange(grounds, allowed);
        }
    }

    /// @dev What the catalogue says about the dataset: published, shared, masks and purposes.
    /// @return unconditional it has sharing property 1
    function _requireCatalogued(bytes18 owner, uint32 serial, uint16 version, Terms memory terms)
        private
        view
        returns (bool unconditional)
    {
        terms.requireWellFormed();
        (IDatasetCatalog.State state, uint8 shareType, uint16 fieldCount, uint8 viewCount, uint256 verifiable) =
            catalog.sharingOf(owner, serial, version);
        if (state != IDatasetCatalog.State.PUBLISHED) {
            revert SharingRegistryDatasetNotPublished(owner, serial, version, state);
        }
        if (shareType == NOT_SHARED) revert SharingRegistryDatasetNotShared(owner, serial, version);
        uint256 fields = Masks.first(fieldCount);
        SharingTerms.requireScopeWithin(terms.scopeOf(), Scope(verifiable, fields, Masks.first(viewCount), fields));
        for (uint256 i = 0; i < terms.purposes.length; ++i) {
            if (!catalog.allowsPurpose(owner, serial, version, terms.purposes[i])) {
                revert SharingRegistryPurposeNotAllowed(terms.purposes[i]);
            }
        }
        return shareType == UNCONDITIONAL;
    }
}
