// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDatasetCatalog} from "./IDatasetCatalog.sol";

/// @title Sharing requests and the grants that come from delivering them
/// @notice A department asks for fields of a catalogued dataset, the provider answers inside the statutory time, delivery
///         gives the grant. Everything that happens afterwards (suspension, change, expiry, closing) happens to the
///         request, and the grant runs while its request is ACTIVE or in CHANGE_NEGOTIATION.
///
///           SUBMITTED --ask supplement--> SUPPLEMENT --resubmit--> SUBMITTED      SUPPLEMENT --10 wd--> WITHDRAWN
///           SUBMITTED --agree--> AGREED --deliver--> ACTIVE                       SUBMITTED --refuse--> REFUSED
///           REFUSED --dispute--> DISPUTE --authority decides--> AGREED | REFUSED
///           ACTIVE --suspend--> SUSPENDED --resume--> ACTIVE                      SUSPENDED --too late--> TERMINATED
///           ACTIVE --propose change--> CHANGE_NEGOTIATION --keep, accept--> ACTIVE
///           CHANGE_NEGOTIATION --authority files--> CLOSED                        ACTIVE --purpose met--> CLOSED
///           ACTIVE, SUSPENDED, CHANGE_NEGOTIATION --end of term--> EXPIRED
///           EXPIRED, CLOSED, TERMINATED --disposal recorded, once
///
///         Start times are stored, deadlines computed from the calendar (deadlineOf). Only recordOverdue,
///         recordWithdrawn and terminate ask the calendar, so a year that is not loaded stops nothing else.
///         `document` is the salted digest of the text that belongs to a step (form, reasons, decision); the text
///         travels between the nodes. Source: Decree 809 art. 19 to 28, 39; dossier 2.3.1.
interface ISharingRegistry {
    enum State {
        NONE,
        SUBMITTED,
        SUPPLEMENT,
        WITHDRAWN,
        AGREED,
        REFUSED,
        DISPUTE,
        ACTIVE,
        SUSPENDED,
        CHANGE_NEGOTIATION,
        EXPIRED,
        CLOSED,
        TERMINATED
    }

    /// @dev The clock that runs in a state: SUBMITTED, SUPPLEMENT, AGREED, SUSPENDED; no other state has one.
    enum Clock {
        NONE,
        ANSWER,
        SUPPLEMENT,
        DELIVERY,
        RECTIFICATION
    }

    /// @dev Ways to use data, in order of preference; only named in errors.
    enum Mode {
        NONE,
        VERIFY,
        QUERY,
        ANSWER,
        BATCH
    }

    /// @dev What covers a receiver that is no department (Decree 809 art. 25): the provider's consent, or the data
    ///      subject's authorisation shown with every use. NONE for departments.
    enum Cover {
        NONE,
        CONSENT,
        AUTHORISATION
    }

    /// @param verifyMask bit i = values of field i may be verified; subset of the entry's verifiable mask
    /// @param queryMask bit i = field i may be queried
    /// @param answerMask bit i = view i may be asked
    /// @param batchMask bit i = field i may be fetched in batches
    /// @param purposes 1..16, each allowed by the catalogue entry
    /// @param scenarios 0..8; empty only when standing (use without a case)
    /// @param validFrom epoch seconds, first second of the term
    /// @param validTo epoch seconds, first second after the term
    /// @param usesPerCase at least 1
    /// @param standing use without a case
    struct Terms {
        uint256 verifyMask;
        uint256 queryMask;
        uint256 answerMask;
        uint256 batchMask;
        bytes32[] purposes;
        bytes32[] scenarios;
        uint40 validFrom;
        uint40 validTo;
        uint32 usesPerCase;
        bool standing;
    }

    /// @dev The part of the terms that an answer may narrow: fields and views per mode.
    struct Scope {
        uint256 verifyMask;
        uint256 queryMask;
        uint256 answerMask;
        uint256 batchMask;
    }

