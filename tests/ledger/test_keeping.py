"""Fixity, erasure and working copies: evidence is watched, goes only with a trace, and is never what people open."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stranger
from sqlalchemy import select
from test_custody import log_of

from ledger import EvidenceDamaged, EvidenceMissing, Ledger, LedgerUnavailable, erasure, events, fixity
from ledger.custody import check_chain
from ledger.erasure import ErasedReport, erase, finish_erasures, outdated
from ledger.fixity import check_fixity, examine, is_due, last_check
from ledger.models import Capture, Event
from ledger.sealing.check import check_seals
from ledger.sealing.files import write_files
from ledger.sealing.proofs import event_proofs, evidence_proofs
from ledger.sealing.seals import make_seals
from ledger.working import copy_out, forget_working_copies, working_copy

WHY = "demande d’effacement du 3 mars"


def keep(ledger: Ledger, rows_in: Callable[..., Any], *contents: bytes) -> list[str]:
    """One capture for each content, in one crawl; their addresses."""
    addresses = [ledger.store.put(content) for content in contents]
    with ledger.session() as session:
        rows = rows_in(session)
        for day, (address, content) in enumerate(zip(addresses, contents, strict=True)):
            kept = rows.add(
                Capture(
                    crawl_id=rows.crawl.id,
                    url="https://exemple.fr/",
                    captured_at=rows.crawl.started_at + timedelta(days=day),
                    outcome="page",
                    warc_sha256=address,
                    warc_size=len(content),
                )
            )
            events.record(session, "collected", "capture", kept.id, "vigie", sha256=address)
    return addresses


def told(ledger: Ledger, kind: str) -> list[Event]:
    with ledger.session() as session:
        return list(session.scalars(select(Event).where(Event.kind == kind).order_by(Event.id)))


def spoil(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_fixity_finds_what_changed_and_what_is_gone_and_says_so(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    contents = [b"x" * size for size in (1, 1000, 2 * 1024 * 1024, 1024 * 1024, 300_000)]
    addresses = keep(ledger, rows_in, *contents)
    report = check_fixity(ledger, "operator")
    assert (report.files, report.bytes, report.damages) == (5, sum(map(len, contents)), ())
    spoil(ledger.store.path(addresses[2]), b"x" * (2 * 1024 * 1024 - 1) + b"y")
    ledger.store.path(addresses[1]).unlink()
    report = check_fixity(ledger, "operator")
    assert [(one.number, one.missing) for one in report.damages] == [(2, True), (3, False)]
    first, second = told(ledger, "fixity_checked")
    assert (first.detail["damaged"], first.detail["missing"]) == (0, 0)
    assert (second.detail["damaged"], second.detail["missing"], second.actor) == (1, 1, "operator")
    failed = told(ledger, "fixity_failed")
    assert [(one.subject, one.subject_id, one.detail["sha256"]) for one in failed] == [
        ("capture", 2, addresses[1]),
        ("capture", 3, addresses[2]),
    ]
    assert check_chain(ledger).holds


def test_a_file_that_cannot_be_read_is_a_damage(sqlite_ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    (address,) = keep(sqlite_ledger, rows_in, b"x")
    path = sqlite_ledger.store.path(address)
    path.unlink()
    path.mkdir()
    (damage,) = examine(sqlite_ledger).damages
    assert (damage.missing, damage.number) == (False, 1)
    assert "cannot be read" in damage.reason


def test_a_check_of_many_files_counts_each(
    sqlite_ledger: Ledger, rows_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixity, "PORTION", 3)
    count = 40
    keep(sqlite_ledger, rows_in, *(str(number).encode() for number in range(count)))
    assert examine(sqlite_ledger).files == count


def test_a_check_is_due_after_its_days(ledger: Ledger) -> None:
    assert last_check(ledger) is None
    assert is_due(ledger, timedelta(days=7))
    check_fixity(ledger)
    assert not is_due(ledger, timedelta(days=7))
    assert is_due(ledger, timedelta(0))


def test_erasure_leaves_hash_reason_and_chains_that_verify(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    first, second = keep(ledger, rows_in, b"a page", b"another page")
    make_seals(ledger, "vigie test")
    report = erase(ledger, [1], reason=WHY, actor="alix")
    assert (report.erased, report.files, report.bytes) == (1, 1, 6)
    with pytest.raises(EvidenceMissing):
        ledger.store.read(first)
    assert ledger.store.read(second) == b"another page"
    (event,) = told(ledger, "erased")
    assert (event.subject_id, event.actor) == (1, "alix")
    assert event.detail == {"sha256": first, "size": 6, "reason": WHY}
    make_seals(ledger, "vigie test")
    write_files(ledger)
    seals = stranger.seals_in(ledger.home / "seals")
    assert stranger.faults_of(ledger.home / "seals", log_of(ledger)) == []
    with ledger.session() as session:
        proof = evidence_proofs(session, [1])[1]
        assert stranger.proof_holds(proof, seals)
        assert stranger.proof_holds(event_proofs(session, [event.id])[event.id], seals)
    assert proof["leaf"]["warc_sha256"] == first == hashlib.sha256(b"a page").hexdigest()
    assert check_seals(ledger).faults == ()
    assert check_chain(ledger).holds
    assert examine(ledger).damages == ()


def test_erasing_twice_is_one_erasure_and_a_mistake_erases_nothing(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    first, second = keep(ledger, rows_in, b"a page", b"another page")
    with pytest.raises(EvidenceMissing, match="capture 99 "):
        erase(ledger, [2, 99], reason=WHY, actor="alix")
    with pytest.raises(ValueError, match="reason"):
        erase(ledger, [2], reason="  ", actor="alix")
    assert ledger.store.read(second)
    assert [erase(ledger, [1], reason=WHY, actor="alix").erased for _ in range(2)] == [1, 0]
    assert len(told(ledger, "erased")) == 1
    assert ledger.store.put(b"a page") == first  # seen again later: a new capture may keep it


def test_bytes_that_another_capture_needs_stay(ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    (address, _) = keep(ledger, rows_in, b"same", b"same")
    assert erase(ledger, [1], reason=WHY, actor="alix").files == 0
    assert ledger.store.read(address) == b"same"
    assert examine(ledger).files == 1
    assert erase(ledger, [2], reason=WHY, actor="alix").files == 1


def test_an_erasure_cut_short_is_finished(
    sqlite_ledger: Ledger, rows_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (address,) = keep(sqlite_ledger, rows_in, b"a page")

    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", fail)
        with pytest.raises(LedgerUnavailable, match="not erased"):
            erase(sqlite_ledger, [1], reason=WHY, actor="alix")
    assert sqlite_ledger.store.path(address).exists()
    assert finish_erasures(sqlite_ledger) == ErasedReport(0, 1, 6)
    assert finish_erasures(sqlite_ledger) == ErasedReport(0, 0, 0)
    assert len(told(sqlite_ledger, "erased")) == 1


def test_only_what_no_case_needs_is_out_of_time(sqlite_ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    keep(sqlite_ledger, rows_in, b"one", b"two", b"three")
    with sqlite_ledger.session() as session:
        rows = rows_in(session)
        listing = rows.listing()
        rows.case(listing, rows.passage(listing, session.get_one(Capture, 2), "Pas de CMU"))
    assert outdated(sqlite_ledger, datetime(2026, 3, 2, 12, tzinfo=UTC)) == [1]
    assert outdated(sqlite_ledger, datetime(2027, 1, 1, tzinfo=UTC)) == [1, 3]
    assert outdated(sqlite_ledger, datetime(2020, 1, 1, tzinfo=UTC)) == []
    with sqlite_ledger.session() as session:
        repeat = session.get_one(Capture, 1)
        session.add(
            Capture(
                crawl_id=repeat.crawl_id,
                url=repeat.url,
                captured_at=datetime(2026, 6, 1, tzinfo=UTC),
                outcome="page",
                revisit_of_id=1,
            )
        )
    assert outdated(sqlite_ledger, datetime(2026, 3, 2, 12, tzinfo=UTC)) == []


def test_many_erasures_at_once(
    sqlite_ledger: Ledger, rows_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "PORTION", 7)
    keep(sqlite_ledger, rows_in, *(str(number).encode() for number in range(30)))
    report = erase(sqlite_ledger, range(1, 31), reason=WHY, actor="alix")
    assert (report.erased, report.files) == (30, 30)
    assert check_chain(sqlite_ledger).holds


def test_a_working_copy_is_apart_from_the_evidence(sqlite_ledger: Ledger, rows_in: Callable[..., Any]) -> None:
    (address,) = keep(sqlite_ledger, rows_in, b"a page")
    evidence = sqlite_ledger.store.path(address)
    copy = working_copy(sqlite_ledger, address)
    assert copy.read_bytes() == b"a page"
    assert copy.stat().st_ino != evidence.stat().st_ino
    assert evidence.stat().st_mode & 0o777 == 0o444
    copy.write_bytes(b"scribbled")
    assert examine(sqlite_ledger).damages == ()
    assert sqlite_ledger.store.read(address) == b"a page"
    assert working_copy(sqlite_ledger, address).read_bytes() == b"a page"
    forget_working_copies(sqlite_ledger)
    assert not copy.exists()
    spoil(evidence, b"forged")
    with pytest.raises(EvidenceDamaged):
        working_copy(sqlite_ledger, address)


def test_a_copy_leaves_with_a_name_and_a_reason(
    sqlite_ledger: Ledger, rows_in: Callable[..., Any], tmp_path: Path
) -> None:
    (address,) = keep(sqlite_ledger, rows_in, b"a page")
    with pytest.raises(ValueError, match="reason"):
        copy_out(sqlite_ledger, 1, tmp_path / "out", reason=" ", actor="alix")
    assert not (tmp_path / "out").exists()
    path = copy_out(sqlite_ledger, 1, tmp_path / "out", reason="lecture par l’avocat", actor="alix")
    assert path.read_bytes() == b"a page"
    (event,) = told(sqlite_ledger, "exported")
    assert (event.actor, event.detail) == ("alix", {"reason": "lecture par l’avocat", "sha256": address})
    with pytest.raises(EvidenceMissing, match="capture 9 "):
        copy_out(sqlite_ledger, 9, tmp_path, reason="x", actor="alix")
    line = json.loads(log_of(sqlite_ledger).splitlines()[-1])
    assert line["detail"]["reason"] == "lecture par l’avocat"
