// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {WorkCalendar} from "./WorkCalendar.sol";
import {IDepartmentRegistry} from "./interfaces/IDepartmentRegistry.sol";
import {IWorkCalendar} from "./interfaces/IWorkCalendar.sol";
import {Accumulator} from "./libraries/Accumulator.sol";
import {Possession} from "./libraries/Possession.sol";
import {Roles} from "./libraries/Roles.sol";

/// @title Departments, other receivers, their key sets and their signers
contract DepartmentRegistry is IDepartmentRegistry {
    using Checkpoints for Checkpoints.Trace208;

    uint256 private constant MAX_SIGNERS = 16;
    uint16 private constant RECOVERY_DELAY_WD = 2;
    uint256 private constant MAX_TEXT_BYTES = 256;
    uint256 private constant MAX_JWKS_BYTES = 16_384;

    /// @inheritdoc IDepartmentRegistry
    IWorkCalendar public immutable calendar;
    /// @inheritdoc IDepartmentRegistry
    address public authority;
    /// @inheritdoc IDepartmentRegistry
    address public pendingAuthority;
    /// @inheritdoc IDepartmentRegistry
    bytes32 public authorityAccumulator;

    /// @dev Two slots a department:
    ///      bit 255    200 199       176 175           144 143             80 79           16 15     8 7   0
    ///      | unused (56) | generation | keySetVersion   | compromisedSince | registeredBlock | active | kind |
    ///      | keySetHash                                                                                      |
    mapping(bytes18 department => Department) private _departments;

    /// @dev One slot a signer:
    ///      bit 255      232 231      192 191      152 151  144 143                              0
    ///      | generation    | toBlock    | fromBlock  | roles | department                        |
    ///      A signer of an earlier generation than its department's is retired, whatever its own toBlock says.
    mapping(address signer => Signer) private _signers;

    /// @dev 1 = active, 0 = suspended, by the block since which it holds (its end counts)
    mapping(bytes18 department => Checkpoints.Trace208) private _activity;

    mapping(bytes18 department => bytes32) private _accumulators;

    /// @dev block of the recovery that ended a generation of signers
    mapping(bytes18 department => mapping(uint24 generation => uint40)) private _generationEnds;

    mapping(bytes18 department => Recovery) private _recoveries;

    modifier onlyAuthority() {
        if (msg.sender != authority) revert DepartmentRegistryNotAuthority(msg.sender, authority);
        _;
    }

    /// @param firstAuthority account of the competent authority; may be an m-of-n contract
    /// @dev Creates the calendar, so that neither exists without the other and nobody chooses it (docs/adr/007).
    constructor(address firstAuthority) {
        if (firstAuthority == address(0)) revert DepartmentRegistryAuthorityZero();
        calendar = new WorkCalendar(this);
        _installAuthority(address(0), firstAuthority);
    }

    // ---- authority -------------------------------------------------------------------------------------------------

    /// @inheritdoc IDepartmentRegistry
    function register(
        bytes18 department,
        Kind kind,
        string calldata name,
        string calldata endpoint,
        string calldata jwks,
        NewSigner[] calldata signers
    ) external onlyAuthority {
        _requireNew(department, kind);
        _requireLength(bytes(name).length, 1, MAX_TEXT_BYTES);
        _requireLength(bytes(endpoint).length, 0, MAX_TEXT_BYTES);

        Department storage entry = _departments[department];
        entry.kind = kind;
        entry.active = true;
        entry.registeredBlock = uint64(block.number);
        _activity[department].push(uint48(block.number), 1);
        bytes memory body = abi.encode(department, uint8(kind), name, endpoint);
        _fold(department, DepartmentRegistered.selector, body);
        authorityAccumulator = Accumulator.fold(authorityAccumulator, DepartmentRegistered.selector, body);
        emit DepartmentRegistered(department, uint8(kind), name, endpoint);

        _publishKeys(department, jwks);
        _addFirstSigners(department, signers);
    }

    /// @inheritdoc IDepartmentRegistry
    function suspend(bytes18 department, uint8 reason) external onlyAuthority {
        if (!_known(department).active) revert DepartmentRegistrySuspended(department);
        _departments[department].active = false;
        _activity[department].push(uint48(block.number), 0);
        _fold(department, DepartmentSuspended.selector, abi.encode(department, reason));
        emit DepartmentSuspended(department, reason);
    }

    /// @inheritdoc IDepartmentRegistry
    function reinstate(bytes18 department) external onlyAuthority {
        if (_known(department).active) revert DepartmentRegistryNotSuspended(department);
        _departments[department].active = true;
        _activity[department].push(uint48(block.number), 1);
        _fold(department, DepartmentReinstated.selector, abi.encode(department));
        emit DepartmentReinstated(department);
    }

    /// @inheritdoc IDepartmentRegistry
    function markCompromised(bytes18 department, uint64 sinceBlock) external onlyAuthority {
        Department storage entry = _known(department);
        uint64 earliest = entry.registeredBlock;
        uint64 latest = entry.compromisedSince == 0 ? uint64(block.number) : entry.compromisedSince;
        if (sinceBlock < earliest || sinceBlock > latest) {
            revert DepartmentRegistryBlockOutOfRange(sinceBlock, earliest, latest);
        }
        entry.compromisedSince = sinceBlock;
        _fold(department, DepartmentCompromised.selector, abi.encode(department, sinceBlock));
        emit DepartmentCompromised(department, sinceBlock);
    }

    /// @inheritdoc IDepartmentRegistry
    function announceRecovery(bytes18 department, NewSigner[] calldata signers) external onlyAuthority {
        _known(department);
        _requireFirstSigners(department, signers);
        Recovery storage recovery = _recoveries[department];
        delete recovery.candidates;
        recovery.announcedAt = uint40(block.timestamp);
        address[] memory accounts = new address[](signers.length);
        uint8[] memory roles = new uint8[](signers.length);
        for (uint256 i = 0; i < signers.length; ++i) {
            (accounts[i], roles[i]) = (signers[i].signer, signers[i].roles);
            recovery.candidates.push(Candidate(accounts[i], roles[i]));
        }
        _fold(department, RecoveryAnnounced.selector, abi.encode(department, accounts, roles));
        emit RecoveryAnnounced(department, accounts, roles);
    }

    /// @inheritdoc IDepartmentRegistry
    function recover(bytes18 department) external onlyAuthority {
        uint40 earliest = recoveryDeadlineOf(department);
        if (block.timestamp < earliest) revert DepartmentRegistryRecoveryTooEarly(department, earliest);
        Department storage entry = _departments[department];
        _generationEnds[department][entry.generation] = uint40(block.number);
        entry.generation += 1;
        Candidate[] memory candidates = _recoveries[department].candidates;
        delete _recoveries[department];
        _fold(department, DepartmentRecovered.selector, abi.encode(department, entry.generation));
        emit DepartmentRecovered(department, entry.generation);
        for (uint256 i = 0; i < candidates.length; ++i) {
            _requireFree(candidates[i].signer);
            _enter(department, candidates[i].signer, candidates[i].roles);
        }
    }

    /// @inheritdoc IDepartmentRegistry
    function transferAuthority(address to) external onlyAuthority {
        pendingAuthority = to;
        authorityAccumulator =
            Accumulator.fold(authorityAccumulator, AuthorityTransferStarted.selector, abi.encode(msg.sender, to));
        emit AuthorityTransferStarted(msg.sender, to);
    }

    /// @inheritdoc IDepartmentRegistry
    function acceptAuthority() external {
        if (msg.sender != pendingAuthority) {
            revert DepartmentRegistryNotPendingAuthority(msg.sender, pendingAuthority);
        }
        pendingAuthority = address(0);
        _installAuthority(authority, msg.sender);
    }

    // ---- a department's ADMIN signers ------------------------------------------------------------------------------

    /// @inheritdoc IDepartmentRegistry
    function addSigner(NewSigner calldata signer) external {
        bytes18 department = _adminDepartment();
        _requireAddable(department, signer);
        _enter(department, signer.signer, signer.roles);
    }

    /// @inheritdoc IDepartmentRegistry
    function retireSigner(address signer) external {
        bytes18 department = _adminDepartment();
        Signer storage entry = _signers[signer];
        if (entry.department == 0) revert DepartmentRegistrySignerUnknown(signer);
        if (entry.department != department) {
            revert DepartmentRegistrySignerForeign(signer, entry.department, department);
        }
        if (signer == msg.sender) revert DepartmentRegistrySignerIsCaller(signer);
        uint40 toBlock = _endOf(entry);
        if (toBlock != 0) revert DepartmentRegistrySignerRetired(signer, toBlock);
        entry.toBlock = uint40(block.number);
        _fold(department, SignerRetired.selector, abi.encode(department, signer));
        emit SignerRetired(department, signer);
    }

    /// @inheritdoc IDepartmentRegistry
    function cancelRecovery(bytes18 department) external {
        if (msg.sender != authority) {
            bytes18 own = _adminDepartment();
            if (own != department) revert DepartmentRegistrySignerForeign(msg.sender, own, department);
        }
        _requireAnnounced(department);
        delete _recoveries[department];
        _fold(department, RecoveryCancelled.selector, abi.encode(department, msg.sender));
        emit RecoveryCancelled(department, msg.sender);
    }

    /// @inheritdoc IDepartmentRegistry
    function publishKeys(string calldata jwks) external {
        _publishKeys(_adminDepartment(), jwks);
    }

    /// @inheritdoc IDepartmentRegistry
    function changeEndpoint(string calldata endpoint) external {
        bytes18 department = _adminDepartment();
        _requireLength(bytes(endpoint).length, 0, MAX_TEXT_BYTES);
        _fold(department, EndpointChanged.selector, abi.encode(department, endpoint));
        emit EndpointChanged(department, endpoint);
    }

    // ---- views -----------------------------------------------------------------------------------------------------

    /// @inheritdoc IDepartmentRegistry
    function departmentOf(bytes18 department) external view returns (Department memory) {
        return _departments[department];
    }

    /// @inheritdoc IDepartmentRegistry
    function signerOf(address signer) external view returns (Signer memory entry) {
        entry = _signers[signer];
        entry.toBlock = _endOf(entry);
    }

    /// @inheritdoc IDepartmentRegistry
    function recoveryOf(bytes18 department) external view returns (Recovery memory) {
        return _recoveries[department];
    }

    /// @inheritdoc IDepartmentRegistry
    function recoveryDeadlineOf(bytes18 department) public view returns (uint40) {
        return calendar.deadlineAfter(_requireAnnounced(department), RECOVERY_DELAY_WD);
    }

    /// @inheritdoc IDepartmentRegistry
    function isActive(bytes18 department) external view returns (bool) {
        return _departments[department].active;
    }

    /// @inheritdoc IDepartmentRegistry
    function isActiveAt(bytes18 department, uint64 blockNumber) external view returns (bool) {
        uint48 key = blockNumber > type(uint48).max ? type(uint48).max : uint48(blockNumber);
        return _activity[department].upperLookupRecent(key) == 1;
    }

    /// @inheritdoc IDepartmentRegistry
    function requireRole(address signer, uint8 role) public view returns (bytes18 department, bool active) {
        Signer memory entry = _signers[signer];
        department = entry.department;
        if (department == 0) revert DepartmentRegistrySignerUnknown(signer);
        uint24 generation;
        (generation, active) = (_departments[department].generation, _departments[department].active);
        // fromBlock is the block of its registration and therefore never in the future
        if (entry.toBlock != 0 || entry.generation != generation) {
            revert DepartmentRegistrySignerRetired(signer, _endOf(entry));
        }
        if (entry.roles & role != role) revert DepartmentRegistryRoleMissing(signer, entry.roles, role);
    }

    /// @inheritdoc IDepartmentRegistry
    function possessionDigest(bytes18 department, address signer, uint8 roles) external view returns (bytes32) {
        return Possession.digest(department, signer, roles);
    }

    /// @inheritdoc IDepartmentRegistry
    function accumulatorOf(bytes18 department) external view returns (bytes32) {
        return _accumulators[department];
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    function _installAuthority(address from, address to) private {
        authority = to;
        authorityAccumulator =
            Accumulator.fold(authorityAccumulator, AuthorityTransferred.selector, abi.encode(from, to));
        emit AuthorityTransferred(from, to);
    }

    function _addFirstSigners(bytes18 department, NewSigner[] calldata signers) private {
        _requireFirstSigners(department, signers);
        for (uint256 i = 0; i < signers.length; ++i) {
            _enter(department, signers[i].signer, signers[i].roles);
        }
    }

    function _enter(bytes18 department, address signer, uint8 roles) private {
        uint24 generation = _departments[department].generation;
        _signers[signer] = Signer(department, roles, uint40(block.number), 0, generation);
        _fold(department, SignerAdded.selector, abi.encode(department, signer, roles));
        emit SignerAdded(department, signer, roles);
    }

    function _publishKeys(bytes18 department, string calldata jwks) private {
        _requireLength(bytes(jwks).length, 1, MAX_JWKS_BYTES);
        Department storage entry = _departments[department];
        uint32 version = entry.keySetVersion + 1;
        bytes32 keySetHash = sha256(bytes(jwks));
        entry.keySetVersion = version;
        entry.keySetHash = keySetHash;
        _fold(department, KeysPublished.selector, abi.encode(department, version, keySetHash, jwks));
        emit KeysPublished(department, version, keySetHash, jwks);
    }

    function _fold(bytes18 department, bytes32 topic, bytes memory body) private {
        _accumulators[department] = Accumulator.fold(_accumulators[department], topic, body);
    }

    /// @return toBlock of a signer, that of its generation included; 0 = not retired
    function _endOf(Signer memory entry) private view returns (uint40 toBlock) {
        toBlock = entry.toBlock;
        if (toBlock == 0 && entry.generation != _departments[entry.department].generation) {
            toBlock = _generationEnds[entry.department][entry.generation];
        }
    }

    /// @return department of the caller, who must be an ADMIN signer of an active department
    function _adminDepartment() private view returns (bytes18) {
        (bytes18 department, bool active) = requireRole(msg.sender, Roles.ADMIN);
        if (!active) revert DepartmentRegistrySuspended(department);
        return department;
    }

    function _known(bytes18 department) private view returns (Department storage entry) {
        entry = _departments[department];
        if (entry.kind == Kind.NONE) revert DepartmentRegistryUnknown(department);
    }

    /// @return announcedAt time of the announcement
    function _requireAnnounced(bytes18 department) private view returns (uint40 announcedAt) {
        announcedAt = _recoveries[department].announcedAt;
        if (announcedAt == 0) revert DepartmentRegistryRecoveryUnknown(department);
    }

    function _requireFirstSigners(bytes18 department, NewSigner[] calldata signers) private view {
        if (signers.length > MAX_SIGNERS) revert DepartmentRegistryTooManySigners(signers.length, MAX_SIGNERS);
        uint8 held;
        for (uint256 i = 0; i < signers.length; ++i) {
            _requireAddable(department, signers[i]);
            for (uint256 k = 0; k < i; ++k) {
                if (signers[k].signer == signers[i].signer) {
                    revert DepartmentRegistrySignerTaken(signers[i].signer, department);
                }
            }
            held |= signers[i].roles;
        }
        if (held & Roles.ADMIN == 0) revert DepartmentRegistryAdminMissing(department);
    }

    function _requireAddable(bytes18 department, NewSigner calldata added) private view {
        (address signer, uint8 roles) = (added.signer, added.roles);
        if (roles == 0 || roles & ~Roles.ALL != 0) revert DepartmentRegistryRolesOutOfRange(roles, Roles.ALL);
        _requireFree(signer);
        address prover = Possession.prover(department, signer, roles, added.possession);
        // a failed recovery gives zero, which must not register the zero address
        if (prover != signer || prover == address(0)) revert DepartmentRegistryPossessionUnproven(signer, prover);
    }

    function _requireFree(address signer) private view {
        bytes18 owner = _signers[signer].department;
        if (owner != 0) revert DepartmentRegistrySignerTaken(signer, owner);
    }

    function _requireNew(bytes18 department, Kind kind) private view {
        if (kind == Kind.NONE) revert DepartmentRegistryKindMissing(department);
        Department storage entry = _departments[department];
        if (entry.kind != Kind.NONE) {
            revert DepartmentRegistryAlreadyRegistered(department, entry.registeredBlock);
        }
        for (uint256 i = 0; i < 18; ++i) {
            bytes1 character = department[i];
            bool digit = character >= "0" && character <= "9";
            bool letter = character >= "A" && character <= "Z";
            if (!digit && !letter) revert DepartmentRegistryCodeMalformed(department, i);
        }
    }

    function _requireLength(uint256 length, uint256 minimum, uint256 limit) private pure {
        if (length < minimum || length > limit) revert DepartmentRegistryTextLength(length, minimum, limit);
    }
}
