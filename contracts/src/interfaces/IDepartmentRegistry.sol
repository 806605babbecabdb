// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWorkCalendar} from "./IWorkCalendar.sol";

/// @title Departments, other receivers, their key sets and their signers
/// @notice A department is named by the 18 ASCII bytes of its USCC (统一社会信用代码). The authority registers it, after
///         that its ADMIN signers keep its signers, keys and endpoint themselves. Signers act for their department in
///         all other contracts; what each may do is told by its roles: ANCHOR = 1, LAW = 2, ADMIN = 4.
///         A department that lost its ADMIN keys, or lost them to somebody, is recovered by the authority: announced,
///         then, after two working days in which its ADMIN may object, all its signers are replaced at once. A
///         suspended department cannot object, so that whoever stole its keys cannot keep them: the authority suspends
///         it first, for everybody to see (docs/adr/009).
///         All state can be rebuilt from the events, and every event is folded into its department's accumulator
///         (libraries/Accumulator.sol).
interface IDepartmentRegistry {
    /// @dev OTHER_RECEIVER receives data and owns no dataset
    enum Kind {
        NONE,
        DEPARTMENT,
        OTHER_RECEIVER
    }

    /// @param signer account that will act for the department
    /// @param roles bitmask of ANCHOR = 1, LAW = 2, ADMIN = 4; at least one
    /// @param possession EIP-712 signature of `signer` (65 bytes r ‖ s ‖ v) over
    ///        Possession(bytes18 department,address signer,uint8 roles), domain name "Xinlian DepartmentRegistry",
    ///        version "1", this chain and this contract
    struct NewSigner {
        address signer;
        uint8 roles;
        bytes possession;
    }

    /// @param kind NONE for a department that was never registered
    /// @param active false while suspended
    /// @param registeredBlock block of its registration
    /// @param compromisedSince first block whose batches are suspect, 0 = none
    /// @param keySetVersion counts up from 1
    /// @param generation of its signers; counts recoveries up from 0
    /// @param keySetHash SHA-256 of the current key set's bytes
    struct Department {
        Kind kind;
        bool active;
        uint64 registeredBlock;
        uint64 compromisedSince;
        uint32 keySetVersion;
        uint24 generation;
        bytes32 keySetHash;
    }

    /// @param department whose signer it is, for ever; zero for an unknown account
    /// @param roles bitmask of roles
    /// @param fromBlock block of its registration; it may act from then on
    /// @param toBlock block of its retirement, alone or with its whole generation; it may not act from then on;
    ///        0 = not retired
    /// @param generation of its department's signers that it belongs to
    struct Signer {
        bytes18 department;
        uint8 roles;
        uint40 fromBlock;
        uint40 toBlock;
        uint24 generation;
    }

    /// @param signer account that will act for the department
    /// @param roles bitmask of its roles
    struct Candidate {
        address signer;
        uint8 roles;
    }

    /// @param announcedAt time of the announcement, epoch seconds; 0 = no recovery is announced
    /// @param candidates who will be its signers, 1..16
    struct Recovery {
        uint40 announcedAt;
        Candidate[] candidates;
    }

    /// @notice The authority offers its office to `to`; zero withdraws the offer.
    event AuthorityTransferStarted(address indexed from, address indexed to);
    /// @notice The office changed hands; `from` is zero at deployment.
    event AuthorityTransferred(address indexed from, address indexed to);
    /// @notice A department exists from now on; KeysPublished and a SignerAdded per signer follow in the same call.
    event DepartmentRegistered(bytes18 indexed department, uint8 kind, string name, string endpoint);
    /// @param reason code of the authority's decision
    event DepartmentSuspended(bytes18 indexed department, uint8 reason);
    event DepartmentReinstated(bytes18 indexed department);
    /// @notice Batches anchored at block `sinceBlock` or later are suspect.
    event DepartmentCompromised(bytes18 indexed department, uint64 sinceBlock);
    event SignerAdded(bytes18 indexed department, address indexed signer, uint8 roles);
    event SignerRetired(bytes18 indexed department, address indexed signer);
    /// @param keySetHash SHA-256 of the bytes of `jwks`
    event KeysPublished(bytes18 indexed department, uint32 version, bytes32 keySetHash, string jwks);
    event EndpointChanged(bytes18 indexed department, string endpoint);
    /// @notice The authority will replace all signers; an earlier announcement for the department is void.
    /// @param signers the new signers
    /// @param roles of each
    event RecoveryAnnounced(bytes18 indexed department, address[] signers, uint8[] roles);
    /// @param by the authority or an ADMIN signer of the department
    event RecoveryCancelled(bytes18 indexed department, address by);
    /// @notice All signers of earlier generations are retired; a SignerAdded per new signer follows in the same call.
    event DepartmentRecovered(bytes18 indexed department, uint24 generation);

