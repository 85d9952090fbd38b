"""What evidence costs, each figure beside what the disk and SHA-256 themselves allow in the same run.

`python -m benchmarks.evidence [small]`: `small` takes a tenth of everything, and thirty crashes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from sqlalchemy import insert

from benchmarks.crashes import kill_many
from benchmarks.export_crashes import kill_exports
from crawler import recording
from crawler.outcomes import Outcome
from crawler.recording import open_crawl, record_capture
from ledger import Ledger
from ledger.canonical import canonical_bytes, sha256_hex
from ledger.chaining import event_line
from ledger.custody import check_chain
from ledger.fixity import examine
from ledger.models import Capture
from ledger.sealing.merkle import leaf_hash, paths
from ledger.sealing.proofs import evidence_proofs
from ledger.sealing.seals import make_seals
from ledger.sealing.tokens import Authority
from ledger.warc import Exchange, to_warc_gz
from monitor.local_authority import LocalAuthority

PAGE = 30_000  # bytes of a usual listing, before WARC
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of `values` lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def page(number: int, text: str = "") -> Exchange:
    """An invented page that packs about as well as a real one."""
    body = (text or secrets.token_hex(PAGE // 8) + "<p>Consultations sur rendez-vous.</p>" * (PAGE // 50)).encode()
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    moment = START + timedelta(seconds=number)
    return Exchange(f"https://exemple.fr/praticien/{number}", "GET", (), b"", 200, "", headers, body, moment)


@contextmanager
def fresh() -> Iterator[Ledger]:
    """An empty ledger on the disk that the temporary folder stands on."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Path(folder) / "home")
        yield ledger
        ledger.close()


def _begin(ledger: Ledger) -> int:
    with ledger.session() as session:
        return open_crawl(session, "practice_site", "live", "vigie bench").id


def _keep(ledger: Ledger, crawl: int, one: Exchange) -> float:
    """Seconds for one durable capture."""
    began = time.perf_counter()
    with ledger.session() as session:
        record_capture(session, ledger.store, crawl, one, Outcome.PAGE, "")
    return time.perf_counter() - began


def _plain(folder: Path, number: int, data: bytes) -> float:
    """Seconds for the same bytes in a file of their own, written and synced."""
    began = time.perf_counter()
    handle = os.open(folder / str(number), os.O_WRONLY | os.O_CREAT)
    os.write(handle, data)
    os.fsync(handle)
    os.close(handle)
    return time.perf_counter() - began


def capturing(count: int) -> None:
    """Durable captures with and without custody, in turn, beside a plain write and fsync of the same bytes."""
    taken: dict[str, list[float]] = {"kept": [], "bare": [], "fsync": []}
    with fresh() as ledger, fresh() as bare, tempfile.TemporaryDirectory() as folder:
        crawls = _begin(ledger), _begin(bare)
        work = time.process_time()
        for number in range(count):
            one = page(number)
            taken["kept"].append(_keep(ledger, crawls[0], one))
            with mock.patch.object(recording, "record", lambda *_, **__: None):
                taken["bare"].append(_keep(bare, crawls[1], one))
            taken["fsync"].append(_plain(Path(folder), number, to_warc_gz(one)))
        work = time.process_time() - work
        began = time.perf_counter()
        make_seals(ledger, "vigie bench", crawl_id=crawls[0])
        sealing = time.perf_counter() - began
    added = [kept - bare + sealing / count for kept, bare in zip(taken["kept"], taken["bare"], strict=True)]
    print(f"sealing and custody add to a capture: median {statistics.median(added) * 1e3:.2f} ms, "
          f"95th percentile {percentile(added, 0.95) * 1e3:.2f} ms (level: 20)")  # fmt: skip
    rates = {name: count / sum(values) for name, values in taken.items()}
    medians = {name: 1 / statistics.median(values) for name, values in taken.items()}
    print(f"durable captures a second: {rates['kept']:.0f} ({medians['kept']:.0f} by the median; level: 200); "
          f"without custody {rates['bare']:.0f}; one fsync of the same bytes {rates['fsync']:.0f}; "
          f"processor time for all three {work / count * 1e3:.1f} ms a capture")  # fmt: skip


def revisits(count: int) -> None:
    """What an unchanged page costs on disk: its row, its event, its place in the chain, its leaf, with all indexes."""
    with fresh() as ledger:
        crawl = _begin(ledger)
        one = page(0)
        _keep(ledger, crawl, one)
        before = _database_bytes(ledger)
        for number in range(count):
            _keep(ledger, crawl, replace(one, captured_at=START + timedelta(days=number + 1)))
        make_seals(ledger, "vigie bench", crawl_id=crawl)
        files = sum(1 for _ in ledger.store.root.rglob("*.warc.gz"))
        each = (_database_bytes(ledger) - before) / count
    print(f"an unchanged page costs {each:.0f} bytes, sealed (level: 1000); files for {count + 1} visits: {files}")


