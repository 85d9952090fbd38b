"""Loading the register: layouts, zip, days, differences; and faulty files, which must change nothing."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from identity import BadExtraction, NoRegistry, Registry, load_extraction
from identity.generator import World, write_extraction
from identity.generator.people import with_key
from identity.registry.columns import columns
from identity.registry.keys import hashed, phone_key
from identity.registry.store import Activity, holds

SMALL = World(seed=9, persons=40)
DAY, LATER = date(2025, 3, 1), date(2026, 8, 1)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """One small extraction."""
    return write_extraction(tmp_path / "files", SMALL, DAY)


def everything(registry: Registry) -> list[Activity]:
    """Every row ever said."""
    found = []
    at = 0
    while at < len(registry._pids):
        rows = registry.person(at)
        found.extend(rows)
        at += len(rows)
    return found


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file of a register."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("layout", ["a", "b", "split"])
def test_every_layout_says_the_same(layout: str, tmp_path: Path) -> None:
    path = write_extraction(tmp_path / "files", SMALL, DAY, layout)  # type: ignore[arg-type]
    report = load_extraction(path, tmp_path / "registry")
    registry = Registry(tmp_path / "registry")
    rows = everything(registry)
    people = [person for index in range(SMALL.persons) if (person := SMALL.person(index, DAY))]
    assert (report.day, report.kind, report.persons) == ("2025-03-01", "full", len(people))
    assert len(rows) == report.rows == sum(max(1, len(person.places)) for person in people)
    for person in people:
        first = registry.number(person.rpps)
        assert first is not None
        told = registry.person(first)
        assert {a.fields["given"] for a in told} == {person.given}
        assert {a.fields["skill"] for a in told} == {person.skill[2]}
        assert {a.fields["postcode"] for a in told} == ({p.postcode for p in person.places} or {""})


def test_a_zip_with_both_files(tmp_path: Path) -> None:
    path = write_extraction(tmp_path / "files", SMALL, DAY, "split")
    bag = tmp_path / "PS_LibreAcces_202503010700.zip"
    with zipfile.ZipFile(bag, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in path.parent.iterdir():
            packed.write(file, f"PS_LibreAcces/{file.name}")
    load_extraction(bag, tmp_path / "registry")
    assert any(a.fields["skill"] for a in everything(Registry(tmp_path / "registry")))
    assert [entry.name for entry in (tmp_path / "registry").iterdir() if entry.name.startswith(".")] == []


def test_order_of_columns_case_and_byte_order_mark_do_not_matter(written: Path, tmp_path: Path) -> None:
    lines = [line.split("|") for line in written.read_text("utf-8").splitlines()]
    turned = "\r\n".join("|".join([*reversed(line[:-1]), ""]) for line in [[n.upper() for n in lines[0]], *lines[1:]])
    other = tmp_path / "PS_LibreAcces_Personne_activite_202503010701.txt"
    other.write_bytes(b"\xef\xbb\xbf" + turned.encode() + b"\r\n")
    load_extraction(written, tmp_path / "one")
    load_extraction(other, tmp_path / "two")
    one, two = (snapshot(tmp_path / name) for name in ("one", "two"))
    rows = [content for name, content in one.items() if name.endswith("rows.txt")]
    assert rows == [content for name, content in two.items() if name.endswith("rows.txt")]


def _without(name: str) -> Callable[[str], str]:
    def drop(text: str) -> str:
        lines = [line.split("|") for line in text.splitlines()]
        at = lines[0].index(name)
        return "\n".join("|".join(line[:at] + line[at + 1 :]) for line in lines) + "\n"

    return drop


@pytest.mark.parametrize("column", [c for c in columns() if not c.skill], ids=lambda c: c.code)
def test_a_missing_column_is_named(column: object, written: Path, tmp_path: Path) -> None:
    header = written.read_text("utf-8").splitlines()[0].split("|")
    name = next(name for name in column.names if name in header or name.replace("structure", "Structure") in header)  # type: ignore[attr-defined]
    name = name if name in header else name.replace("structure", "Structure")
    written.write_text(_without(name)(written.read_text("utf-8")), "utf-8")
    with pytest.raises(BadExtraction, match="is missing") as raised:
        load_extraction(written, tmp_path / "registry")
    assert name.lower() in str(raised.value).lower()
    assert not (tmp_path / "registry" / "current").exists()


def test_skills_that_are_nowhere_are_asked_for(tmp_path: Path) -> None:
    path = write_extraction(tmp_path / "files", SMALL, DAY, "split")
    next(path.parent.glob("*SavoirFaire*")).unlink()
    with pytest.raises(BadExtraction, match=r"Code type savoir-faire.*--skills"):
        load_extraction(path, tmp_path / "registry")


def _short(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:7], "|".join(lines[7].split("|")[:20]), *lines[8:]]) + "\n"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: _short(data.decode()).encode(), r":8: 20 fields instead of 57"),
        (lambda data: data.replace(b"Madame", b"Mad\xe9me", 1), r"not UTF-8"),
        (lambda data: data.split(b"\n")[0] + b"\n", r"no line after the header"),
        (lambda _: b"", r"not a header"),
        (lambda data: b"\xff\xfe" + data, r"not UTF-8"),
        (lambda _: b"nom;prenom\n", r"not a header"),
        (lambda data: data[: len(data) - 30], r"fields instead of"),
    ],
    ids=["short", "latin1", "empty", "nothing", "utf16", "other", "cut"],
)
def test_a_faulty_file_changes_nothing(
    spoil: Callable[[bytes], bytes], said: str, written: Path, tmp_path: Path
) -> None:
    load_extraction(written, tmp_path / "registry")
    before = snapshot(tmp_path / "registry")
    bad = write_extraction(tmp_path / "later", SMALL, LATER)
    bad.write_bytes(spoil(bad.read_bytes()))
    with pytest.raises(BadExtraction, match=said) as raised:
        load_extraction(bad, tmp_path / "registry")
    assert "\n" not in str(raised.value)
    assert snapshot(tmp_path / "registry") == before


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    path = write_extraction(tmp_path / "files", SMALL, DAY)
    bag = tmp_path / "PS_LibreAcces_202503010700.zip"
    with zipfile.ZipFile(bag, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(path, path.name)
    data = bytearray(bag.read_bytes())
    data[300:360] = bytes(60)
    bag.write_bytes(data)
    with pytest.raises(BadExtraction, match="cannot be unpacked"):
        load_extraction(bag, tmp_path / "registry")
    with zipfile.ZipFile(bag, "w") as packed:
        packed.writestr("readme.txt", "nothing")
    with pytest.raises(BadExtraction, match="holds no PS_LibreAcces"):
        load_extraction(bag, tmp_path / "registry")


def test_states_are_dated_and_loaded_in_order(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    load_extraction(written, folder)
    again = load_extraction(written, folder)
    assert (again.already, again.added) == (True, 0)
    later = write_extraction(tmp_path / "files", SMALL, LATER)
    report = load_extraction(later, folder)
    registry = Registry(folder)
    assert [state.day for state in registry.states] == ["2025-03-01", "2026-08-01"]
    for day, state in ((DAY, registry.states[0]), (LATER, registry.states[1])):
        told = sorted(tuple(a.fields.values()) for a in everything(registry) if holds(a, state))
        alone = load_extraction(write_extraction(tmp_path / "again", SMALL, day), tmp_path / day.isoformat())
        assert told == sorted(tuple(a.fields.values()) for a in everything(Registry(tmp_path / day.isoformat())))
        assert len(told) == alone.rows
    assert report.added == sum(a.since == "2026-08-01" for a in everything(registry))
    with pytest.raises(BadExtraction, match="states are loaded in order"):
        load_extraction(written, folder, day=date(2025, 12, 1))


def test_a_difference_replaces_the_persons_it_names(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    with pytest.raises(BadExtraction, match="needs a full extraction"):
        load_extraction(written, folder, difference=True)
    load_extraction(written, folder)
    changed = [
        i for i in range(SMALL.persons) if SMALL.person(i, DAY) != SMALL.person(i, LATER) and SMALL.person(i, LATER)
    ]
    part = write_extraction(tmp_path / "part", SMALL, LATER, only=changed)
    gone = SMALL.person(changed[0], LATER)
    assert gone is not None
    report = load_extraction(part, folder, difference=True)
    assert report.kind == "difference"
    registry = Registry(folder)
    for index in range(SMALL.persons):
        person = SMALL.person(index, LATER if index in changed else DAY)
        first = registry.number(SMALL.rpps(index))
        if person is None or first is None:
            assert person is None
            assert first is None
            continue
        current = [a for a in registry.person(first) if holds(a, registry.states[-1])]
        assert {a.fields["family"] for a in current} == {next(iter({a.fields["family"] for a in current}))}
        assert len(current) == max(1, len(person.places))


def test_a_difference_can_say_that_a_person_is_gone(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    load_extraction(written, folder)
    header, first = written.read_text("utf-8").splitlines()[:2]
    fields = first.split("|")
    names = header.split("|")
    gone = [value if name in names[:3] else "" for name, value in zip(names, fields, strict=True)]
    part = tmp_path / "PS_LibreAcces_Personne_activite_202604010700.txt"
    part.write_text(f"{header}\n{'|'.join(gone)}\n", "utf-8")
    load_extraction(part, folder, difference=True)
    registry = Registry(folder)
    at = registry.number(fields[1])
    assert at is not None
    assert not [a for a in registry.person(at) if holds(a, registry.states[-1])]
    assert [a for a in registry.person(at) if holds(a, registry.states[0])]


def test_a_name_without_a_date_asks_for_one(written: Path, tmp_path: Path) -> None:
    plain = tmp_path / "ps-libreacces-personne-activite.txt"
    shutil.copy(written, plain)
    with pytest.raises(BadExtraction, match="--date"):
        load_extraction(plain, tmp_path / "registry")
    assert load_extraction(plain, tmp_path / "registry", day=DAY).day == "2025-03-01"


def test_an_interrupted_load_leaves_the_register_and_is_swept(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    load_extraction(written, folder)
    before = snapshot(folder)
    (folder / ".loading-x").mkdir()
    (folder / ".loading-x" / "load.duckdb").write_bytes(b"half")
    later = write_extraction(tmp_path / "files", SMALL, LATER)

    def stop(step: str) -> None:
        if step == "index":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_extraction(later, folder, tell=stop)
    assert snapshot(folder) == before


def test_no_register_and_a_damaged_one(written: Path, tmp_path: Path) -> None:
    with pytest.raises(NoRegistry, match="no register is loaded"):
        Registry(tmp_path / "registry")
    load_extraction(written, tmp_path / "registry")
    name = (tmp_path / "registry" / "current").read_text("utf-8").strip()
    (tmp_path / "registry" / name / "keys.npy").write_bytes(b"x")
    with pytest.raises(NoRegistry, match="damaged"):
        Registry(tmp_path / "registry")


@pytest.mark.parametrize(
    ("shown", "digits"),
    [
        ("01 99 00 12 34", "0199001234"), ("+33 1 99 00 12 34", "0199001234"), ("+33 (0)1.99.00.12.34", "0199001234"),
        ("0033199001234", "0199001234"), ("Tél. 0199001234", "0199001234"), ("199001234", ""), ("", ""), ("112", ""),
    ],
)  # fmt: skip
def test_phone_numbers(shown: str, digits: str) -> None:
    assert phone_key(shown) == digits


def test_keys_are_stable() -> None:
    assert hashed("abc") == 8250560606382298838  # md5_number_lower('abc')


def test_numbers_are_well_formed() -> None:
    assert all(SMALL.rpps(index) == with_key(SMALL.rpps(index)[:10]) for index in range(SMALL.persons))
