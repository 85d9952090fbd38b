"""The tree is RFC 6962's: its published vectors, and its definition word for word."""

from __future__ import annotations

import pytest
import stranger

from ledger.sealing.merkle import EMPTY, leaf_hash, paths, root

LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (  # Certificate Transparency's test vectors
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("count", range(1, 9))
def test_the_published_roots(count: int) -> None:
    assert root([leaf_hash(leaf) for leaf in LEAVES[:count]]).hex() == ROOTS[count - 1]


def test_no_leaf() -> None:
    assert root([]) == EMPTY == stranger.root_of([])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 31, 32, 33, 64, 100])
def test_every_path_leads_to_the_root_of_the_definition(count: int) -> None:
    leaves = [f"leaf {number}".encode() for number in range(count)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    expected = stranger.root_of(leaves)
    assert root(hashes) == expected
    for index, path in enumerate(paths(hashes, range(count))):
        assert stranger.root_from(leaves[index], index, count, path) == expected
        assert len(path) <= max(count - 1, 0).bit_length()


@pytest.mark.parametrize("count", [2, 7, 33])
def test_a_path_proves_nothing_else(count: int) -> None:
    leaves = [f"leaf {number}".encode() for number in range(count)]
    expected = root([leaf_hash(leaf) for leaf in leaves])
    path = paths([leaf_hash(leaf) for leaf in leaves], [1])[0]
    wrong = [
        (b"leaf 2x", 1, count, path),
        (leaves[0], 1, count, path),
        (leaves[1], 0, count, path),
        (leaves[1], 1, count, path[:-1]),
        (leaves[1], 1, count, [*path, path[0]]),
        (leaves[1], 1, count, [bytes([path[0][0] ^ 1]) + path[0][1:], *path[1:]]),
    ]
    for leaf, index, size, way in wrong:
        try:
            found = stranger.root_from(leaf, index, size, way)
        except ValueError:
            continue
        assert found != expected


def test_a_place_that_is_none() -> None:
    with pytest.raises(IndexError):
        paths([leaf_hash(b"x")], [1])
