"""RFC 9162 trees: every index of every size 1 to 300, every bit of one proof, a naive and a foreign oracle."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pymerkle import InmemoryTree
from pymerkle.proof import InvalidProof, verify_inclusion

from tests.support import naive
from tests.support.profile import scaled
from xinlian.protocol import merkle
from xinlian.protocol.errors import InputError
from xinlian.protocol.merkle import Tree, verify_consistency, verify_path
from xinlian.protocol.suite import empty_root, leaf_hash, node_hash

VECTORS: list[dict[str, Any]] = json.loads((naive.VECTORS / "trees.json").read_text())["vectors"]
KNOWN_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""Roots that the certificate transparency implementations publish for their eight test inputs."""


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4)) for number in range(size)]


def flipped(data: bytes) -> list[bytes]:
    number = int.from_bytes(data)
    return [(number ^ 1 << bit).to_bytes(len(data)) for bit in range(8 * len(data))]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['title']} {len(vector['leaves'])}")
def test_vectors(vector: dict[str, Any]) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in vector["leaves"]]
    tree = Tree(leaves)
    assert tree.root.hex() == merkle.root(leaves).hex() == vector["root"]
    for proof in vector["paths"]:
        assert [step.hex() for step in tree.path(proof["index"])] == proof["path"]


def test_roots_known_from_certificate_transparency() -> None:
    found = {len(vector["leaves"]): vector["root"] for vector in VECTORS if vector["title"].startswith("certificate")}
    assert {size: found[size] for size in KNOWN_ROOTS} == KNOWN_ROOTS


def test_the_vectors_are_those_of_the_naive_implementation() -> None:
    assert naive.tree_vectors() == VECTORS


def test_every_index_of_every_size() -> None:
    """All of 45,150 proofs verify, and none does at the neighbouring index, with the neighbouring leaf, or one step short."""
    for size in range(1, 301):
        leaves = leaves_of(size)
        tree = Tree(leaves)
        assert tree.root == merkle.root(leaves)
        for index, leaf in enumerate(leaves):
            path = tree.path(index)
            assert verify_path(leaf, index, size, path, tree.root)
            assert not verify_path(leaf, index ^ 1, size, path, tree.root)
            assert not verify_path(leaf_hash(leaf), index, size, path, tree.root)
            assert size == 1 or not verify_path(leaf, index, size, path[:-1], tree.root)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 100, 300])
def test_the_naive_implementation_agrees(size: int) -> None:
    leaves = leaves_of(size)
    tree = Tree(leaves)
    assert tree.root == naive.mth(leaves)
    for index in range(size):
        assert list(tree.path(index)) == naive.path(index, leaves)