    /// @param number 1..99,999,999,999,999, the fourteen digits of the request's number GX…
    /// @param serial of the provider's dataset
    /// @param version of the provider's dataset
    /// @param terms what is asked
    /// @param outOfScope the need-to-know matrix does not cover all of it (超范围)
    /// @param legalBasis digest of the legal basis (使用依据), not zero
    /// @param document digest of the form, not zero
    struct Application {
        uint64 number;
        bytes18 provider;
        uint32 serial;
        uint16 version;
        Terms terms;
        bool outOfScope;
        bytes32 legalBasis;
        bytes32 document;
    }

    /// @param unconditional the entry has sharing property 1: 1 wd, no refusal, no extension
    /// @param cover what covers a receiver that is no department
    /// @param outOfScope flagged 超范围 and not reviewed by the authority yet; cannot be agreed to meanwhile
    /// @param supplemented completion was asked for; there is no second time
    /// @param partialAnswer less was agreed to than asked
    /// @param answerOverdue recorded as overdue while SUBMITTED, by the clock that runs now
    /// @param deliveryOverdue recorded as overdue while AGREED
    /// @param byAuthority suspended by the authority, who alone resumes or terminates
    /// @param extensionAsked working days the provider asked for, 0 = did not ask
    /// @param extensionConsented working days the authority consented to, 0 = none
    /// @param extension working days by which the answer's time is extended, 0 = not extended
    /// @param rectifyWithin working days, while SUSPENDED
    /// @param isStop the change under negotiation is the end of sharing
    /// @param settled the authority has decided a dispute about it
    /// @param submittedAt start of the answer clock
    /// @param stateAt when it entered its state, start of every other clock
    /// @param endedAt when it became EXPIRED, CLOSED or TERMINATED, 0 = not yet
    /// @param disposedAt when disposal was recorded, 0 = not yet
    /// @param grantNumber 0 = not delivered
    /// @param termsHash keccak256(abi.encode(Terms)): asked; once AGREED agreed; once ACTIVE as granted
    /// @param changeHash of the terms under negotiation; 0 when the end is
    struct Request {
        State state;
        bytes18 provider;
        uint32 serial;
        uint16 version;
        bool unconditional;
        Cover cover;
        bool outOfScope;
        bool supplemented;
        bool partialAnswer;
        bool answerOverdue;
        bool deliveryOverdue;
        bool byAuthority;
        uint8 extensionAsked;
        uint8 extensionConsented;
        uint8 extension;
        uint8 rectifyWithin;
        bool isStop;
        bool settled;
        uint40 submittedAt;
        uint40 stateAt;
        uint40 endedAt;
        uint40 disposedAt;
        uint64 grantNumber;
        bytes32 termsHash;
        bytes32 changeHash;
    }

    /// @param receiver who may use it; zero when there is no such grant
    /// @param request number of the receiver's request it came from
    /// @param serial of the provider's dataset
    /// @param version of the provider's dataset
    /// @param cover see Request
    struct Grant {
        bytes18 receiver;
        uint64 request;
        uint32 serial;
        uint16 version;
        Cover cover;
        Terms terms;
    }

