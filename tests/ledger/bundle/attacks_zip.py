"""Named attacks on names, files and the ZIP itself: registered beside the others when this module is imported."""

from __future__ import annotations

import io
import os
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from attacks import Scene, attack, rebag


def members(scene: Scene) -> list[tuple[bytes, bytes]]:
    held = scene.made.folder
    files = [path for path in held.rglob("*") if path.is_file()]
    return sorted((f"dossier-000001/{path.relative_to(held).as_posix()}".encode(), path.read_bytes()) for path in files)


def raw_zip(
    entries: list[tuple[bytes, bytes]],
    *,
    deflate: int = -1,
    extra: bytes = b"",
    date: int = 0x21,
    prefix: bytes = b"",
    gap: bytes = b"",
    comment: bytes = b"",
    mode: int = 0o100600,
    central_name: bytes | None = None,
    flags: int = 0,
) -> bytes:
    """A ZIP that common tools open, with one liberty taken."""
    out, directory = bytearray(prefix), b""
    for place, (name, data) in enumerate(entries):
        offset, method, packed = len(out), 0, data
        if place == deflate:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            method, packed = 8, packer.compress(data) + packer.flush()
        head = struct.pack("<HHHHHIII", 10, flags, method, 0, date, zlib.crc32(data), len(packed), len(data))
        shown = central_name if central_name is not None and place == 0 else name
        out += b"PK\x03\x04" + head + struct.pack("<HH", len(name), len(extra)) + name + extra + packed + gap
        directory += b"PK\x01\x02\x14\x03" + head + struct.pack("<HH", len(shown), len(extra))
        directory += struct.pack("<HHHII", 0, 0, 0, mode << 16, offset) + shown + extra
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(out), len(comment))
    return bytes(out) + directory + b"PK\x05\x06" + end + comment


def zipped(scene: Scene, entries: list[tuple[bytes, bytes]] | None = None, **liberty: Any) -> Path:
    scene.zip.write_bytes(raw_zip(members(scene) if entries is None else entries, **liberty))
    return scene.zip


# Files and names


@attack()
def add_a_file(scene: Scene) -> None:
    scene.put({"note.txt": b"ajout\n"})


@attack()
def add_a_file_to_the_manifest_too(scene: Scene) -> None:
    scene.put({"note.txt": b"ajout\n"})
    rebag(scene, keep=True)


@attack()
def add_a_file_at_the_top(scene: Scene) -> None:
    (scene.folder / "note.txt").write_bytes(b"ajout\n")


@attack()
def remove_a_file(scene: Scene) -> None:
    scene.file("facts.json").unlink()


@attack()
def truncate_a_file(scene: Scene) -> None:
    scene.put({"method.md": scene.file("method.md").read_bytes()[:-1]})


@attack()
def a_link_in_place_of_a_file(scene: Scene) -> None:
    target = scene.folder.parent / "ailleurs"
    shutil.copy(scene.file("facts.json"), target)
    scene.file("facts.json").unlink()
    scene.file("facts.json").symlink_to(target)


@attack()
def an_empty_folder(scene: Scene) -> None:
    scene.file("vide").mkdir()


@attack()
def a_unicode_equivalent_name(scene: Scene) -> None:
    """« pièce.txt » composed and decomposed, listed in the manifest: two files, one name on some systems."""
    for name in ("pi\u00e8ce.txt", "pie\u0300ce.txt"):
        scene.put({name: b"piece\n"})
    rebag(scene)


@attack()
def a_name_equal_but_for_case(scene: Scene) -> Path:
    scene.put({"FACTS.json": b"{}\n"})
    rebag(scene)
    return zipped(scene, sorted(entries_of(scene.folder)))


def entries_of(folder: Path) -> list[tuple[bytes, bytes]]:
    return [
        (b"dossier-000001/" + os.fsencode(path.relative_to(folder).as_posix()), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    ]


# The ZIP


@attack()
def zip_with_a_traversal_name(scene: Scene) -> Path:
    return zipped(scene, sorted([*members(scene), (b"dossier-000001/../../evil.txt", b"evil")]))


@attack()
def zip_with_an_absolute_name(scene: Scene) -> Path:
    return zipped(scene, [(b"/etc/evil", b"evil"), *members(scene)])


@attack()
def zip_with_a_backslash_name(scene: Scene) -> Path:
    return zipped(scene, sorted([*members(scene), (b"dossier-000001/data\\evil.txt", b"evil")]))


@attack()
def zip_with_a_duplicate_name(scene: Scene) -> Path:
    entries = members(scene)
    return zipped(scene, [entries[0], (entries[0][0], b"autre"), *entries[1:]])


@attack()
def zip_with_a_unicode_equivalent_name(scene: Scene) -> Path:
    names = ("dossier-000001/data/pi\u00e8ce.txt", "dossier-000001/data/pie\u0300ce.txt")
    return zipped(scene, sorted([*members(scene), *((name.encode(), b"piece") for name in names)]), flags=0x800)


@attack()
def zip_with_one_more_file(scene: Scene) -> Path:
    return zipped(scene, sorted([*members(scene), (b"dossier-000001/data/note.txt", b"ajout")]))


@attack()
def zip_reordered(scene: Scene) -> Path:
    return zipped(scene, members(scene)[::-1])


@attack()
def zip_truncated(scene: Scene) -> Path:
    scene.zip.write_bytes(scene.made.zip.read_bytes()[:-1])
    return scene.zip


@attack()
def zip_with_something_before(scene: Scene) -> Path:
    return zipped(scene, prefix=b"#!/bin/sh\n")


@attack()
def zip_with_something_after(scene: Scene) -> Path:
    scene.zip.write_bytes(scene.made.zip.read_bytes() + b"\n")
    return scene.zip


@attack()
def zip_with_something_between(scene: Scene) -> Path:
    return zipped(scene, gap=b"\0\0\0\0")


@attack()
def zip_with_a_comment(scene: Scene) -> Path:
    return zipped(scene, comment=b"vu par untel")


@attack()
def zip_with_an_extra_field(scene: Scene) -> Path:
    return zipped(scene, extra=struct.pack("<HHI", 0x7875, 4, 7))


@attack()
def zip_with_a_deflated_member(scene: Scene) -> Path:
    return zipped(scene, deflate=3)


@attack()
def zip_with_another_date(scene: Scene) -> Path:
    return zipped(scene, date=0x22)


@attack()
def zip_with_another_mode(scene: Scene) -> Path:
    return zipped(scene, mode=0o104755)


@attack()
def zip_whose_table_names_another_file(scene: Scene) -> Path:
    return zipped(scene, central_name=b"dossier-000001/bag-info.tx0")


@attack()
def zip_under_another_folder_name(scene: Scene) -> Path:
    return zipped(scene, [(name.replace(b"000001", b"000002", 1), data) for name, data in members(scene)])


@attack()
def zip_made_again_by_a_common_tool(scene: Scene) -> Path:
    """The same files, packed by the standard library: nothing is lost, but it is no longer the file that was sent."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members(scene):
            archive.writestr(name.decode(), data)
    scene.zip.write_bytes(target.getvalue())
    return scene.zip
