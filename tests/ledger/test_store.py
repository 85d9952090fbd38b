"""Evidence is written whole or not at all, survives its writer, and is hashed again on every read."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import EvidenceDamaged, EvidenceMissing, EvidenceStore, Ledger, LedgerUnavailable, StoreFull
from ledger.store import PARTIAL, YOUNG_SECONDS


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "evidence")


def files(store: EvidenceStore) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file()] if store.root.exists() else []


def test_the_address_is_the_hash_and_the_same_content_is_one_file(store: EvidenceStore) -> None:
    address = store.put(b"data")
    before = store.path(address).stat()
    assert address == hashlib.sha256(b"data").hexdigest()
    assert store.put(b"data") == address
    assert store.read(address) == b"data"
    assert files(store) == [store.root / address[:2] / address[2:4] / f"{address}.warc.gz"]
    after = store.path(address).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not after.st_mode & 0o222


@pytest.mark.parametrize("damaged", [b"", b"dat", b"datA", b"data!"])
def test_damage_is_noticed_on_reading_and_healed_on_writing(store: EvidenceStore, damaged: bytes) -> None:
    address = store.put(b"data")
    store.path(address).unlink()
    store.path(address).write_bytes(damaged)
    with pytest.raises(EvidenceDamaged, match=address):
        store.read(address)
    assert store.put(b"data") == address
    assert store.read(address) == b"data"


@settings(max_examples=30)
@given(data=st.binary(min_size=1, max_size=200), bit=st.integers(min_value=0))
def test_any_flipped_bit_is_noticed(data: bytes, bit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = EvidenceStore(Path(folder))
        address = store.put(data)
        flipped = bytearray(data)
        flipped[bit // 8 % len(data)] ^= 1 << bit % 8
        store.path(address).chmod(0o644)
        store.path(address).write_bytes(flipped)
        with pytest.raises(EvidenceDamaged):
            store.read(address)


def test_what_was_never_kept_is_missing(store: EvidenceStore) -> None:
    with pytest.raises(EvidenceMissing):
        store.read("0" * 64)


@pytest.mark.parametrize("address", ["", "../../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "/" + "0" * 63])
def test_what_is_no_address_opens_no_file(store: EvidenceStore, address: str) -> None:
    with pytest.raises(EvidenceMissing):
        store.read(address)


def test_a_folder_in_the_place_of_a_capture(store: EvidenceStore) -> None:
    store.path("0" * 64).mkdir(parents=True)
    with pytest.raises(EvidenceDamaged, match="cannot be read"):
        store.read("0" * 64)


@pytest.mark.parametrize(
    ("owner", "step"), [(os, "write"), (os, "fsync"), (Path, "replace"), (Path, "mkdir"), (tempfile, "mkstemp")]
)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_failing_disk_leaves_nothing_behind(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch, owner: object, step: str, number: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, fail)
        with pytest.raises(LedgerUnavailable if number == errno.EIO else StoreFull, match="not kept"):
            store.put(b"data")
    assert files(store) == []
    assert store.read(store.put(b"data")) == b"data"


def test_a_disk_that_takes_little_at_a_time(store: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))
    assert store.read(store.put(b"0123456789" * 10)) == b"0123456789" * 10


def test_the_file_and_the_names_on_the_way_to_it_are_synced(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    monkeypatch.setattr(os, "fsync", note)
    target = store.path(store.put(b"data"))
    assert {str(folder) for folder in (target.parent, target.parents[1], store.root, store.root.parent)} <= set(synced)
    assert Path(synced[-2]).parent == store.root / PARTIAL
    assert synced[-1] == str(target.parent)


def old(path: Path) -> Path:
    moment = path.stat().st_mtime - 2 * YOUNG_SECONDS
    os.utime(path, (moment, moment))
    return path


def test_leftovers_of_a_crash_go_at_the_next_opening_and_living_writers_keep_theirs(home: Path) -> None:
    ledger = Ledger.open(home)
    address = ledger.store.put(b"data")
    dead, living, young = (ledger.store.root / PARTIAL / name for name in ("dead", "living", "young"))
    for path in (dead, living, young):
        path.write_bytes(b"da")
    old(dead)
    with old(living).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        Ledger.open(home).close()
        assert (dead.exists(), living.exists(), young.exists()) == (False, True, True)
    assert ledger.store.sweep() == 1
    assert ledger.store.read(address) == b"data"
    ledger.close()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 256 KiB, where the tests may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=False, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("no permission to mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=False)


def test_a_really_full_disk(tiny_disk: Path) -> None:
    store = EvidenceStore(tiny_disk / "evidence")
    kept: list[bytes] = []
    with pytest.raises(StoreFull):
        for number in range(100):
            data = bytes([number]) * 30_000
            store.put(data)
            kept.append(data)
    assert kept
    assert len(files(store)) == len(kept)
    assert all(store.read(hashlib.sha256(data).hexdigest()) == data for data in kept)


def test_a_ledger_on_a_really_full_disk(tiny_disk: Path) -> None:
    (tiny_disk / "ballast").write_bytes(b"x" * 100_000)
    with contextlib.suppress(OSError), (tiny_disk / "rest").open("wb") as rest:
        while True:
            rest.write(b"x" * 512)
            rest.flush()
    with pytest.raises(StoreFull):
        Ledger.open(tiny_disk / "home")
    (tiny_disk / "rest").unlink()
    (tiny_disk / "ballast").unlink()
