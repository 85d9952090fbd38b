"""Write a ZIP that has one form only for the same names and bytes. It reads nothing back and compresses nothing.

Every field that a ZIP leaves open is fixed here, so that a reader who writes the same members again must get the same
bytes: members sorted by name, stored (deflate differs from one zlib to the next), dated 1980-01-01 00:00, mode 0600,
no flag, no extra field, no comment, nothing before, between or after. `docs/bundle-format.md` lists the fields.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from reference.errors import VigieError

MAX_BYTES = 0xFFFFFFFF
MAX_MEMBERS = 0xFFFF
MAX_NAME = 200
_DATE = 0x21  # 1980-01-01, the first day a ZIP knows
_MADE_BY = 0x0314  # Unix, version 2.0
_NEEDED = 10  # stored members need version 1.0
_MODE = 0o100600 << 16
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_STEP = 1 << 20

Content = bytes | Path


class BadName(VigieError):
    """A name that could not be unpacked safely, or not on every system."""


class TooBig(VigieError):
    """More files or bytes than a plain ZIP holds."""


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names, sorted. Raises `BadName` for one that is not plain, relative ASCII, or equals another but for case."""
    seen: dict[str, str] = {}
    for name in names:
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME or name.endswith("."):
            raise BadName(f"{name[:MAX_NAME]!r} is not a name that a bundle can hold")
        if name.lower() in seen:
            raise BadName(f"{name} and {seen[name.lower()]} are one name on some systems")
        seen[name.lower()] = name
    for lower, name in seen.items():
        parts = lower.split("/")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in seen:
                raise BadName(f"{name} lies below {'/'.join(parts[:depth])}, which is a file")
    return tuple(sorted(seen.values()))


def write_zip(target: IO[bytes], members: dict[str, Content]) -> None:
    """Write the members, by name, each from its bytes or its file. Raises `BadName`, `TooBig`, `OSError`."""
    names = check_names(members)
    if len(names) > MAX_MEMBERS:
        raise TooBig(f"{len(names)} files are more than a bundle holds ({MAX_MEMBERS})")
    directory: list[bytes] = []
    offset = 0
    for name in names:
        checksum, size = _measure(members[name])
        raw = name.encode("ascii")
        common = struct.pack("<HHHHHIIIHH", _NEEDED, 0, 0, 0, _DATE, checksum, size, size, len(raw), 0)
        directory.append(
            b"PK\x01\x02" + struct.pack("<H", _MADE_BY) + common + struct.pack("<HHHII", 0, 0, 0, _MODE, offset) + raw
        )
        header = b"PK\x03\x04" + common + raw
        target.write(header)
        _copy(members[name], target, size)
        offset += len(header) + size
        if offset > MAX_BYTES:
            raise TooBig("the files are more than a bundle holds (4 GiB)")
    central = b"".join(directory)
    target.write(central)
    target.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(names), len(names), len(central), offset, 0))


def _measure(content: Content) -> tuple[int, int]:
    """CRC-32 and size in bytes."""
    if isinstance(content, bytes):
        return zlib.crc32(content), len(content)
    checksum = size = 0
    with content.open("rb") as file:
        while step := file.read(_STEP):
            checksum = zlib.crc32(step, checksum)
            size += len(step)
    if size > MAX_BYTES:
        raise TooBig(f"{content.name}: a file of 4 GiB or more does not fit in a bundle")
    return checksum, size


def _copy(content: Content, target: IO[bytes], size: int) -> None:
    if isinstance(content, bytes):
        target.write(content)
        return
    with content.open("rb") as file:
        left = size
        while left and (step := file.read(min(_STEP, left))):
            target.write(step)
            left -= len(step)
    if left:
        raise OSError(f"{content.name} became shorter while it was packed")