    event RequestSubmitted(
        bytes18 indexed requester,
        uint64 indexed number,
        bytes18 indexed provider,
        uint32 serial,
        uint16 version,
        bool unconditional,
        Terms terms,
        bool outOfScope,
        bytes32 legalBasis,
        bytes32 document
    );
    event ScopeFlagged(bytes18 indexed requester, uint64 indexed number, bytes32 document);
    /// @param scope what may be agreed to
    event ScopeReviewed(bytes18 indexed requester, uint64 indexed number, Scope scope, bytes32 document);
    event SupplementAsked(bytes18 indexed requester, uint64 indexed number, bytes32 document);
    event RequestResubmitted(
        bytes18 indexed requester,
        uint64 indexed number,
        Terms terms,
        bool outOfScope,
        bytes32 legalBasis,
        bytes32 document
    );
    /// @param deemed no reply to the completion notice in time (视为撤回)
    event RequestWithdrawn(bytes18 indexed requester, uint64 indexed number, bool deemed);
    event ExtensionAsked(bytes18 indexed requester, uint64 indexed number, uint8 workingDays, bytes32 document);
    event ExtensionConsented(bytes18 indexed requester, uint64 indexed number, uint8 workingDays, bytes32 document);
    event RequestExtended(bytes18 indexed requester, uint64 indexed number, uint8 workingDays, bytes32 document);
    /// @param scope what is agreed to
    /// @param grounds why not all of it, 0 = all of it
    event RequestAgreed(
        bytes18 indexed requester, uint64 indexed number, Scope scope, uint8 grounds, Cover cover, bytes32 document
    );
    event RequestRefused(bytes18 indexed requester, uint64 indexed number, uint8 grounds, bytes32 document);
    /// @param deadline first second that is late
    /// @param recordedBy department of the signer who recorded it
    event RequestOverdue(
        bytes18 indexed requester, uint64 indexed number, Clock clock, uint40 deadline, bytes18 recordedBy
    );
    event RequestDisputed(bytes18 indexed requester, uint64 indexed number, bytes32 document);
    /// @param scope what the provider has to deliver; all zero when the refusal stands
    event DisputeSettled(
        bytes18 indexed requester, uint64 indexed number, bool agreed, Scope scope, Cover cover, bytes32 document
    );
    /// @notice Delivered: the request is ACTIVE, the receiver may use the grant inside its term.
    event GrantGiven(
        bytes18 indexed provider,
        uint64 indexed number,
        bytes18 indexed receiver,
        uint64 request,
        uint32 serial,
        uint16 version,
        Cover cover,
        Terms terms,
        bytes32 document
    );
    event GrantSuspended(
        bytes18 indexed requester, uint64 indexed number, uint8 rectifyWithin, bool byAuthority, bytes32 document
    );
    event RectificationReported(bytes18 indexed requester, uint64 indexed number, bytes32 document);
    event GrantResumed(bytes18 indexed requester, uint64 indexed number, bytes32 document);
    event GrantTerminated(bytes18 indexed requester, uint64 indexed number, uint40 deadline, bytes32 document);
    /// @param terms what the provider proposes; all zero when it proposes to stop
    event ChangeProposed(
        bytes18 indexed requester, uint64 indexed number, bool isStop, Terms terms, bytes32 document
    );
    event TermsKept(bytes18 indexed requester, uint64 indexed number, bytes32 document);
    event TermsChanged(bytes18 indexed requester, uint64 indexed number, Terms terms, bytes32 document);
    event GrantExpired(bytes18 indexed requester, uint64 indexed number);
    /// @param filed after negotiation, filed with the authority (备案); else the purpose is met
    event GrantClosed(bytes18 indexed requester, uint64 indexed number, bool filed, bytes32 document);
    event DisposalRecorded(bytes18 indexed requester, uint64 indexed number, bytes32 document);

