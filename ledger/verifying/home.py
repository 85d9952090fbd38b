"""Verify a home: stored captures against rows, rows against seals, seals against tokens, the custody log as a chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ledger.verifying.calendars import check_calendars
from ledger.verifying.database import Row, Rows, moment, value_of
from ledger.verifying.verify import NOT_APPLICABLE as NONE
from ledger.verifying.verify import Bundle, Check, canonical, check_warc, need, sha256

MOST = 5  # faults told one by one
Advance = Callable[[int, int | None], None]


class Tree:
    """A Merkle root (RFC 6962) over leaves that come one at a time."""

    def __init__(self) -> None:
        """No leaf yet."""
        self.count = 0
        self._peaks: list[tuple[int, bytes]] = []  # (size, root) of the full subtrees, largest first

    def add(self, leaf: bytes) -> str:
        """Append the leaf; its hash."""
        node = hashlib.sha256(b"\0" + leaf).digest()
        self.add_hash(node)
        return node.hex()

    def add_hash(self, node: bytes) -> None:
        """Append a leaf by its hash."""
        self.count += 1
        size = 1
        while self._peaks and self._peaks[-1][0] == size:
            node = hashlib.sha256(b"\1" + self._peaks.pop()[1] + node).digest()
            size *= 2
        self._peaks.append((size, node))

    def root(self) -> str:
        """The root over all leaves so far."""
        if not self._peaks:
            return sha256(b"")
        node = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            node = hashlib.sha256(b"\1" + peak + node).digest()
        return node.hex()


class Home(Bundle):
    """The checks of one home, in the manner of `Bundle`. The seals' rows stand in for a bundle's files."""

    def __init__(self, home: Path, rows: Rows, advance: Advance | None = None, **anchors: str) -> None:
        """Read the seals and the tokens."""
        super().__init__(str(home), **anchors)
        self.home, self.rows, self.advance = home, rows, advance
        numbers = []
        for row in rows.query("SELECT number, content FROM seal ORDER BY number"):
            numbers.append(row["number"])
            self.files[f"data/seals/{row['number']:06d}.json"] = row["content"].encode()
        for row in rows.query("SELECT seal_number, authority, token, certificates FROM stamp"):
            stem = f"data/seals/{row['seal_number']:06d}.{row['authority']}"
            self.files[f"{stem}.tsr"], self.files[f"{stem}.pem"] = bytes(row["token"]), row["certificates"].encode()
        for row in rows.query(PROOFS) if rows.has("calendar_proof") else ():
            suffix = ".ots" if row["state"] == "complete" else ".pending.ots"
            self.files[f"data/seals/{row['seal_number']:06d}.{row['calendar']}{suffix}"] = bytes(row["proof"])
        tokens, proofs = ([name[11:] for name in self.under("data/seals/", suffix)] for suffix in (".tsr", ".ots"))
        announced = {"captures": [], "seals": numbers, "tokens": tokens, "calendars": proofs, "custody": {"lines": 0}}
        self.files["data/evidence.json"] = canonical({"format": "vigie-evidence/1", **announced})

    def store(self) -> str:
        """Captures conservées"""
        erased = {(row["kind"], row["subject_id"]) for row in self.rows.query("SELECT kind, subject_id FROM erasure")}
        faults: list[str] = []
        count = gone = 0
        for row in self._stored():
            if (row["kind"], row["id"]) in erased:
                gone += 1
                continue
            count += 1
            if self.advance is not None:
                self.advance(count, None)
            fault = self._fault(row)
            faults += [f"{row['kind']} {row['id']} : {fault}"] if fault else []
        need(not faults, f"{len(faults)} fichiers : {' ; '.join(faults[:MOST])}")
        need(count, "aucune capture conservée", NONE)
        return f"{count} fichiers intacts, {gone} effacés et inscrits comme tels"

    def _stored(self) -> Iterator[Row]:
        """Each file that the ledger says is kept: kind, id, sha256, size."""
        for row in self.rows.query(CAPTURE_FILES):
            yield {"kind": "capture", "suffix": ".warc.gz", **row}
        if self.rows.has("clean_capture_file"):
            for row in self.rows.query(CLEAN_FILES):
                yield {"kind": "clean_capture", "suffix": ".bin", **row}

    def _fault(self, row: Row) -> str:
        """What is wrong with one stored file; nothing for an intact one."""
        name = row["sha256"]
        path = self.home / "evidence" / name[:2] / name[2:4] / (name + row["suffix"])
        if not path.is_file():
            return "le fichier manque"
        data = path.read_bytes()
        if (sha256(data), len(data)) != (name, row["size"]):
            return "le fichier a changé"
        if row["suffix"] == ".warc.gz":
            check_warc(data)
        return ""

    def leaves(self) -> str:
        """Captures sous scellé"""
        facts = dict(self._leaf_facts()) if self.seals else {}
        faults: list[str] = []
        trees = {number: Tree() for number in self.seals}
        sql = "SELECT seal_number, position, kind, subject_id, salt, hash FROM seal_leaf ORDER BY seal_number, position"
        for row in self.rows.query(sql):
            tree = trees.get(row["seal_number"])
            if tree is None or row["position"] != tree.count:
                faults.append(f"feuille {row['position']} du scellé n° {row['seal_number']}")
                continue
            tree.add_hash(bytes.fromhex(row["hash"]))
            said = facts.get((row["kind"], row["subject_id"]))
            leaf = canonical({**said, "salt": row["salt"]}) if said else b""
            if hashlib.sha256(b"\0" + leaf).hexdigest() != row["hash"]:
                faults.append(f"{row['kind']} {row['subject_id']}")
        for number, tree in trees.items():
            seal = self.seals[number]
            if (tree.root(), tree.count) != (seal["root"], seal["count"]):
                faults.append(f"racine du scellé n° {number}")
        need(not faults, f"{len(faults)} différences avec les scellés : {' ; '.join(faults[:MOST])}")
        need(self.seals, "aucun scellé", NONE)
        return f"{sum(tree.count for tree in trees.values())} feuilles sous {len(trees)} scellés"

    def _leaf_facts(self) -> Iterator[tuple[tuple[str, int], Row]]:
        """What the leaf of each row says, but for the salt (`docs/evidence-format.md`, section 3)."""
        for row in self.rows.query("SELECT * FROM capture"):
            held = {key: row[key] for key in SAME}
            held |= {"kind": "capture", "revisit_of": row["revisit_of_id"], "run": row["crawl_id"]}
            yield ("capture", row["id"]), held | _common(row)
        if self.rows.has("clean_capture"):
            for row in self.rows.query("SELECT id, url, captured_at, facts_sha256 FROM clean_capture"):
                held = {"id": row["id"], "kind": "clean_capture", "facts_sha256": row["facts_sha256"]}
                yield ("clean_capture", row["id"]), held | _common(row)

    def log(self) -> str:
        """Journal des événements"""
        ends = {seal["log"]["last"]: seal for seal in self.seals.values() if seal["log"]}
        last, previous, tree = 0, None, Tree()
        sealed = 0
        for row in self.rows.query(EVENTS):
            need(row["sequence"] == last + 1, f"il manque des événements avant le n° {row['sequence']}")
            need(row["kind"] is not None, f"l’événement n° {row['sequence']} a été retiré")
            line = canonical(_event(row, previous))
            last, previous = row["sequence"], sha256(line)
            need(previous == row["hash"], f"l’événement n° {last} a changé, ou le journal est rompu avant lui")
            tree.add(line)
            gone = row["kind"] == "sealed" and row["subject_id"] not in self.seals
            need(not gone, f"le scellé n° {row['subject_id']}, inscrit au journal, a été retiré")
            if last in ends:
                told = ends.pop(last)["log"]
                held = (previous, tree.count, tree.root())
                need((told["head"], told["count"], told["root"]) == held, f"le scellé de l’événement n° {last} diffère")
                sealed, tree = last, Tree()
        need(not ends, f"le journal s’arrête avant le n° {min(ends, default=0)}, qui est sous scellé")
        loose = [row["id"] for row in self.rows.query(LOOSE)]
        need(not loose, f"événements hors du journal : {loose[:MOST]}")
        need(last, "aucun événement", NONE)
        return f"{last} événements enchaînés, dont {sealed} sous scellé"

    def copies(self) -> str:
        """Fichiers des scellés"""
        folder = self.home / "seals"
        held = {f"data/seals/{path.name}": path for path in folder.iterdir()} if folder.is_dir() else {}
        wrong = [name[11:] for name, path in sorted(held.items()) if self.files.get(name) != path.read_bytes()]
        need(not wrong, f"diffèrent du registre : {', '.join(wrong[:MOST])}")
        need(held, "aucun fichier", NONE)
        return f"{len(held)} fichiers identiques au registre"


EVENTS = """
SELECT l.sequence, l.salt, l.hash, l.event_id, e.at, e.kind, e.actor, e.subject, e.subject_id, e.detail
FROM event_link l LEFT JOIN event e ON e.id = l.event_id ORDER BY l.sequence
"""
LOOSE = "SELECT e.id FROM event e LEFT JOIN event_link l ON l.event_id = e.id WHERE l.event_id IS NULL ORDER BY e.id"
CAPTURE_FILES = """
SELECT id, warc_sha256 AS sha256, warc_size AS size FROM capture WHERE warc_sha256 IS NOT NULL ORDER BY id
"""
CLEAN_FILES = "SELECT clean_capture_id AS id, sha256, size FROM clean_capture_file ORDER BY clean_capture_id, position"
SAME = ("body_sha256", "body_size", "id", "method", "outcome", "provenance", "status", "warc_sha256", "warc_size")
PROOFS = "SELECT seal_number, calendar, state, proof FROM calendar_proof"
CHECKS = "store chain seal_stamps leaves log copies"


def _common(row: Row) -> Row:
    """What every leaf says: when, and where, by hash when the address is long."""
    url = row["url"].encode("utf-8", "surrogatepass")
    place = {"url": row["url"]} if len(url) <= 255 else {"url_sha256": sha256(url)}
    return {"captured_at": moment(row["captured_at"]), "format": "vigie-leaf/1", **place}


def _event(row: Row, previous: str | None) -> dict[str, Any]:
    """One line of the log, from its row (section 7)."""
    same = ("actor", "kind", "salt", "sequence", "subject", "subject_id")
    return {
        **{key: row[key] for key in same},
        "at": moment(row["at"]),
        "detail": value_of(row["detail"]),
        "event": row["event_id"],
        "format": "vigie-event/1",
        "previous": previous,
    }


def verify_home(
    home: Path, url: str | None = None, quick: bool = False, advance: Advance | None = None, **anchors: str
) -> list[Check]:
    """Every check of a home. Raises `NoLedger`."""
    rows = Rows(home, url)
    try:
        found = Home(home, rows, advance, **anchors)
        checks = found.run(CHECKS, quick)
        if found.under("data/seals/", ".ots"):
            checks += check_calendars(found, quick, anchors.get("block", ""))
        return checks
    finally:
        rows.close()


def files_of(store: Path) -> Iterator[Path]:
    """The captures of an evidence store."""
    return (path for path in sorted(store.rglob("*")) if path.is_file() and ".partial" not in path.parts)


def verify_store(store: Path, quick: bool = False, **anchors: str) -> list[Check]:
    """Every file of an evidence store against the SHA-256 that is its name, and against its own digests."""

    class Store(Bundle):
        """The one check of a store without its ledger."""

        def store(self) -> str:
            """Captures conservées"""
            count = 0
            for path in files_of(store):
                data = path.read_bytes()
                need(path.name.partition(".")[0] == sha256(data), f"{path.name} n’a pas le contenu que son nom annonce")
                count += check_warc(data) > 0 if path.name.endswith(".warc.gz") else 1
            return f"{count} fichiers intacts"

    return Store(str(store), **anchors).run("store", quick)