def _database_bytes(ledger: Ledger) -> int:
    with ledger.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar()
    return int(pages or 0) * int(size or 0)


def _row(crawl: int, number: int) -> dict[str, object]:
    """A row of `capture` for an insert of many at once."""
    texts = dict.fromkeys(("reason", "ip_address"), "")
    hashes = {"body_sha256": f"{number:064x}", "warc_sha256": f"{number:064x}", "body_size": 5120, "warc_size": 2310}
    url = f"https://exemple.fr/praticien/{number}"
    known = {"crawl_id": crawl, "url": url, "method": "GET", "captured_at": START, "status": 200, "outcome": "page"}
    return {**texts, **hashes, **known, "content_type": "text/html", "provenance": "live"}


def fixity(count: int) -> None:
    """All stored bytes hashed again from files, beside SHA-256 of the same bytes in memory, on as many threads."""
    with fresh() as ledger:
        crawl = _begin(ledger)
        blocks = []
        rows = []
        for _ in range(count):
            data = secrets.token_bytes(PAGE * 2)
            address = hashlib.sha256(data).hexdigest()
            path = ledger.store.path(address)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            rows.append({**_row(crawl, 0), "warc_sha256": address, "warc_size": len(data)})
            blocks.append(data)
        with ledger.session() as session:
            session.execute(insert(Capture), rows)
        reports = [examine(ledger) for _ in range(3)]
        if any(report.damages or report.files != count for report in reports):
            raise SystemExit("fixity found damage in files just written")
        best = max(report.rate for report in reports)
        hashing = max(_hash_rate(blocks) for _ in range(3))
    print(f"fixity: {best:.0f} MB/s over {count} files of {PAGE * 2} bytes (level: 500); "
          f"SHA-256 alone in memory, {os.cpu_count()} threads: {hashing:.0f} MB/s")  # fmt: skip


