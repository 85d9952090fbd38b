"""The Merkle tree of RFC 6962 over SHA-256, from hashes of leaves. It knows no leaf and no seal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _floors(hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Every floor of the tree, leaves first, root last. An odd node at the end of a floor goes up as it is.

    That gives RFC 6962's tree, which is split at the largest power of two below the number of leaves.
    """
    floors = [list(hashes)]
    while len(floors[-1]) > 1:
        below = floors[-1]
        above = [_node(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
        floors.append(above + below[len(above) * 2 :])
    return floors


def root(hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes; without any, SHA-256 of nothing."""
    return _floors(hashes)[-1][0] if hashes else EMPTY


def paths(hashes: Sequence[bytes], wanted: Sequence[int]) -> list[list[bytes]]:
    """The audit path of each leaf at these places, from the leaf upwards. Raises `IndexError`."""
    floors = _floors(hashes)
    found = []
    for index in wanted:
        if not 0 <= index < len(hashes):
            raise IndexError(f"leaf {index} of {len(hashes)}")
        path, at = [], index
        for floor in floors[:-1]:
            sibling = at ^ 1
            if sibling < len(floor):
                path.append(floor[sibling])
            at >>= 1
        found.append(path)
    return found
