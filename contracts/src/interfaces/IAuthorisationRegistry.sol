// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Authorisations of data subjects: (recorder, random id) -> digest, term, withdrawal
/// @notice The signed authorisation (who, whom, which items, purpose, term) stays off chain; its random id and a salted
///         digest stand here, so nothing leads from the chain to a person. The recorder hands the data subject a random
///         secret whose hash is the commitment: whoever holds the secret can have the authorisation withdrawn through
///         the node of any participant. A withdrawal is for ever; what was done before it stays lawful (PIPL art. 15).
interface IAuthorisationRegistry {
    /// @param digest salted digest of the signed authorisation; zero = no such authorisation
    /// @param commitment keccak256 of the 32 bytes of the withdrawal secret
    /// @param recordedAt epoch seconds
    /// @param expiresAt epoch seconds, first second after the term
    /// @param withdrawnAt epoch seconds; 0 = not withdrawn
    struct Authorisation {
        bytes32 digest;
        bytes32 commitment;
        uint40 recordedAt;
        uint40 expiresAt;
        uint40 withdrawnAt;
    }

    event AuthorisationRecorded(
        bytes18 indexed recorder, bytes32 indexed id, bytes32 digest, bytes32 commitment, uint40 expiresAt
    );
    /// @param relayedBy department of the signer who handed in the secret
    event AuthorisationWithdrawn(bytes18 indexed recorder, bytes32 indexed id, bytes32 secret, bytes18 relayedBy);

    /// @notice A suspended department records nothing.
    error AuthorisationRegistryDepartmentSuspended(bytes18 department);
    /// @notice An id is random, never zero.
    error AuthorisationRegistryIdZero(bytes18 recorder);
    /// @notice The recorder used this id before, at `recordedAt`.
    error AuthorisationRegistryIdTaken(bytes18 recorder, bytes32 id, uint40 recordedAt);
    /// @notice The digest of the signed authorisation is zero.
    error AuthorisationRegistryDigestZero(bytes18 recorder, bytes32 id);
    /// @notice Without a commitment nobody could withdraw it.
    error AuthorisationRegistryCommitmentZero(bytes18 recorder, bytes32 id);
    /// @notice The term ends at `expiresAt`, which is not after `time`.
    error AuthorisationRegistryExpiryPast(uint40 expiresAt, uint40 time);
    /// @notice The recorder recorded no authorisation with this id.
    error AuthorisationRegistryUnknown(bytes18 recorder, bytes32 id);
    /// @notice The authorisation was withdrawn at `withdrawnAt`.
    error AuthorisationRegistryAlreadyWithdrawn(bytes18 recorder, bytes32 id, uint40 withdrawnAt);
    /// @notice The secret does not hash to the commitment.
    error AuthorisationRegistrySecretForged(bytes18 recorder, bytes32 id, bytes32 commitment);

    /// @notice Record an authorisation that the caller's department or other receiver holds. Caller: LAW, not suspended.
    /// @param id random, not zero, new for this recorder
    /// @param digest salted, not zero
    /// @param commitment keccak256 of a fresh random secret of 32 bytes, not zero
    /// @param expiresAt in the future
    function record(bytes32 id, bytes32 digest, bytes32 commitment, uint40 expiresAt) external;
    /// @notice Withdraw an authorisation, once and for ever, also after its term. Caller: any registered signer, whatever
    ///         its role and whether or not its department is suspended.
    /// @param secret the 32 bytes behind the commitment; public from now on
    function withdraw(bytes18 recorder, bytes32 id, bytes32 secret) external;

    /// @notice What is known of an authorisation; all zero when there is none.
    function authorisationOf(bytes18 recorder, bytes32 id) external view returns (Authorisation memory);
    /// @notice True when recordedAt <= time < expiresAt and it was not withdrawn at `time` or before.
    function isInForceAt(bytes18 recorder, bytes32 id, uint40 time) external view returns (bool);
    /// @notice Accumulator over all events of one authorisation.
    function accumulatorOf(bytes18 recorder, bytes32 id) external view returns (bytes32);
    /// @notice Accumulator over all AuthorisationRecorded events of one recorder.
    function recorderAccumulatorOf(bytes18 recorder) external view returns (bytes32);
}