    /// @notice The zero address cannot hold the authority's office.
    error DepartmentRegistryAuthorityZero();
    /// @notice Only the authority may call this.
    error DepartmentRegistryNotAuthority(address caller, address authority);
    /// @notice Only the account that was offered the office may accept it; `pending` is zero when there is no offer.
    error DepartmentRegistryNotPendingAuthority(address caller, address pending);
    /// @notice A USCC has 18 characters of 0-9 and A-Z; the byte at `position` (from 0) is neither.
    error DepartmentRegistryCodeMalformed(bytes18 department, uint256 position);
    /// @notice A department needs a kind other than NONE.
    error DepartmentRegistryKindMissing(bytes18 department);
    /// @notice The department was registered at `registeredBlock`.
    error DepartmentRegistryAlreadyRegistered(bytes18 department, uint64 registeredBlock);
    /// @notice Nobody registered this department.
    error DepartmentRegistryUnknown(bytes18 department);
    /// @notice The department is suspended.
    error DepartmentRegistrySuspended(bytes18 department);
    /// @notice The department is not suspended.
    error DepartmentRegistryNotSuspended(bytes18 department);
    /// @notice `sinceBlock` must lie in `earliest`..`latest`: not before the registration, not in the future, and never
    ///         later than a mark set before.
    error DepartmentRegistryBlockOutOfRange(uint64 sinceBlock, uint64 earliest, uint64 latest);
    /// @notice An address belongs to one department for ever; this one belongs to `department`.
    error DepartmentRegistrySignerTaken(address signer, bytes18 department);
    /// @notice Roles are a non-empty subset of `all`.
    error DepartmentRegistryRolesOutOfRange(uint8 roles, uint8 all);
    /// @notice The possession proof must be made by `signer`; it was made by `prover` (zero: not a signature).
    error DepartmentRegistryPossessionUnproven(address signer, address prover);
    /// @notice The account is no department's signer.
    error DepartmentRegistrySignerUnknown(address signer);
    /// @notice The signer was retired at block `toBlock`.
    error DepartmentRegistrySignerRetired(address signer, uint40 toBlock);
    /// @notice The signer holds the roles `held`, the call needs `required`.
    error DepartmentRegistryRoleMissing(address signer, uint8 held, uint8 required);
    /// @notice The signer belongs to `department`, the caller to `expected`.
    error DepartmentRegistrySignerForeign(address signer, bytes18 department, bytes18 expected);
    /// @notice An ADMIN signer cannot retire itself, so that one always remains.
    error DepartmentRegistrySignerIsCaller(address signer);
    /// @notice A department starts with at least one ADMIN signer.
    error DepartmentRegistryAdminMissing(bytes18 department);
    /// @notice At most `limit` signers a call.
    error DepartmentRegistryTooManySigners(uint256 count, uint256 limit);
    /// @notice No recovery of this department is announced.
    error DepartmentRegistryRecoveryUnknown(bytes18 department);
    /// @notice The recovery may be carried out from `earliest` on, epoch seconds.
    error DepartmentRegistryRecoveryTooEarly(bytes18 department, uint40 earliest);
    /// @notice A text has `minimum`..`limit` bytes.
    error DepartmentRegistryTextLength(uint256 length, uint256 minimum, uint256 limit);

