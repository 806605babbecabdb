"""The chain behind its bindings: contracts, one sender per key, the event follower, chain time."""