@pytest.mark.parametrize("size", range(1, 301, scaled(ci=23, deep=1)))
def test_an_independent_library_agrees(size: int) -> None:
    foreign = InmemoryTree(algorithm="sha256")
    for number in range(size):
        foreign.append_entry(number.to_bytes(4))
    tree = Tree(leaves_of(size))
    assert foreign.get_root() == tree.root
    for index in {0, size // 2, size - 1}:
        assert foreign.get_leaf(index + 1) == leaves_of(size)[index]
        proof = foreign.prove_inclusion(index + 1)
        verify_inclusion(leaves_of(size)[index], tree.root, proof)
        with pytest.raises(InvalidProof):
            verify_inclusion(bytes(32), tree.root, proof)


@pytest.mark.parametrize(("size", "index"), [(1, 0), (2, 1), (5, 0), (5, 4), (7, 6), (8, 3), (300, 299), (300, 0)])
def test_any_flipped_bit_fails(size: int, index: int) -> None:
    leaves = leaves_of(size)
    tree = Tree(leaves)
    path = tree.path(index)
    assert not any(verify_path(leaf, index, size, path, tree.root) for leaf in flipped(leaves[index]))
    assert not any(verify_path(leaves[index], index, size, path, root) for root in flipped(tree.root))
    for place, step in enumerate(path):
        for other in flipped(step):
            assert not verify_path(leaves[index], index, size, (*path[:place], other, *path[place + 1 :]), tree.root)
    for bit in range(32):
        assert not verify_path(leaves[index], index ^ 1 << bit, size, path, tree.root)


def test_a_wrong_size_that_the_tree_cannot_see_has_the_same_shape_for_this_leaf() -> None:
    """RFC 9162: the size is only part of the proof's shape; the slot on the chain binds it (design 4.2)."""
    leaves = leaves_of(5)
    tree = Tree(leaves)
    accepted = {size for size in range(40) if verify_path(leaves[2], 2, size, tree.path(2), tree.root)}
    assert 5 in accepted
    assert accepted <= {5, 6, 7, 8}


@pytest.mark.parametrize(
    ("index", "size", "leaf", "path"),
    [
        (-1, 1, bytes(32), ()),
        (1, 1, bytes(32), ()),
        (0, 0, bytes(32), ()),
        (0, -1, bytes(32), ()),
        (0, 1, bytes(31), ()),
        (0, 2, bytes(32), (bytes(31),)),
        (0, 1, bytes(32), (bytes(32),)),
    ],
)
def test_bad_input_is_false_and_never_raises(index: int, size: int, leaf: bytes, path: tuple[bytes, ...]) -> None:
    assert not verify_path(leaf, index, size, path, leaf)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_steps_above_the_root_are_refused_although_they_hash_right(size: int) -> None:
    """RFC 9162 §2.1.3.2 step 4a: whoever picks the root freely must not get past it with a longer path."""
    leaves = leaves_of(size)
    tree = Tree(leaves)
    for index, leaf in enumerate(leaves):
        for above in (node_hash(bytes(32), tree.root), node_hash(tree.root, bytes(32))):
            assert not verify_path(leaf, index, size, (*tree.path(index), bytes(32)), above)
    for old in range(1, size):
        tops = (node_hash(bytes(32), merkle.root(leaves[:old])), node_hash(bytes(32), tree.root))
        assert not verify_consistency(old, size, *tops, (*tree.consistency(old), bytes(32)))


def test_index_zero_is_an_index() -> None:
    leaves = leaves_of(3)
    assert Tree(leaves).path(0) == (leaves[1], leaves[2])
    assert verify_path(leaves[0], 0, 1, (), leaves[0])


@pytest.mark.parametrize("index", [-1, 3])
def test_no_path_outside_the_tree(index: int) -> None:
    with pytest.raises(InputError) as caught:
        Tree(leaves_of(3)).path(index)
    assert caught.value.code == "tree-index"


def test_a_tree_without_leaves() -> None:
    assert Tree([]).root == merkle.root([]) == empty_root() == naive.sha(b"")
    assert Tree([]).size == 0
    with pytest.raises(InputError) as caught:
        Tree([]).path(0)
    assert caught.value.code == "tree-index"


def test_every_pair_of_sizes_is_consistent() -> None:
    top = 40
    leaves = leaves_of(top)
    roots = [merkle.root(leaves[:size]) for size in range(top + 1)]
    for new in range(1, top + 1):
        tree = Tree(leaves[:new])
        for old in range(1, new + 1):
            path = tree.consistency(old)
            assert verify_consistency(old, new, roots[old], roots[new], path)
            assert not verify_consistency(old, new, bytes(32), roots[new], path)
            assert not verify_consistency(old, new, roots[old], bytes(32), path)
            assert old == new or not verify_consistency(old, new, roots[old], roots[new], path[:-1])
            assert not verify_consistency(old, new, roots[old], roots[new], (*path, bytes(32)))


def test_a_rewritten_prefix_is_not_consistent() -> None:
    leaves = leaves_of(9)
    old_root = merkle.root(leaves[:5])
    rewritten = Tree([bytes(32), *leaves[1:]])
    assert not verify_consistency(5, 9, old_root, rewritten.root, rewritten.consistency(5))


@pytest.mark.parametrize(("old", "new", "path"), [(0, 3, ()), (4, 3, ()), (2, 3, (bytes(31),)), (3, 5, ()), (3, 3, (bytes(32),))])
def test_bad_consistency_input_is_false(old: int, new: int, path: tuple[bytes, ...]) -> None:
    assert not verify_consistency(old, new, bytes(32), bytes(32), path)


@pytest.mark.parametrize("old", [0, -1, 4])
def test_no_consistency_proof_outside_the_tree(old: int) -> None:
    with pytest.raises(InputError) as caught:
        Tree(leaves_of(3)).consistency(old)
    assert caught.value.code == "tree-index"