    /// @notice Register a department with its first key set and signers. Caller: authority.
    /// @param department USCC, 18 ASCII bytes
    /// @param kind DEPARTMENT or OTHER_RECEIVER
    /// @param name 1..256 bytes UTF-8
    /// @param endpoint base URL of its node, 0..256 bytes
    /// @param jwks public key set, canonical bytes, 1..16,384 bytes
    /// @param signers 1..16, at least one of them ADMIN
    function register(
        bytes18 department,
        Kind kind,
        string calldata name,
        string calldata endpoint,
        string calldata jwks,
        NewSigner[] calldata signers
    ) external;

    /// @notice Suspend a department: it may only anchor reads and set status until reinstated. Caller: authority.
    function suspend(bytes18 department, uint8 reason) external;

    /// @notice End a suspension. Caller: authority.
    function reinstate(bytes18 department) external;

    /// @notice Mark the department's batches from `sinceBlock` on as suspect. The mark can be moved to an earlier
    ///         block, never to a later one. Caller: authority.
    function markCompromised(bytes18 department, uint64 sinceBlock) external;

    /// @notice Announce that all signers of a department will be replaced. Caller: authority. A second announcement takes
    ///         the place of the first and its delay begins anew.
    /// @param signers 1..16 accounts that are nobody's signer, at least one of them ADMIN
    function announceRecovery(bytes18 department, NewSigner[] calldata signers) external;

    /// @notice Object to an announced recovery, or withdraw it. Caller: ADMIN of the department, not suspended, or the
    ///         authority; until it is carried out.
    function cancelRecovery(bytes18 department) external;

    /// @notice Carry out an announced recovery: from the first second after the second working day after the day of its
    ///         announcement. Caller: authority. A calendar year that is not loaded stops it, and nothing else here.
    function recover(bytes18 department) external;

    /// @notice Offer the authority's office to `to` (zero withdraws the offer). Caller: authority.
    function transferAuthority(address to) external;

    /// @notice Take the office that was offered. Caller: the account it was offered to.
    function acceptAuthority() external;

    /// @notice Add a signer of the caller's department. Caller: ADMIN, not suspended.
    function addSigner(NewSigner calldata signer) external;

    /// @notice Retire a signer of the caller's department, from this block on, for ever. Caller: ADMIN, not suspended,
    ///         not the signer itself.
    function retireSigner(address signer) external;

    /// @notice Replace the key set of the caller's department, 1..16,384 bytes. Caller: ADMIN, not suspended.
    function publishKeys(string calldata jwks) external;

    /// @notice Change the endpoint of the caller's department, 0..256 bytes. Caller: ADMIN, not suspended.
    function changeEndpoint(string calldata endpoint) external;

    /// @notice Account that holds the authority's office.
    function authority() external view returns (address);
    /// @notice The working-day calendar, created together with this registry and kept by its authority.
    function calendar() external view returns (IWorkCalendar);
    /// @notice Account that was offered the office and may accept it; zero when there is no offer.
    function pendingAuthority() external view returns (address);
    /// @notice State of a department; all zero when it was never registered.
    function departmentOf(bytes18 department) external view returns (Department memory);
    /// @notice State of a signer; all zero when the account is unknown.
    function signerOf(address signer) external view returns (Signer memory);
    /// @notice The recovery that is announced for a department; all zero when there is none.
    function recoveryOf(bytes18 department) external view returns (Recovery memory);
    /// @notice Time from which the announced recovery may be carried out.
    function recoveryDeadlineOf(bytes18 department) external view returns (uint40);
    /// @notice True when the department is registered and not suspended.
    function isActive(bytes18 department) external view returns (bool);
    /// @notice True when the department was registered and not suspended at the end of block `blockNumber`; for a
    ///         block that is not mined yet, the state now.
    function isActiveAt(bytes18 department, uint64 blockNumber) external view returns (bool);
    /// @return department of `signer`; reverts unless it holds `role` now
    /// @return active whether the department is not suspended
    function requireRole(address signer, uint8 role) external view returns (bytes18 department, bool active);
    /// @notice Digest that a new signer signs to prove possession of its key (EIP-712).
    function possessionDigest(bytes18 department, address signer, uint8 roles) external view returns (bytes32);
    /// @notice Accumulator over all events of one department.
    function accumulatorOf(bytes18 department) external view returns (bytes32);
    /// @notice Accumulator over all DepartmentRegistered and AuthorityTransfer* events.
    function authorityAccumulator() external view returns (bytes32);
}
