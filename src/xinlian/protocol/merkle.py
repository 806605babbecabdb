"""RFC 9162 trees over leaf hashes: roots, inclusion paths, consistency paths.

Rules
1. Leaves are leaf hashes (32 bytes, made with the 0x00 prefix) in publication order; nodes are SHA-256(0x01 || left || right).
2. A node without a right neighbour goes up unchanged; this gives RFC 9162's tree for every size.
3. Index 0 is an index like any other: nothing is tested by truth value.
4. Verification follows RFC 9162 §2.1.3.2 and §2.1.4.2 step by step and returns a bool; it never raises on bad input.

Example: ``verify_path(leaf, 0, 1, (), leaf)`` is True: the root of one leaf is that leaf.

Source: RFC 9162 §2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from xinlian.protocol.errors import InputError
from xinlian.protocol.suite import empty_root, node_hash
from xinlian.protocol.types import Hash32


def root(leaves: Sequence[bytes]) -> Hash32:
    """Return the root over ``leaves`` without keeping the levels; of no leaves, SHA-256 of nothing."""
    if len(leaves) == 0:
        return empty_root()
    level = list(leaves)
    while len(level) > 1:
        level = _level_above(level)
    return Hash32(level[0])


class Tree:
    """A tree with all its levels, for many paths out of one batch.

    Args:
        leaves: leaf hashes of 32 bytes, in order; the levels together hold about twice as many hashes.
    """

    __slots__ = ("_levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        levels = [list(leaves)]
        while len(levels[-1]) > 1:
            levels.append(_level_above(levels[-1]))
        self._levels = levels

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    @property
    def root(self) -> Hash32:
        """The root, 32 bytes."""
        return Hash32(self._levels[-1][0]) if self.size > 0 else empty_root()

    def path(self, index: int) -> tuple[Hash32, ...]:
        """Return the inclusion path of leaf ``index``, from the leaf upwards.

        Raises:
            InputError: ``tree-index`` when the tree has no such leaf.
        """
        if not 0 <= index < self.size:
            raise InputError("tree-index", f"index {index} of a tree of {self.size}", index=index, size=self.size)
        path: list[Hash32] = []
        position = index
        for level in self._levels[:-1]:
            sibling = position ^ 1
            if sibling < len(level):
                path.append(Hash32(level[sibling]))
            position >>= 1
        return tuple(path)

    def consistency(self, old_size: int) -> tuple[Hash32, ...]:
        """Return the proof that the tree of the first ``old_size`` leaves is a prefix of this one.

        Args:
            old_size: 1 to ``size``; for ``size`` itself the proof is empty.

        Raises:
            InputError: ``tree-index`` when ``old_size`` is outside these bounds.

        Source: RFC 9162 §2.1.4.1.
        """
        if not 0 < old_size <= self.size:
            raise InputError("tree-index", f"old size {old_size} of a tree of {self.size}", index=old_size, size=self.size)
        return tuple(_subproof(self._levels[0], old_size, complete=True))


def verify_path(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """Tell whether ``leaf`` is leaf ``index`` of the tree with ``size`` leaves and root ``expected_root``.

    Source: RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size or len(leaf) != 32 or any(len(step) != 32 for step in path):
        return False
    position, last, node = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if position & 1 == 1 or position == last:
            node = node_hash(step, node)
            while position & 1 == 0 and position != 0:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, step)
        position, last = position >> 1, last >> 1
    return last == 0 and node == expected_root


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether the tree (``old_size``, ``old_root``) is a prefix of the tree (``new_size``, ``new_root``).

    Source: RFC 9162 §2.1.4.2.
    """
    if not 0 < old_size <= new_size or any(len(step) != 32 for step in path):
        return False
    if old_size == new_size:
        return len(path) == 0 and old_root == new_root
    steps = list(path) if old_size & (old_size - 1) != 0 else [old_root, *path]
    return len(steps) > 0 and _consistent(old_size, new_size, (old_root, new_root), steps)


def _consistent(old_size: int, new_size: int, roots: tuple[bytes, bytes], steps: Sequence[bytes]) -> bool:
    position, last = old_size - 1, new_size - 1
    while position & 1 == 1:
        position, last = position >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 == 1 or position == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while position & 1 == 0 and position != 0:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, step)
        position, last = position >> 1, last >> 1
    return last == 0 and (old, new) == roots


def _subproof(leaves: Sequence[bytes], old_size: int, *, complete: bool) -> list[Hash32]:
    size = len(leaves)
    if old_size == size:
        return [] if complete else [root(leaves)]
    split = 1 << (size - 1).bit_length() - 1
    if old_size <= split:
        return [*_subproof(leaves[:split], old_size, complete=complete), root(leaves[split:])]
    return [*_subproof(leaves[split:], old_size - split, complete=False), root(leaves[:split])]


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    above: list[bytes] = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    if len(level) & 1 == 1:
        above.append(level[-1])
    return above
