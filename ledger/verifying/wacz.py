"""Verify a WACZ: lists, digests, index, pages, and the proofs beside them. It replays nothing.

A WACZ of another tool is read by the same checks, but for the form of the ZIP, which is Vigie's own promise.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ledger.verifying.calendars import check_calendars
from ledger.verifying.verify import DAMAGE, Bundle, Check, Stop, check_warc, need, parsed, sha256, zip_members

LISTS = ("datapackage.json", "datapackage-digest.json")
OWN = "vigie "
PROOFS = "chain seal_stamps inclusion custody dates"


class Wacz(Bundle):
    """The checks of one WACZ, in the manner of `Bundle`; its proofs are read as those of a bundle are."""

    def __init__(self, data: bytes, **anchors: str) -> None:
        """Read nothing yet."""
        super().__init__("", **anchors)
        self.data = data
        self.held: dict[str, bytes] = {}
        self.records: dict[tuple[str, int], tuple[int, str]] = {}  # (archive, offset) to (length, address)
        self.moments: dict[tuple[str, int], str] = {}  # (archive, offset) to the digits of its date

    def zip(self) -> str:
        """Forme du ZIP"""
        try:
            self.held = zip_members(self.data)
        except Stop:
            try:
                with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                    self.held = {name: archive.read(name) for name in archive.namelist()}
                    need(len(self.held) == len(archive.namelist()), "deux fichiers portent le même nom")
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *DAMAGE) as error:  # damaged, or enciphered
                need(False, f"le ZIP est illisible : {str(error)[:120]}")
            if str(self._package().get("software", "")).startswith(OWN):
                raise
            need(False, "WACZ d’un autre outil : sa forme n’est pas garantie", "not_applicable")
        return f"{len(self.held)} fichiers, forme unique"

    def names(self) -> str:
        """Noms des fichiers"""
        self.files = dict(self.held)
        said = super().names()
        self.files = {}
        for name, data in self.held.items():
            bare = name.rpartition("/")[2] if name.startswith(("evidence/", "custody/")) else name
            self.files[f"data/{bare}"] = data
        return said

    def package(self) -> str:
        """Liste des fichiers"""
        value = self._package()
        digest = json.loads(self.held[LISTS[1]])
        need(digest["path"] == LISTS[0], "datapackage-digest.json ne désigne pas datapackage.json")
        need(digest["hash"] == f"sha256:{sha256(self.held[LISTS[0]])}", "datapackage.json a changé")
        if value.get("software", "").startswith(OWN):
            exact = json.dumps({"path": LISTS[0], "hash": digest["hash"]}, indent=1).encode() + b"\n"
            need(self.held[LISTS[1]] == exact, "datapackage-digest.json a changé")
        listed = {entry["path"]: (entry["hash"], entry["bytes"]) for entry in value["resources"]}
        need(len(listed) == len(value["resources"]), "un fichier est annoncé deux fois")
        actual = {name: (f"sha256:{sha256(data)}", len(data)) for name, data in self.held.items() if name not in LISTS}
        wrong = sorted(name for name in {*listed, *actual} if listed.get(name) != actual.get(name))
        need(not wrong, f"changé, ajouté ou manquant : {', '.join(wrong[:5])}")
        return f"{len(listed)} fichiers conformes à la liste"

    def warc(self) -> str:
        """Captures"""
        names = sorted(name for name in self.held if name.startswith("archive/"))
        need(names, "aucune archive")
        for name in names:
            check_warc(self.held[name])
            for offset, length, head in _walk(self.held[name]):
                if head.get("WARC-Type") in ("response", "resource", "revisit"):
                    self.records[(name[8:], offset)] = (length, head["WARC-Target-URI"])
                    self.moments[(name[8:], offset)] = _digits(head["WARC-Date"])
        return f"{len(names)} archives intactes"

    def index(self) -> str:
        """Index et pages"""
        found: dict[tuple[str, int], tuple[int, str]] = {}
        for entry in self._lines():
            place = (entry["filename"], int(entry["offset"]))
            need(place in self.records, f"l’index désigne un enregistrement qui n’existe pas : {entry['url']}")
            found[place] = (int(entry["length"]), entry["url"])
            need(entry["stamp"] == self.moments[place], f"l’index annonce une autre date : {entry['url']}")
            digest = entry.get("recordDigest")
            raw = self.held[f"archive/{place[0]}"][place[1] : place[1] + found[place][0]]
            need(digest in (None, f"sha256:{sha256(raw)}"), f"l’index annonce une autre empreinte : {entry['url']}")
        need(found == self.records, "l’index ne correspond pas aux archives")
        pages = [json.loads(line) for line in self.held.get("pages/pages.jsonl", b"").splitlines()[1:]]
        known = {address for _, address in self.records.values()}
        need(all(page["url"] in known for page in pages), "une page annoncée n’est pas dans les archives")
        seen = {(self.records[place][1], stamp) for place, stamp in self.moments.items()}
        dated = [(page["url"], _digits(page["ts"])) for page in pages if page.get("ts")]
        need(set(dated) <= seen, "une page est annoncée à une autre date que celle de son archive")
        return f"{len(found)} enregistrements, {len(pages)} pages"

    def archives(self) -> str:
        """Captures annoncées"""
        need("data/evidence.json" in self.files, "aucune preuve n’est jointe", "not_applicable")
        value = parsed(self.files["data/evidence.json"], "vigie-evidence/1")
        listed = {entry["file"]: entry["sha256"] for entry in value["captures"]}
        actual = {name: sha256(data) for name, data in self.held.items() if name.startswith("archive/")}
        need(listed == actual, "les archives ne sont pas les captures annoncées")
        return f"{len(value['captures'])} captures annoncées"

    def _package(self) -> Any:
        return json.loads(self.held[LISTS[0]])

    def _lines(self) -> Iterator[dict[str, Any]]:
        """The entries of every index, plain or compressed."""
        for name, data in self.held.items():
            if name.startswith("indexes/") and name.endswith((".cdxj", ".cdx", ".cdx.gz")):
                plain = zlib.decompress(data, 31) if name.endswith(".gz") else data
                for line in plain.decode().splitlines():
                    if not line.startswith("!"):
                        _, stamp, told = line.split(" ", 2)
                        yield {**json.loads(told), "stamp": stamp[:14]}


def _digits(date: str) -> str:
    """A date to the second, as an index writes it."""
    return re.sub(r"\D", "", date)[:14]


def _walk(data: bytes) -> Iterator[tuple[int, int, dict[str, str]]]:
    """Where each gzip member of an archive begins, how long it is, and the headers of its record."""
    offset = 0
    while offset < len(data):
        unpacker = zlib.decompressobj(31)
        record = unpacker.decompress(data[offset:])
        lines = record.partition(b"\r\n\r\n")[0].decode("utf-8").split("\r\n")[1:]
        length = len(data) - offset - len(unpacker.unused_data)
        yield offset, length, dict(line.split(": ", 1) for line in lines)
        offset += length


def verify_wacz(data: bytes, quick: bool = False, **anchors: str) -> list[Check]:
    """Every check of a WACZ, in order; with `quick`, up to the first that failed."""
    bundle = Wacz(data, **anchors)
    names = "zip names package warc index archives"
    checks = bundle.run(names, quick)
    if "data/evidence.json" in bundle.files and not (quick and checks[-1].state == "failed"):
        checks += bundle.run(PROOFS, quick)
        if bundle.under("data/", ".ots"):
            checks += check_calendars(bundle, quick, anchors.get("block", ""))
    return checks


def read_wacz(path: Path, quick: bool = False, **anchors: str) -> list[Check]:
    """The checks of the WACZ at that path."""
    return verify_wacz(path.read_bytes(), quick, **anchors)