    /// @notice Only the authority of the registry may call this.
    error SharingRegistryNotAuthority(address caller, address authority);
    /// @notice A suspended department asks, answers and changes nothing.
    error SharingRegistryDepartmentSuspended(bytes18 department);
    /// @notice Only the provider of the request may call this; the caller acts for `department`.
    error SharingRegistryNotProvider(bytes18 department, bytes18 provider);
    /// @notice The request is in state `state`, the call needs `expected`.
    error SharingRegistryStateUnexpected(bytes18 requester, uint64 number, State state, State expected);
    /// @notice Request numbers have 1 to 14 digits.
    error SharingRegistryNumberOutOfRange(uint64 number, uint64 limit);
    /// @notice The requester used this number before; the request is in state `state`.
    error SharingRegistryNumberTaken(bytes18 requester, uint64 number, State state);
    /// @notice The provider gave a grant with this number before, or it is zero.
    error SharingRegistryGrantNumberTaken(bytes18 provider, uint64 number);
    /// @notice A request names its legal basis (Decree 809 art. 20).
    error SharingRegistryLegalBasisMissing(bytes18 requester, uint64 number);
    /// @notice Every step has its document.
    error SharingRegistryDocumentMissing(bytes18 requester, uint64 number);
    /// @notice The dataset must be PUBLISHED, it is in state `state`.
    error SharingRegistryDatasetNotPublished(bytes18 owner, uint32 serial, uint16 version, IDatasetCatalog.State state);
    /// @notice The dataset has sharing property 3, not shared (不予共享).
    error SharingRegistryDatasetNotShared(bytes18 owner, uint32 serial, uint16 version);
    /// @notice A department needs no request for its own data.
    error SharingRegistryRequesterIsProvider(bytes18 requester);
    /// @notice The mask of a mode has bits outside `allowed`.
    error SharingRegistryMaskOutOfRange(Mode mode, uint256 mask, uint256 allowed);
    /// @notice At least one mask is not zero.
    error SharingRegistryMasksEmpty();
    /// @notice Terms name 1 to `limit` purposes.
    error SharingRegistryPurposeCountOutOfRange(uint256 count, uint256 limit);
    /// @notice Neither the catalogue entry nor, when changing, the grant names this purpose.
    error SharingRegistryPurposeNotAllowed(bytes32 purpose);
    /// @notice Terms name `minimum` to `limit` scenarios; the minimum is 0 only when standing.
    error SharingRegistryScenarioCountOutOfRange(uint256 count, uint256 minimum, uint256 limit);
    /// @notice The grant does not name this scenario.
    error SharingRegistryScenarioNotAllowed(bytes32 scenario);
    /// @notice The term is empty: validFrom must be smaller than validTo.
    error SharingRegistryTermEmpty(uint40 validFrom, uint40 validTo);
    /// @notice The term ends before it could be used.
    error SharingRegistryTermPast(uint40 validTo, uint40 now_);
    /// @notice The term reaches outside the one before, `earliest`..`latest`.
    error SharingRegistryTermWidened(uint40 validFrom, uint40 validTo, uint40 earliest, uint40 latest);
    /// @notice The term has not ended.
    error SharingRegistryTermRunning(uint40 validTo, uint40 now_);
    /// @notice Uses per case run from 1 to `limit`.
    error SharingRegistryUsesOutOfRange(uint32 usesPerCase, uint32 limit);
    /// @notice A change cannot make a grant standing.
    error SharingRegistryStandingAdded(bytes18 requester, uint64 number);
    /// @notice The terms handed in are not the ones on record.
    error SharingRegistryTermsMismatch(bytes32 given, bytes32 expected);
    /// @notice Completion is asked for once (一次性告知).
    error SharingRegistrySupplementRepeated(bytes18 requester, uint64 number);
    /// @notice Sharing property 1: shared without condition, so it is neither refused nor cut nor extended.
    error SharingRegistryUnconditional(bytes18 requester, uint64 number);
    /// @notice One extension, of 1 to `limit` working days.
    error SharingRegistryExtensionOutOfRange(uint8 workingDays, uint8 limit);
    /// @notice The answer's time was extended before.
    error SharingRegistryExtensionRepeated(bytes18 requester, uint64 number, uint8 extension);
    /// @notice The authority consented to `consented` working days.
    error SharingRegistryExtensionWithoutConsent(uint8 workingDays, uint8 consented);
    /// @notice The answer is recorded as overdue; it is too late to extend its time.
    error SharingRegistryExtensionTooLate(bytes18 requester, uint64 number);
    /// @notice Grounds are a non-empty subset of the entry's three conditions (bits 0 scope, 1 purpose, 2 conditions of
    ///         use) when something is refused, and zero when nothing is.
    error SharingRegistryGroundsOutOfRange(uint8 grounds, uint8 allowed);
    /// @notice The request is flagged 超范围: the authority reviews it first.
    error SharingRegistryScopeNotReviewed(bytes18 requester, uint64 number);
    /// @notice The request is not flagged 超范围 (or is already, when flagging).
    error SharingRegistryScopeFlag(bytes18 requester, uint64 number, bool outOfScope);
    /// @notice A receiver that is no department needs a cover, a department none (Decree 809 art. 25).
    error SharingRegistryCoverUnexpected(bytes18 requester, Cover cover);
    /// @notice The authority has decided about this request before.
    error SharingRegistryDisputeSettled(bytes18 requester, uint64 number);
    /// @notice No clock runs in this state, or it is recorded as overdue already.
    error SharingRegistryNoClock(bytes18 requester, uint64 number, State state);
    /// @notice The time is not over: `deadline` is the first second that is late.
    error SharingRegistryNotOverdue(uint40 deadline, uint40 now_);
    /// @notice The authority suspended it; it decides how it goes on.
    error SharingRegistrySuspendedByAuthority(bytes18 requester, uint64 number);
    /// @notice Time to rectify is 1 to `limit` working days.
    error SharingRegistryRectificationOutOfRange(uint8 workingDays, uint8 limit);
    /// @notice What is negotiated is the end of sharing (or is not), so this call does not fit.
    error SharingRegistryChangeKind(bytes18 requester, uint64 number, bool isStop);
    /// @notice The request has not ended, or its disposal is recorded.
    error SharingRegistryDisposalUnexpected(bytes18 requester, uint64 number, State state, uint40 disposedAt);

