"""Random changes of one byte or one bit, in any file of a bundle or in its ZIP."""

from __future__ import annotations

import random
from pathlib import Path

import bundle_world as world


def change(data: bytes, chance: random.Random) -> bytes:
    """The bytes with one of them changed, one bit of them flipped, one removed or one inserted."""
    place = chance.randrange(len(data)) if data else 0
    kind = chance.choice(("bit", "byte", "remove", "insert")) if data else "insert"
    new = bytearray(data)
    if kind == "bit":
        new[place] ^= 1 << chance.randrange(8)
    elif kind == "byte":
        new[place] = (new[place] + chance.randrange(1, 256)) % 256
    elif kind == "remove":
        del new[place]
    else:
        new.insert(place, chance.randrange(256))
    if bytes(new) == data:  # inserting or removing within a run of equal bytes may give them back: never here
        raise ValueError("nothing was changed")
    return bytes(new)


def damage(made: world.Made, copy: Path, chance: random.Random) -> tuple[Path, Path, bytes]:
    """Change one file of the copied folder, or the ZIP beside it; what to verify, the file, and its bytes before."""
    archive = copy.with_suffix(".zip")
    if chance.random() < 0.5:
        before = archive.read_bytes()
        archive.write_bytes(change(before, chance))
        return archive, archive, before
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    target = chance.choice(files)
    before = target.read_bytes()
    target.write_bytes(change(before, chance))
    return copy, target, before
