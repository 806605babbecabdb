// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "../Base.sol";
import {ICaseLedger} from "../../src/interfaces/ICaseLedger.sol";
import {IDatasetCatalog} from "../../src/interfaces/IDatasetCatalog.sol";
import {IDepartmentRegistry} from "../../src/interfaces/IDepartmentRegistry.sol";

/// @title State and accumulators of the three registries, rebuilt from their events alone
/// @dev Accumulators are kept under keccak256(abi.encode(emitter, entity...)); see accumulator().
contract RegistriesReplica {
    address public authority;
    address public pendingAuthority;
    mapping(bytes32 key => bytes32) private accumulators;
    mapping(bytes32 topic => uint256) public seen;

    mapping(bytes18 department => IDepartmentRegistry.Department) private departments;
    mapping(address signer => IDepartmentRegistry.Signer) private signers;
    mapping(bytes18 department => address[]) private rosters;
    mapping(bytes18 department => IDepartmentRegistry.Recovery) private recoveries;
    mapping(bytes18 department => mapping(uint256 blockNumber => bool)) public activeAtEndOf;
    mapping(bytes18 department => uint256[]) private changes;
    mapping(bytes32 key => IDatasetCatalog.Entry) private entries;
    mapping(bytes32 key => IDatasetCatalog.Serial) private serials;
    /// @dev the purposes of the newest round
    mapping(bytes32 key => bytes32[]) private purposes;
    mapping(bytes32 key => ICaseLedger.Case) private cases;

    uint256 private number;
    uint256 private time;

    error RegistriesReplicaUnknownEvent(bytes32 topic);

    function ingest(Vm.Log[] calldata logs, uint256 number_, uint256 time_) external {
        (number, time) = (number_, time_);
        for (uint256 i = 0; i < logs.length; ++i) {
            seen[logs[i].topics[0]] += 1;
            bool known = authorityEvent(logs[i]) || departmentEvent(logs[i]) || signerEvent(logs[i])
                || datasetEvent(logs[i]) || updateEvent(logs[i]) || caseEvent(logs[i]);
            if (!known) revert RegistriesReplicaUnknownEvent(logs[i].topics[0]);
        }
    }

    // ---- what the tests compare ------------------------------------------------------------------------------------

    function accumulator(address emitter, bytes memory entity) external view returns (bytes32) {
        return accumulators[keccak256(abi.encode(emitter, entity))];
    }

    function departmentOf(bytes18 department) external view returns (IDepartmentRegistry.Department memory) {
        return departments[department];
    }

    function changesOf(bytes18 department) external view returns (uint256[] memory) {
        return changes[department];
    }

    function recoveryOf(bytes18 department) external view returns (IDepartmentRegistry.Recovery memory) {
        return recoveries[department];
    }

    function signerOf(address signer) external view returns (IDepartmentRegistry.Signer memory) {
        return signers[signer];
    }

    function entryOf(bytes18 owner, uint32 serial, uint16 version)
        external
        view
        returns (IDatasetCatalog.Entry memory)
    {
        return entries[keccak256(abi.encode(owner, serial, version))];
    }

    function serialOf(bytes18 owner, uint32 serial) external view returns (IDatasetCatalog.Serial memory) {
        return serials[keccak256(abi.encode(owner, serial))];
    }

    function names(bytes18 owner, uint32 serial, uint16 version, bytes32 purpose) external view returns (bool) {
        bytes32[] storage list = purposes[keccak256(abi.encode(owner, serial, version))];
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == purpose) return true;
        }
        return false;
    }

    function caseOf(bytes18 lead, bytes32 caseNo) external view returns (ICaseLedger.Case memory) {
        return cases[keccak256(abi.encode(lead, caseNo))];
    }

    // ---- events, one function a family; each returns whether it knew the event --------------------------------------

    function authorityEvent(Vm.Log calldata log) private returns (bool) {
        bytes32 topic = log.topics[0];
        if (topic == IDepartmentRegistry.AuthorityTransferStarted.selector) {
            pendingAuthority = toAddress(log.topics[2]);
        } else if (topic == IDepartmentRegistry.AuthorityTransferred.selector) {
            (authority, pendingAuthority) = (toAddress(log.topics[2]), address(0));
        } else {
            return false;
        }
        fold(log, "", abi.encode(toAddress(log.topics[1]), toAddress(log.topics[2])));
        return true;
    }

    function departmentEvent(Vm.Log calldata log) private returns (bool) {
        bytes32 topic = log.topics[0];
        if (log.topics.length != 2) return false;
        bytes18 name = bytes18(log.topics[1]);
        IDepartmentRegistry.Department storage department = departments[name];
        bytes memory body = abi.encodePacked(log.topics[1], log.data);
        if (topic == IDepartmentRegistry.DepartmentRegistered.selector) {
            body = registered(log, department);
        } else if (topic == IDepartmentRegistry.DepartmentSuspended.selector) {
            activity(name, false);
        } else if (topic == IDepartmentRegistry.DepartmentReinstated.selector) {
            activity(name, true);
        } else if (topic == IDepartmentRegistry.DepartmentCompromised.selector) {
            department.compromisedSince = abi.decode(log.data, (uint64));
        } else if (topic == IDepartmentRegistry.KeysPublished.selector) {
            (uint32 version, bytes32 hash, string memory jwks) = abi.decode(log.data, (uint32, bytes32, string));
            (department.keySetVersion, department.keySetHash) = (version, hash);
            body = abi.encode(name, version, hash, jwks);
        } else if (topic == IDepartmentRegistry.EndpointChanged.selector) {
            body = abi.encode(name, abi.decode(log.data, (string)));
        } else if (!recoveryEvent(log, name)) {
            return false;
        } else if (topic == IDepartmentRegistry.RecoveryAnnounced.selector) {
            (address[] memory accounts, uint8[] memory roles) = abi.decode(log.data, (address[], uint8[]));
            body = abi.encode(name, accounts, roles);
        }
        fold(log, abi.encode(name), body);
        return true;
    }

    function recoveryEvent(Vm.Log calldata log, bytes18 name) private returns (bool) {
        bytes32 topic = log.topics[0];
        delete recoveries[name];
        if (topic == IDepartmentRegistry.RecoveryAnnounced.selector) {
            (address[] memory accounts, uint8[] memory roles) = abi.decode(log.data, (address[], uint8[]));
            recoveries[name].announcedAt = uint40(time);
            for (uint256 i = 0; i < accounts.length; ++i) {
                recoveries[name].candidates.push(IDepartmentRegistry.Candidate(accounts[i], roles[i]));
            }
        } else if (topic == IDepartmentRegistry.DepartmentRecovered.selector) {
            departments[name].generation = abi.decode(log.data, (uint24));
            for (uint256 i = 0; i < rosters[name].length; ++i) {
                IDepartmentRegistry.Signer storage signer = signers[rosters[name][i]];
                if (signer.toBlock == 0) signer.toBlock = uint40(number);
            }
        } else {
            return topic == IDepartmentRegistry.RecoveryCancelled.selector;
        }
        return true;
    }

    function registered(Vm.Log calldata log, IDepartmentRegistry.Department storage department)
        private
        returns (bytes memory body)
    {
        bytes18 name = bytes18(log.topics[1]);
        (uint8 kind, string memory title, string memory endpoint) = abi.decode(log.data, (uint8, string, string));
        department.kind = IDepartmentRegistry.Kind(kind);
        department.registeredBlock = uint64(number);
        activity(name, true);
        body = abi.encode(name, kind, title, endpoint);
        fold(log, "", body);
    }

    function signerEvent(Vm.Log calldata log) private returns (bool) {
        bytes32 topic = log.topics[0];
        if (log.topics.length != 3) return false;
        bytes18 name = bytes18(log.topics[1]);
        address signer = toAddress(log.topics[2]);
        if (topic == IDepartmentRegistry.SignerAdded.selector) {
            uint8 roles = abi.decode(log.data, (uint8));
            signers[signer] = IDepartmentRegistry.Signer(name, roles, uint40(number), 0, departments[name].generation);
            rosters[name].push(signer);
        } else if (topic == IDepartmentRegistry.SignerRetired.selector) {
            signers[signer].toBlock = uint40(number);
        } else {
            return false;
        }
        fold(log, abi.encode(name), abi.encodePacked(log.topics[1], log.topics[2], log.data));
        return true;
    }

    function datasetEvent(Vm.Log calldata log) private returns (bool) {
        bytes32 topic = log.topics[0];
        if (log.topics.length != 4) return false;
        bytes32 key = keccak256(abi.encodePacked(log.topics[1], log.topics[2], log.topics[3]));
        IDatasetCatalog.Entry storage entry = entries[key];
        IDatasetCatalog.Serial storage whole = serials[keccak256(abi.encodePacked(log.topics[1], log.topics[2]))];
        bytes memory body = abi.encodePacked(log.topics[1], log.topics[2], log.topics[3], log.data);
        if (topic == IDatasetCatalog.DatasetProposed.selector) {
            body = proposed(log, key);
            endUpdate(whole);
        } else if (topic == IDatasetCatalog.DatasetReturned.selector) {
            entry.state = IDatasetCatalog.State.RETURNED;
        } else if (topic == IDatasetCatalog.DatasetPublished.selector) {
            (entry.state, entry.publishedBlock) = (IDatasetCatalog.State.PUBLISHED, uint64(number));
            whole.publishedVersions += 1;
        } else if (topic == IDatasetCatalog.DatasetRetired.selector) {
            (entry.state, entry.retiredBlock) = (IDatasetCatalog.State.RETIRED, uint64(number));
            whole.publishedVersions -= 1;
            if (whole.publishedVersions == 0) endUpdate(whole);
        } else if (topic == IDatasetCatalog.DatasetReviewOverdue.selector) {
            entry.reviewOverdue = true;
        } else {
            return false;
        }
        fold(log, abi.encodePacked(log.topics[1], log.topics[2]), body);
        return true;
    }

    function proposed(Vm.Log calldata log, bytes32 key) private returns (bytes memory body) {
        (uint16 round, IDatasetCatalog.Proposal memory p) = abi.decode(log.data, (uint16, IDatasetCatalog.Proposal));
        entries[key] = IDatasetCatalog.Entry({
            state: IDatasetCatalog.State.PROPOSED,
            shareType: p.shareType,
            fieldCount: p.fieldCount,
            viewCount: p.viewCount,
            personal: p.personal,
            authorisationRequired: p.authorisationRequired,
            reviewOverdue: false,
            round: round,
            proposedAt: uint40(time),
            publishedBlock: 0,
            retiredBlock: 0,
            schemaHash: p.schemaHash,
            verifiableMask: p.verifiableMask,
            sensitiveMask: p.sensitiveMask
        });
        purposes[key] = p.purposes;
        body = abi.encode(bytes18(log.topics[1]), p.serial, p.version, round, p);
        if (p.version == 1 && round == 1) fold(log, abi.encode(bytes18(log.topics[1])), body);
    }

    function updateEvent(Vm.Log calldata log) private returns (bool) {
        bytes32 topic = log.topics[0];
        if (log.topics.length != 3) return false;
        IDatasetCatalog.Serial storage whole = serials[keccak256(abi.encodePacked(log.topics[1], log.topics[2]))];
        if (topic == IDatasetCatalog.DatasetUpdateOpened.selector) {
            whole.updateOpenedAt = uint40(time);
        } else if (topic == IDatasetCatalog.DatasetUpdateExtended.selector) {
            whole.updateExtended = true;
        } else if (topic == IDatasetCatalog.DatasetUpdateOverdue.selector) {
            whole.updateOverdue = true;
        } else {
            return false;
        }
        fold(
            log,
            abi.encodePacked(log.topics[1], log.topics[2]),
            abi.encodePacked(log.topics[1], log.topics[2], log.data)
        );
        return true;
    }

    function endUpdate(IDatasetCatalog.Serial storage whole) private {
        (whole.updateOpenedAt, whole.updateExtended, whole.updateOverdue) = (0, false, false);
    }

    function caseEvent(Vm.Log calldata log) private returns (bool) {
        bytes32 topic = log.topics[0];
        if (log.topics.length < 3) return false;
        (bytes18 lead, bytes32 caseNo) = (bytes18(log.topics[1]), log.topics[2]);
        ICaseLedger.Case storage entry = cases[keccak256(abi.encode(lead, caseNo))];
        bytes memory body = abi.encodePacked(log.topics[1], log.topics[2], log.data);
        if (topic == ICaseLedger.CaseOpened.selector) {
            (bytes18[] memory participants, bytes32 root, uint32 count) =
                abi.decode(log.data, (bytes18[], bytes32, uint32));
            (entry.scenario, entry.participants, entry.openedAt) = (log.topics[3], participants, uint40(time));
            (entry.subjectsRoot, entry.subjectCount) = (root, count);
            body = abi.encode(lead, caseNo, log.topics[3], participants, root, count);
            fold(log, abi.encode(lead), body);
        } else if (topic == ICaseLedger.CaseSubjectAdded.selector) {
            (entry.subjectsRoot, entry.subjectCount) = abi.decode(log.data, (bytes32, uint32));
        } else if (topic == ICaseLedger.CaseClosed.selector) {
            (entry.closedAt, entry.outcome) = (uint40(time), abi.decode(log.data, (uint8)));
        } else {
            return false;
        }
        fold(log, abi.encode(lead, caseNo), body);
        return true;
    }

    // ---- inside ----------------------------------------------------------------------------------------------------

    function activity(bytes18 name, bool active) private {
        departments[name].active = active;
        activeAtEndOf[name][number] = active;
        uint256[] storage list = changes[name];
        if (list.length == 0 || list[list.length - 1] != number) list.push(number);
    }

    /// @param entity empty for the authority
    function fold(Vm.Log calldata log, bytes memory entity, bytes memory body) private {
        bytes32 key = keccak256(abi.encode(log.emitter, entity));
        accumulators[key] = keccak256(abi.encode(accumulators[key], log.topics[0], body, time, number));
    }

    function toAddress(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }
}