    // ---- the requester (LAW, not suspended) --------------------------------------------------------------------------

    /// @notice File a request; the answer clock starts on the next working day.
    function submit(Application calldata application) external;
    /// @notice File it again, complete; the answer clock starts anew. `provider`, `serial`, `version` stay.
    function resubmit(uint64 number, Terms calldata terms, bool outOfScope, bytes32 legalBasis, bytes32 document)
        external;
    /// @notice Take it back before it is answered.
    function withdraw(uint64 number) external;
    /// @notice Dispute a refusal before the authority.
    function dispute(uint64 number, bytes32 document) external;
    /// @notice Say how a suspended use was put right; whoever suspended decides.
    function reportRectification(uint64 number, bytes32 document) external;
    /// @notice Accept the terms that the provider proposed.
    function acceptChange(uint64 number, Terms calldata terms, bytes32 document) external;
    /// @notice The purpose is met: end the use.
    function close(uint64 number, bytes32 document) external;
    /// @notice Record, once, how the data was disposed of after the end.
    function recordDisposal(uint64 number, bytes32 document) external;

    // ---- the provider (LAW, not suspended) ---------------------------------------------------------------------------

    /// @notice Ask, once and for everything that is missing, for completion.
    function askSupplement(bytes18 requester, uint64 number, bytes32 document) external;
    /// @notice Flag the request as 超范围; it cannot be agreed to before the authority has reviewed it. Not with property 1,
    ///         which knows no further condition.
    function flagScope(bytes18 requester, uint64 number, bytes32 document) external;
    /// @notice Ask the authority for 1..10 working days more.
    function askExtension(bytes18 requester, uint64 number, uint8 workingDays, bytes32 document) external;
    /// @notice Extend the answer's time, once, within what the authority consented to.
    function extend(bytes18 requester, uint64 number, uint8 workingDays, bytes32 document) external;
    /// @notice Agree to all of it or to a part.
    /// @param asked the terms asked
    /// @param scope what is agreed to, subset of what is asked, not empty
    /// @param grounds zero when all is agreed to
    function agree(
        bytes18 requester,
        uint64 number,
        Terms calldata asked,
        Scope calldata scope,
        uint8 grounds,
        Cover cover,
        bytes32 document
    ) external;
    /// @notice Refuse, on conditions of the catalogue entry.
    function refuse(bytes18 requester, uint64 number, uint8 grounds, bytes32 document) external;
    /// @notice Deliver what was agreed to: the grant begins to exist.
    /// @param grantNumber new for this provider
    /// @param terms the terms agreed to
    function deliver(
        bytes18 requester, uint64 number, uint64 grantNumber, Terms calldata terms, bytes32 document
    ) external;
    /// @notice Propose narrower terms (every mask and list a subset, the term inside, uses not more).
    function proposeChange(bytes18 requester, uint64 number, Terms calldata terms, bytes32 document) external;
    /// @notice Propose to stop sharing; it goes on until the authority has filed the end.
    function proposeStop(bytes18 requester, uint64 number, bytes32 document) external;
    /// @notice Drop the proposal, terms are kept.
    function keepTerms(bytes18 requester, uint64 number, bytes32 document) external;