def _hash_rate(blocks: list[bytes]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        list(pool.map(lambda part: [hashlib.sha256(one).digest() for one in part], _shares(blocks)))
    return sum(map(len, blocks)) / 1e6 / (time.perf_counter() - began)


def _shares(blocks: list[bytes]) -> list[list[bytes]]:
    return [blocks[start : start + 256] for start in range(0, len(blocks), 256)]


def chain(count: int) -> None:
    """Walk a log of so many events, beside SHA-256 alone over the same lines."""
    with fresh() as ledger:
        lines = fill_log(ledger.home / "ledger.sqlite", count)
        taken, busy = [], []
        for _ in range(2):
            began, work = time.perf_counter(), time.process_time()
            report = check_chain(ledger)
            taken.append(time.perf_counter() - began)
            busy.append(time.process_time() - work)
            if not report.holds or report.events != count:
                raise SystemExit(f"the chain does not hold: {report.faults}")
    began, work = time.perf_counter(), time.process_time()
    for line in lines:
        hashlib.sha256(line).hexdigest()
    alone, busy_alone = time.perf_counter() - began, time.process_time() - work
    print(f"custody chain of {count} events walked in {min(taken):.2f} s, "
          f"{min(busy):.2f} s of processor time (level: 5 for a million); "
          f"SHA-256 alone over the same lines: {alone:.2f} s, {busy_alone:.2f} s of it")  # fmt: skip


def fill_log(path: Path, count: int) -> list[bytes]:
    """So many chained events, written by SQLite's own driver; their lines."""
    previous, lines, events, links = None, [], [], []
    stored = START.strftime("%Y-%m-%d %H:%M:%S.%f")
    for number in range(1, count + 1):
        detail = {"sha256": hashlib.sha256(b"%d" % number).hexdigest()}
        salt = f"{number:032x}"
        line = event_line(sequence=number, previous=previous, salt=salt, number=number, at=START, kind="collected",
                          actor="vigie", subject="capture", subject_id=number, detail=detail)  # fmt: skip
        previous = sha256_hex(line)
        text = f'{{"sha256":"{detail["sha256"]}"}}'
        lines.append(line)
        events.append((number, stored, "collected", "vigie", "capture", number, text))
        links.append((number, number, salt, previous))
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", events)
        connection.executemany("INSERT INTO event_link VALUES (?, ?, ?, ?)", links)
    connection.close()
    return lines


def proofs(count: int) -> None:
    """Time to seal a run of so many captures, and the size of one proof; the depth of a million beside it."""
    with fresh() as ledger:
        crawl = _begin(ledger)
        rows = [_row(crawl, number) for number in range(count)]
        with ledger.session() as session:
            session.execute(insert(Capture), rows)
        began = time.perf_counter()
        make_seals(ledger, "vigie bench", crawl_id=crawl)
        sealing = time.perf_counter() - began
        began = time.perf_counter()
        with ledger.session() as session:
            (proof,) = evidence_proofs(session, [count // 2]).values()
        proving = time.perf_counter() - began
    depth = 2 * len(paths([leaf_hash(b"%d" % n) for n in range(1024)], [512])[0])  # 2²⁰ leaves
    size = len(canonical_bytes(proof))
    deep = size + 64 * (depth - len(proof["path"]) // 64)
    print(f"a run of {count} captures is sealed in {sealing:.1f} s; one proof takes {proving:.2f} s and {size} bytes; "
          f"in a run of a million {deep} (level: 2000)")  # fmt: skip


def export_crashes(points: int) -> None:
    """SIGKILL at so many points of `vigie export --case`."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        report = kill_exports(Path(folder), points)
    for fault in report.faults:
        print(f"  {fault}")
    print(f"killed at {report.kills} points of an export ({report.landed} before the end): "
          f"{len(report.faults)} faults; next export {statistics.median(report.recoveries):.2f} s by the median, "
          f"{max(report.recoveries):.2f} s at worst (level: 2)")  # fmt: skip


def crashes(points: int) -> None:
    """SIGKILL at so many points. Homes stand in memory where there is some: what a kill leaves is the same."""
    if shutil.which("openssl") is None:
        print("crashes: openssl is not here, nothing was stamped, nothing was measured")
        return
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        template = Path(folder) / "template"
        Ledger.open(template).close()
        local = LocalAuthority(Path(folder) / "authority")
        authority = Authority("aa", "http://127.0.0.1:9/", local.certificates)
        empty = (template / "ledger.sqlite").read_bytes()
        report = kill_many(Path(folder) / "homes", empty, points, authority, local.answer)
    for fault in report.faults:
        print(f"  {fault}")
    print(f"killed at {report.kills} points of capture, seal and stamp ({report.landed} before the end): "
          f"{len(report.faults)} faults; recovery {statistics.median(report.recoveries):.2f} s by the median, "
          f"{max(report.recoveries):.2f} s at worst (level: 2)")  # fmt: skip


_ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from benchmarks.evidence import fill_the_disk
print(fill_the_disk(Path(sys.argv[1])))
"""


def fill_the_disk(home: Path) -> str:
    """Capture until the disk says no; what was said, and whether everything acknowledged is whole."""
    ledger = Ledger.open(home)
    crawl, kept, said = _begin(ledger), 0, ""
    try:
        while kept < 10_000:
            _keep(ledger, crawl, page(kept))
            kept += 1
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we want to see
        said = f"{type(error).__name__}: {str(error)[-60:]}"
    report = examine(ledger)
    whole = not report.damages and report.files == kept
    return f"{kept} kept, {'all whole' if whole else 'NOT WHOLE'}, chain {check_chain(ledger).holds}; {said}"


def small_disks() -> None:
    """A real full disk and a real read-only one, where this machine may mount them."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        print("full and read-only disk: this machine lets nobody mount one; the tests simulate them")
        return
    with tempfile.TemporaryDirectory() as folder:
        inside = (
            f'mount -t tmpfs -o size=4m none {folder} && "$PYTHON" -c "$FILL" {folder}/home '
            f'&& mount -o remount,ro {folder} && "$PYTHON" -c "$SEAL" seal --home {folder}/home; echo "status $?"'
        )
        words = {"PYTHON": sys.executable, "FILL": _ON_A_SMALL_DISK, "SEAL": "from monitor.cli import main; main()"}
        environment = {**os.environ, **words}
        command = ["unshare", "-m", "sh", "-c", inside]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print("full disk, then read-only:", "; ".join((done.stdout + done.stderr[-300:]).strip().splitlines()))


def main(share: float = 1.0, points: int = 1000) -> None:
    """Every figure."""
    steps: list[Callable[[], None]] = [
        lambda: capturing(int(1000 * share)),
        lambda: revisits(int(3000 * share)),
        lambda: fixity(int(6000 * share)),
        lambda: chain(int(1_000_000 * share)),
        lambda: proofs(int(100_000 * share)),
        small_disks,
        lambda: crashes(points),
        lambda: export_crashes(points),
    ]
    for step in steps:
        step()
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:] == ["small"]:
        main(0.1, 30)
    else:
        main()
