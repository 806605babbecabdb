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
    ///      bit 255        176 175           144 143             80 79           16 15     8 7   0
    ///      | unused (80)     | keySetVersion   | compromisedSince | registeredBlock | active | kind |
    ///      | keySetHash                                                                            |
    mapping(bytes18 department => Department) private _departments;

    /// @dev One slot a signer:
    ///      bit 255      232 231      192 191      152 151  144 143                              0
    ///      | unused (24)   | toBlock    | fromBlock  | roles | department                        |
    mapping(address signer => Signer) private _signers;

    /// @dev 1 = active, 0 = suspended, by the block since which it holds (its end counts)
    mapping(bytes18 department => Checkpoints.Trace208) private _activity;

    mapping(bytes18 department => bytes32) private _accumulators;

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
        _addSigner(_adminDepartment(), signer);
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
        if (entry.toBlock != 0) revert DepartmentRegistrySignerRetired(signer, entry.toBlock);
        entry.toBlock = uint40(block.number);
        _fold(department, SignerRetired.selector, abi.encode(department, signer));
        emit SignerRetired(department, signer);
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
    function signerOf(address signer) external view returns (Signer memory) {
        return _signers[signer];
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
        if (entry.department == 0) revert DepartmentRegistrySignerUnknown(signer);
        // fromBlock is the block of its registration and therefore never in the future
        if (entry.toBlock != 0) revert DepartmentRegistrySignerRetired(signer, entry.toBlock);
        if (entry.roles & role != role) revert DepartmentRegistryRoleMissing(signer, entry.roles, role);
        return (entry.department, _departments[entry.department].active);
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
        if (signers.length > MAX_SIGNERS) revert DepartmentRegistryTooManySigners(signers.length, MAX_SIGNERS);
        uint8 held;
        for (uint256 i = 0; i < signers.length; ++i) {
            _addSigner(department, signers[i]);
            held |= signers[i].roles;
        }
        if (held & Roles.ADMIN == 0) revert DepartmentRegistryAdminMissing(department);
    }

    function _addSigner(bytes18 department, NewSigner calldata added) private {
        (address signer, uint8 roles) = (added.signer, added.roles);
        if (roles == 0 || roles & ~Roles.ALL != 0) revert DepartmentRegistryRolesOutOfRange(roles, Roles.ALL);
        bytes18 owner = _signers[signer].department;
        if (owner != 0) revert DepartmentRegistrySignerTaken(signer, owner);
        address prover = Possession.prover(department, signer, roles, added.possession);
        // a failed recovery gives zero, which must not register the zero address
        if (prover != signer || prover == address(0)) revert DepartmentRegistryPossessionUnproven(signer, prover);
        _signers[signer] = Signer(department, roles, uint40(block.number), 0);
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
