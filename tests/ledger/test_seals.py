"""What was captured and logged stands under chained seals that a stranger can check, and that show any change."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import stranger
from sqlalchemy import select, text
from test_custody import log_of, unguarded

from ledger import Ledger, LedgerUnavailable, StoreFull, events
from ledger.canonical import canonical_bytes
from ledger.errors import ChainBroken, Unsealed
from ledger.evidence_tables import SealLeaf
from ledger.models import Capture, Crawl, Event
from ledger.sealing import files
from ledger.sealing.check import check_seals
from ledger.sealing.files import write_files
from ledger.sealing.proofs import event_proofs, evidence_proofs
from ledger.sealing.seals import make_seals

MADE = "vigie test"


def capture_some(ledger: Ledger, rows_in: Callable[..., Any], count: int, url: str = "https://exemple.fr/page") -> int:
    """A crawl with so many captures; its number."""
    with ledger.session() as session:
        rows = rows_in(session)
        for number in range(count):
            kept = rows.add(
                Capture(
                    crawl_id=rows.crawl.id,
                    url=f"{url}/{number}",
                    captured_at=rows.crawl.started_at,
                    outcome="page",
                    status=200,
                    body_sha256=f"{number:064x}",
                    body_size=5120,
                    warc_sha256=f"{number + 1:064x}",
                    warc_size=2310,
                )
            )
            events.record(session, "collected", "capture", kept.id, "vigie", sha256=kept.warc_sha256)
        crawl: int = rows.crawl.id
        return crawl


def sealed_folder(ledger: Ledger) -> Path:
    write_files(ledger)
    return ledger.home / "seals"


def test_a_stranger_checks_seals_and_proofs(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    for count in (5, 1, 8):
        crawl = capture_some(ledger, rows_in, count)
        (made,) = make_seals(ledger, MADE, crawl_id=crawl)
        assert (made.crawl_id, made.count) == (crawl, count)
    make_seals(ledger, MADE)
    folder = sealed_folder(ledger)
    seals = stranger.seals_in(folder)
    assert stranger.faults_of(folder, log_of(ledger)) == []
    assert [json.loads(seal)["count"] for seal in seals.values()] == [5, 1, 8]
    with ledger.session() as session:
        proofs = evidence_proofs(session, session.scalars(select(Capture.id)))
        logged = event_proofs(session, session.scalars(select(Event.id).where(Event.kind == "collected")))
    assert len(proofs) == len(logged) == 14
    for proof in (*proofs.values(), *logged.values()):
        assert stranger.proof_holds(proof, seals)
    assert check_seals(ledger).faults == ()


def test_nothing_new_makes_no_seal(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    assert make_seals(ledger, MADE) == []
    capture_some(ledger, rows_in, 2)
    assert len(make_seals(ledger, MADE)) == 1
    assert make_seals(ledger, MADE) == []
    with ledger.session() as session:
        events.record(session, "viewed", "capture", 1, "alix", reason="lecture du cas")
    (log_only,) = make_seals(ledger, MADE)
    assert (log_only.crawl_id, log_only.count) == (None, 0)
    assert log_only.events == 2  # the first seal's own event, and the viewing
    assert make_seals(ledger, MADE) == []
    assert stranger.faults_of(sealed_folder(ledger), log_of(ledger)) == []


def test_what_comes_late_is_sealed_later_and_once(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    crawl = capture_some(ledger, rows_in, 2)
    make_seals(ledger, MADE, crawl_id=crawl)
    with ledger.session() as session:
        late = Capture(
            crawl_id=crawl,
            url="https://exemple.fr/late",
            captured_at=session.get_one(Crawl, crawl).started_at,
            outcome="no_answer",
        )
        session.add(late)
    other = capture_some(ledger, rows_in, 1)
    made = make_seals(ledger, MADE)
    assert [(seal.crawl_id, seal.count) for seal in made] == [(crawl, 1), (other, 1)]
    with ledger.session() as session:
        leaves = session.execute(select(SealLeaf.kind, SealLeaf.subject_id)).all()
        proof = evidence_proofs(session, [late.id])[late.id]
    assert len(leaves) == len(set(leaves)) == 4
    assert (proof["leaf"]["status"], proof["leaf"]["warc_sha256"]) == (None, None)
    assert stranger.proof_holds(proof, stranger.seals_in(sealed_folder(ledger)))


def test_those_who_seal_at_once_make_one_chain(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    crawls = [capture_some(ledger, rows_in, 3) for _ in range(6)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda crawl: make_seals(ledger, MADE, crawl_id=crawl), crawls * 2))
        list(pool.map(lambda _: make_seals(ledger, MADE), range(4)))
    assert stranger.faults_of(sealed_folder(ledger), log_of(ledger)) == []
    assert len(stranger.seals_in(ledger.home / "seals")) == 6
    assert check_seals(ledger).faults == ()


def test_a_proof_is_small_and_reveals_no_other_page(sqlite_ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    """A sibling is the hash of a leaf with a salt nobody else has: knowing the page beside does not let one find it."""
    crawl = capture_some(sqlite_ledger, rows_in, 2, "https://exemple.fr/" + "a" * 200)
    make_seals(sqlite_ledger, MADE, crawl_id=crawl)
    with sqlite_ledger.session() as session:
        proofs = evidence_proofs(session, [1, 2])
        salts = set(session.scalars(select(SealLeaf.salt)))
    neighbour = dict(proofs[2]["leaf"])
    shown = canonical_bytes(proofs[1])
    assert neighbour["url"].encode() not in shown
    assert neighbour["salt"].encode() not in shown
    assert len(salts) == 2
    unsalted = {name: value for name, value in neighbour.items() if name != "salt"}
    for guess in (unsalted, {**unsalted, "salt": ""}, {**unsalted, "salt": proofs[1]["leaf"]["salt"]}):
        assert stranger.root_of([stranger.canonical(guess)]).hex() != proofs[1]["path"]
    assert stranger.root_of([stranger.canonical(neighbour)]).hex() == proofs[1]["path"]
    deep = {**proofs[1], "path": "ab" * 32 * 17, "count": 131_072, "index": 131_071, "seal": 123_456}
    deep["leaf"] = {**deep["leaf"], "id": 12_345_678, "run": 123_456, "revisit_of": None, "body_size": 10**7}
    assert len(canonical_bytes(deep)) <= 2000


def test_a_long_address_stands_by_its_hash(sqlite_ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    crawl = capture_some(sqlite_ledger, rows_in, 1, "https://exemple.fr/" + "é" * 300)
    make_seals(sqlite_ledger, MADE, crawl_id=crawl)
    with sqlite_ledger.session() as session:
        url = session.scalars(select(Capture.url)).one()
        (proof,) = evidence_proofs(session, [1]).values()
    assert proof["leaf"]["url_sha256"] == stranger.sha(url.encode())
    assert "url" not in proof["leaf"]
    assert len(canonical_bytes(proof)) < 1000


def test_what_is_not_sealed_has_no_proof(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    capture_some(ledger, rows_in, 1)
    with ledger.session() as session:
        with pytest.raises(Unsealed, match="capture 1 "):
            evidence_proofs(session, [1])
        with pytest.raises(Unsealed, match="event 1 "):
            event_proofs(session, [1])


CHANGES = {
    "another address": "UPDATE capture SET url = 'https://exemple.fr/autre' WHERE id = 2",
    "backdated": "UPDATE capture SET captured_at = '2020-01-01 00:00:00.000000+00:00' WHERE id = 2",
    "another body": f"UPDATE capture SET body_sha256 = '{'f' * 64}' WHERE id = 2",
    "another file": f"UPDATE capture SET warc_sha256 = '{'f' * 64}' WHERE id = 2",
    "leaf": f"UPDATE seal_leaf SET hash = '{'f' * 64}' WHERE position = 1",
    "leaf removed": "DELETE FROM seal_leaf WHERE position = 2",
    "seal": "UPDATE seal SET content = replace(content, '\"run\":1', '\"run\":7') WHERE number = 1",
    "seal with its hash": (
        "UPDATE seal SET content = replace(content, 'vigie test', 'vigie tesT'), sha256 = '{}' WHERE number = 1"
    ),
    "log": "UPDATE event SET actor = 'x' WHERE id = 2",
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_goes_unseen(ledger: Ledger, rows_in: Callable[..., Any], change: str) -> None:
    make_seals(ledger, MADE, crawl_id=capture_some(ledger, rows_in, 3))
    make_seals(ledger, MADE, crawl_id=capture_some(ledger, rows_in, 2))
    assert check_seals(ledger).faults == ()
    with ledger.session() as session:
        content = session.scalar(text("SELECT content FROM seal WHERE number = 1"))
    forged = stranger.sha(str(content).replace("vigie test", "vigie tesT").encode())
    unguarded(ledger, CHANGES[change].format(forged))
    report = check_seals(ledger)
    assert report.faults
    with ledger.session() as session:
        if change in ("another address", "backdated", "another body", "another file", "leaf"):
            with pytest.raises(ChainBroken, match="capture 2"):
                evidence_proofs(session, [2])


def test_the_cut_tail_of_the_log_is_found_by_the_newest_seal(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    capture_some(ledger, rows_in, 4)
    make_seals(ledger, MADE)
    with ledger.session() as session:
        last = session.scalar(text("SELECT max(sequence) FROM event_link"))
    cut = f"WHERE sequence > {last} - 3"
    unguarded(
        ledger,
        f"CREATE TABLE gone AS SELECT event_id FROM event_link {cut}",
        f"DELETE FROM event_link {cut}",
        "DELETE FROM event WHERE id IN (SELECT event_id FROM gone)",
    )
    assert any("head" in fault or "log" in fault for fault in check_seals(ledger).faults)


def test_files_are_copies_and_one_that_differs_is_told(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    make_seals(ledger, MADE, crawl_id=capture_some(ledger, rows_in, 2))
    assert write_files(ledger).written == 1
    assert write_files(ledger) == files.FilesReport(0, ())
    path = ledger.home / "seals" / "000001.json"
    whole = path.read_bytes()
    path.unlink()
    (ledger.home / "seals" / "000002.json.part").write_bytes(b"half")
    assert write_files(ledger).written == 1
    assert path.read_bytes() == whole
    assert [one.name for one in (ledger.home / "seals").iterdir()] == ["000001.json"]
    path.chmod(0o644)
    path.write_bytes(whole.replace(b"1", b"2", 1))
    assert write_files(ledger) == files.FilesReport(0, ("000001.json",))


@pytest.mark.parametrize(("number", "kind"), [(28, StoreFull), (30, LedgerUnavailable)])
def test_a_disk_that_takes_no_file_leaves_the_seal_in_the_ledger(
    sqlite_ledger: Ledger, rows_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, number: int, kind: type
) -> None:
    make_seals(sqlite_ledger, MADE, crawl_id=capture_some(sqlite_ledger, rows_in, 2))

    def fail(*_: object) -> None:
        raise OSError(number, "no")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", fail)
        with pytest.raises(kind, match="seals stand in the ledger"):
            write_files(sqlite_ledger)
    assert list((sqlite_ledger.home / "seals").iterdir()) == []
    assert write_files(sqlite_ledger).written == 1


def test_a_full_disk_undoes_the_whole_seal(sqlite_ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    crawl = capture_some(sqlite_ledger, rows_in, 400)
    with sqlite_ledger.engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(StoreFull, match="full"):
        make_seals(sqlite_ledger, MADE, crawl_id=crawl)
    assert check_seals(sqlite_ledger).seals == 0
    with sqlite_ledger.engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 100000"))
    assert len(make_seals(sqlite_ledger, MADE)) == 1
    assert check_seals(sqlite_ledger).faults == ()