    // ---- the provider or the authority -------------------------------------------------------------------------------

    /// @notice Suspend for misuse, with 1..250 working days to put it right.
    function suspendUse(bytes18 requester, uint64 number, uint8 rectifyWithin, bytes32 document) external;
    /// @notice Go on after it was put right.
    function resume(bytes18 requester, uint64 number, bytes32 document) external;
    /// @notice End the use that was not put right in time.
    function terminate(bytes18 requester, uint64 number, bytes32 document) external;

    // ---- the authority -----------------------------------------------------------------------------------------------

    /// @notice Review a request flagged 超范围.
    /// @param asked the terms asked
    /// @param scope what the provider may agree to, subset of what is asked, not empty
    function reviewScope(
        bytes18 requester, uint64 number, Terms calldata asked, Scope calldata scope, bytes32 document
    ) external;
    /// @notice Consent to an extension of at most what was asked for.
    function consentExtension(bytes18 requester, uint64 number, uint8 workingDays, bytes32 document) external;
    /// @notice Decide a dispute.
    /// @param asked the terms asked
    /// @param scope what the provider has to deliver; all zero = the refusal stands
    function settleDispute(
        bytes18 requester,
        uint64 number,
        Terms calldata asked,
        Scope calldata scope,
        Cover cover,
        bytes32 document
    ) external;
    /// @notice File the negotiated end of sharing (备案).
    function fileClosing(bytes18 requester, uint64 number, bytes32 document) external;

    // ---- any registered signer ---------------------------------------------------------------------------------------

    /// @notice Record that the answer or the delivery is late; nobody can before, and once is enough.
    function recordOverdue(bytes18 requester, uint64 number) external;
    /// @notice Record that a completion notice was not answered in time (视为撤回).
    function recordWithdrawn(bytes18 requester, uint64 number) external;
    /// @notice Record that the grant's term has ended.
    function recordExpired(bytes18 requester, uint64 number) external;

    // ---- questions ---------------------------------------------------------------------------------------------------

    /// @notice State of a request; all zero when nobody filed it.
    function requestOf(bytes18 requester, uint64 number) external view returns (Request memory);
    /// @notice The clock that runs and its deadline (first second that is late); NONE and 0 when none does.
    function deadlineOf(bytes18 requester, uint64 number) external view returns (Clock clock, uint40 deadline);
    /// @notice Receiver and terms of a grant; all zero when there is none.
    function grantOf(bytes18 provider, uint64 number) external view returns (Grant memory);
    /// @notice True when the grant's request is ACTIVE or in CHANGE_NEGOTIATION and validFrom <= time < validTo.
    function isRunningAt(bytes18 provider, uint64 number, uint40 time) external view returns (bool);
    /// @notice Accumulator over all events of one request, its GrantGiven included.
    function accumulatorOf(bytes18 requester, uint64 number) external view returns (bytes32);
    /// @notice Accumulator over all RequestSubmitted events of one requester.
    function requesterAccumulatorOf(bytes18 requester) external view returns (bytes32);
    /// @notice Accumulator over all RequestSubmitted and GrantGiven events addressed to or made by one provider.
    function providerAccumulatorOf(bytes18 provider) external view returns (bytes32);
}
