"""From a ledger to a bundle and back: what is exported verifies, and a home that was tampered with does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bundle_world as world
import pytest
from sqlalchemy import select, text

from ledger import EvidenceMissing, Ledger, events
from ledger.bundle import Means, Stamp
from ledger.bundle.export import Order, captures_of_case, export_bag, export_wacz
from ledger.erasure import erase
from ledger.evidence_tables import EVIDENCE_TABLES
from ledger.models import INSERT_ONLY, Capture, Crawl, Event, Reviewer
from ledger.sealing.files import write_files
from ledger.sealing.seals import make_seals
from ledger.sealing.stamping import stamp_due
from ledger.sealing.tokens import Authority
from ledger.verifying.paths import Verified, verify_path
from ledger.warc import Exchange, to_warc_gz

URL = "https://annuaire.vigie-essai.fr/dentiste/camille"


def capture(ledger: Ledger, number: int, revisit_of: int | None = None) -> int:
    """One stored answer, as the crawler keeps it; or a repeat of an earlier one."""
    at = datetime.now(UTC) - timedelta(seconds=60 - number)
    headers = (("Content-Type", "text/html"),)
    answer = Exchange(f"{URL}/{number}", "GET", (), b"", 200, "OK", headers, world.body(number), at, "192.0.2.7")
    packed = to_warc_gz(answer)
    address = None if revisit_of else ledger.store.put(packed)
    with ledger.session() as session:
        crawl = session.scalars(select(Crawl)).first()
        if crawl is None:
            crawl = Crawl(platform="doctolib", kind="live", started_at=at, software="vigie 0.1.0")
            session.add(crawl)
            session.flush()
        row = Capture(
            crawl_id=crawl.id,
            url=answer.url,
            captured_at=at,
            status=200,
            outcome="page",
            content_type="text/html",
            body_sha256=answer.body_sha256,
            body_size=len(answer.body),
            warc_sha256=address,
            warc_size=0 if revisit_of else len(packed),
            revisit_of_id=revisit_of,
        )
        session.add(row)
        session.flush()
        events.record(session, "collected", "capture", row.id, "vigie", sha256=address)
        return row.id


def seal(ledger: Ledger, authority: world.Authority) -> None:
    """Seal and stamp, with the authority of these tests."""
    make_seals(ledger, "vigie 0.1.0")

    def ask(_: Authority, request: bytes) -> bytes:
        (authority.folder / "query").write_bytes(request)
        authority.run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (authority.folder / "reply").read_bytes()

    known = Authority("essai", "http://127.0.0.1/", authority.certificates.decode())
    stamp_due(ledger, [known], ask, wanted=1)
    write_files(ledger)


def fill(ledger: Ledger, authority: world.Authority) -> Ledger:
    """Four captures and a repeat under two seals, stamped."""
    for number in range(1, 4):
        capture(ledger, number)
    capture(ledger, 1, revisit_of=1)
    seal(ledger, authority)
    capture(ledger, 5)
    seal(ledger, authority)
    return ledger


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, authority: world.Authority) -> Path:
    """A filled home, made once."""
    home = tmp_path_factory.mktemp("template") / "home"
    fill(Ledger.open(home), authority).close()
    return home


@pytest.fixture
def filled(template: Path, tmp_path: Path) -> Iterator[Ledger]:
    """A copy of it."""
    shutil.copytree(template, tmp_path / "home")
    ledger = Ledger.open(tmp_path / "home")
    yield ledger
    ledger.close()


@pytest.fixture
def filled_anywhere(ledger: Ledger, authority: world.Authority) -> Ledger:
    """The same, on SQLite and on PostgreSQL."""
    return fill(ledger, authority)


def address(ledger: Ledger) -> str | None:
    url = ledger.engine.url
    return None if url.drivername.startswith("sqlite") else url.render_as_string(hide_password=False)


def verified(ledger: Ledger) -> dict[str, str]:
    return states(verify_path(ledger.home, database_url=address(ledger)))


def states(found: Verified) -> dict[str, str]:
    return {check.name: check.state for check in found.checks}


def order(*captures: int) -> Order:
    return Order("capture", captures[0], captures, "operator", "demande du cabinet d’avocat", "vigie 0.1.0")


def test_an_export_verifies_and_is_logged(filled_anywhere: Ledger, authority: world.Authority, tmp_path: Path) -> None:
    filled = filled_anywhere
    key = world.signer()
    stamp = Stamp("essai", None, authority.certificates)
    means = Means("Association", key, lambda data: [replace(stamp, token=authority.token(data))])
    bag = export_bag(filled, order(2, 4), tmp_path, means)
    assert bag.zip_path is not None
    for path in (bag.path, bag.zip_path):
        told = states(verify_path(path, fingerprint=bag.sha256, signer=key.sha256))
        del told["zip"]
        assert set(told.values()) == {"passed"}, told
    entries = json.loads((bag.path / "data/evidence.json").read_bytes())["captures"]
    assert [(entry["id"], entry["revisit_of"]) for entry in entries] == [(1, None), (2, None), (4, 1)]
    wacz = export_wacz(filled, order(2, 4), tmp_path)
    assert set(states(verify_path(wacz.path)).values()) == {"passed"}
    with filled.session() as session:
        left = list(session.scalars(select(Event).where(Event.kind == "exported").order_by(Event.id)))
        told_as = [(event.subject_id, event.actor, event.detail["reason"], event.detail["sha256"]) for event in left]
        reason = "demande du cabinet d’avocat"
        assert told_as == [(2, "operator", reason, bag.sha256), (2, "operator", reason, wacz.sha256)]


def test_lines_that_name_a_reviewer_stay_behind(filled: Ledger, authority: world.Authority, tmp_path: Path) -> None:
    with filled.session() as session:
        session.add(Reviewer(login="alix", display_name="Alix", password_hash="x", created_at=datetime.now(UTC)))
        events.record(session, "viewed", "capture", 2, "alix", reason="relecture")
    seal(filled, authority)
    with filled.session() as session:
        events.record(session, "viewed", "capture", 2, "operator", reason="après le scellé")
    bag = export_bag(filled, order(2), tmp_path, Means())
    assert b"alix" not in b"".join(path.read_bytes() for path in bag.path.rglob("*") if path.is_file())
    told = json.loads((bag.path / "data/evidence.json").read_bytes())["custody"]
    assert told["withheld"] == 2 and "nomment une personne" in told["reason"] and "scellé" in told["reason"]


def test_nothing_is_left_of_an_export_that_fails(
    filled: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EvidenceMissing):
        export_bag(filled, order(77), tmp_path / "out", Means())
    with pytest.raises(EvidenceMissing):
        captures_of_case(filled, 5)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("the ledger refuses")

    monkeypatch.setattr("ledger.bundle.export.record", refuse)
    with pytest.raises(RuntimeError):
        export_bag(filled, order(1), tmp_path, Means())
    with pytest.raises(RuntimeError):
        export_wacz(filled, order(1), tmp_path)
    assert [path for path in tmp_path.iterdir() if path != filled.home] == []


def test_an_export_without_seals_says_so(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    capture(sqlite_ledger, 1)
    bag = export_bag(sqlite_ledger, order(1), tmp_path, Means())
    told = states(verify_path(bag.path))
    assert "failed" not in told.values()
    assert {told[name] for name in ("chain", "inclusion", "dates", "signature", "stamps")} == {"not_applicable"}


def test_an_intact_home_verifies(filled_anywhere: Ledger) -> None:
    filled = filled_anywhere
    assert set(verified(filled).values()) == {"passed"}
    erase(filled, [2], reason="demande d’effacement", actor="operator")
    assert set(verified(filled).values()) == {"passed"}
    assert states(verify_path(filled.home / "seals" / "000001.json")) == {"chain": "passed", "seal_stamps": "passed"}
    assert states(verify_path(filled.home / "evidence")) == {"store": "passed"}


def flip(path: Path) -> None:
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def stored(ledger: Ledger) -> Path:
    return sorted((ledger.home / "evidence").rglob("*.warc.gz"))[0]


def sql(*statements: str) -> Callable[[Ledger], None]:
    """What somebody with the database's password can do."""

    def run(ledger: Ledger) -> None:
        with ledger.engine.begin() as connection:
            for table in (*EVIDENCE_TABLES, *INSERT_ONLY):
                if ledger.engine.dialect.name == "sqlite":
                    for action in ("update", "delete"):
                        connection.execute(text(f'DROP TRIGGER IF EXISTS "{table}_no_{action}"'))
                else:
                    connection.execute(text(f'ALTER TABLE "{table}" DISABLE TRIGGER USER'))
            for statement in statements:
                connection.exec_driver_sql(statement)

    return run


TABLES = ("stamp_task WHERE seal_number", "stamp WHERE seal_number", "seal_leaf WHERE seal_number", "seal WHERE number")
LAST_SEAL = tuple(f"DELETE FROM {where} = 2" for where in TABLES)
OTHER_TOKEN = "UPDATE stamp SET token = (SELECT token FROM stamp WHERE seal_number = 2)"
TAMPERED: dict[str, tuple[Callable[[Ledger], object], str]] = {
    "a byte of a capture": (lambda ledger: flip(stored(ledger)), "store"),
    "a capture removed without a word": (lambda ledger: stored(ledger).unlink(), "store"),
    "another address": (sql("UPDATE capture SET url = 'https://ailleurs.fr/' WHERE id = 2"), "leaves"),
    "another time": (sql("UPDATE capture SET captured_at = '2020-01-01 00:00:00.000000' WHERE id = 2"), "leaves"),
    "another outcome": (sql("UPDATE capture SET outcome = 'blocked' WHERE id = 3"), "leaves"),
    "a leaf taken away": (sql("DELETE FROM seal_leaf WHERE subject_id = 3"), "leaves"),
    "a seal rewritten": (sql("UPDATE seal SET content = replace(content, '\"run\":1', '\"run\":2')"), "seal_stamps"),
    "the last seal dropped": (sql(*LAST_SEAL), "log"),
    "an event rewritten": (sql("UPDATE event SET actor = 'personne' WHERE kind = 'collected'"), "log"),
    "the last events cut": (sql("DELETE FROM event_link WHERE sequence > 2", "DELETE FROM event WHERE id > 2"), "log"),
    "an event cut out": (sql("DELETE FROM event_link WHERE sequence = 2"), "log"),
    "a token replaced": (sql(OTHER_TOKEN), "seal_stamps"),
    "a seal's file changed": (lambda ledger: flip(ledger.home / "seals" / "000001.json"), "copies"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_home_that_was_tampered_with(filled: Ledger, what: str) -> None:
    tamper, name = TAMPERED[what]
    tamper(filled)
    assert verified(filled)[name] == "failed", verified(filled)


def test_verifying_changes_nothing(filled: Ledger) -> None:
    before = {path: path.read_bytes() for path in filled.home.rglob("*") if path.is_file()}
    verified(filled)
    after = {path: path.read_bytes() for path in filled.home.rglob("*") if path.is_file()}
    assert after == before


def test_a_home_on_a_disk_that_cannot_be_written_to(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    capture(sqlite_ledger, 1)
    make_seals(sqlite_ledger, "vigie 0.1.0")
    sqlite_ledger.close()
    copy = tmp_path / "copie"
    shutil.copytree(sqlite_ledger.home, copy)
    for path in (copy, copy / "ledger.sqlite"):
        path.chmod(0o555)
    assert "failed" not in states(verify_path(copy)).values()
    copy.chmod(0o755)
