"""An invented case as a bundle: captures, seals, tokens, custody, made here by the written format alone.

It shares nothing with `ledger.sealing`, so that a misunderstanding of `docs/evidence-format.md` would show.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ledger.bundle import (
    CapturedFile,
    Evidence,
    Label,
    Page,
    SealFile,
    SealToken,
    Signer,
    Stamp,
    WebArchive,
    close,
    published,
    staging,
    write_evidence,
    write_wacz,
)
from ledger.warc import Exchange, to_warc_gz

CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[signer]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
ess_cert_id_alg = sha256
"""
DAYS = ("-days", "3650")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    return (json.dumps(value, sort_keys=True, separators=(",", ":")) + "\n").encode("ascii")


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Authority:
    """`openssl ts` as an authority: a root and a signer under it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        (folder / "tsa.cnf").write_text(CONFIG.format(name=name, folder=folder), encoding="utf-8")
        (folder / "serial").write_text("01\n")
        for key in ("root", "signer"):
            self.run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{key}.key")
        common = ("-config", "tsa.cnf")
        self.run("req", "-new", "-x509", "-key", "root.key", *common, "-extensions", "root", *DAYS, "-out", "root.pem")
        self.run("req", "-new", "-key", "signer.key", *common, "-subj", f"/CN={name} signer", "-out", "signer.csr")
        signing = ("-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "2", "-extfile", "tsa.cnf")
        self.run("x509", "-req", "-in", "signer.csr", *signing, "-extensions", "signer", *DAYS, "-out", "signer.pem")

    def run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    @property
    def certificates(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    def token(self, data: bytes) -> bytes:
        """The TimeStampResp over these bytes."""
        (self.folder / "data").write_bytes(data)
        self.run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
        self.run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()


def signer(name: str = "Association d’essai") -> Signer:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(
        datetime(2090, 1, 1, tzinfo=UTC)
    )
    return Signer(builder.sign(key, hashes.SHA256()), key)


def tree(leaves: Sequence[bytes]) -> bytes:
    """The root, by the definition of RFC 6962."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree(leaves[:half]) + tree(leaves[half:])).digest()


def path(leaves: Sequence[bytes], index: int) -> bytes:
    """The audit path, by the definition of RFC 6962."""
    if len(leaves) == 1:
        return b""
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return path(leaves[:half], index) + tree(leaves[half:])
    return path(leaves[half:], index - half) + tree(leaves[:half])


@dataclass(frozen=True)
class Case:
    """The facts before they are a bundle; attacks forge some of them."""

    warcs: dict[str, bytes]
    evidence: Evidence


@dataclass(frozen=True)
class Made:
    """A bundle on the disk."""

    folder: Path
    zip: Path
    fingerprint: str
    case: Case
    signer: Signer | None


def body(number: int, wording: str = "n’accepte pas la CMU") -> bytes:
    return f"<html><title>Page {number}</title><p>Le cabinet {wording}.</p></html>".encode()


def warc(number: int, at: datetime, wording: str = "n’accepte pas la CMU") -> bytes:
    """One invented answer."""
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    url = f"https://annuaire.vigie-essai.fr/dentiste/{number}"
    asked = (("User-Agent", "vigie-essai"),)
    return to_warc_gz(Exchange(url, "GET", asked, b"", 200, "OK", headers, body(number, wording), at, "192.0.2.7"))


@dataclass(frozen=True)
class Item:
    """One piece of evidence to be sealed: an answer, a repeat of one, or a clean capture."""

    kind: str
    id: int
    url: str
    at: datetime
    body: bytes
    data: bytes  # the WARC, or facts.json; of a repeat, that of the first
    file: str
    status: int = 200
    revisit_of: int | None = None
    more: tuple[tuple[str, bytes], ...] = ()  # the other files of a clean capture


def case(
    *,
    captures: int = 3,
    per_seal: int = 2,
    authority: Authority | None = None,
    began: datetime | None = None,
    wording: str = "n’accepte pas la CMU",
    seed: int = 1,
) -> Case:
    """Captures one second apart, sealed by twos with a neighbour that stays outside, tokens from the authority."""
    start = began or datetime.now(UTC) - timedelta(minutes=2)
    items = []
    for number in range(1, captures + 1):
        at = start + timedelta(seconds=number)
        url = f"https://annuaire.vigie-essai.fr/dentiste/{number}"
        file = f"exhibits/piece-{number:02d}-capture.warc.gz"
        items.append(Item("capture", number, url, at, body(number, wording), warc(number, at, wording), file))
    return assemble(items, per_seal=per_seal, authority=authority, chance=random.Random(seed))


def assemble(
    items: Sequence[Item],
    *,
    per_seal: int,
    authority: Authority | None,
    chance: random.Random,
    unsealed: Sequence[int] = (),
) -> Case:
    """Seal the items in order, each seal with a neighbour that stays outside; `unsealed` are left without."""
    files: list[SealFile] = []
    events: list[dict[str, Any]] = []
    proofs: dict[tuple[str, int], dict[str, Any]] = {}
    previous_seal = previous_line = None
    sequence = chance.randrange(3)
    waiting = sorted((item for item in items if item.id not in unsealed), key=lambda item: item.at)
    for first in range(0, len(waiting), per_seal):
        part = waiting[first : first + per_seal]
        leaves, lines = [_leaf(item, chance) for item in part], []
        before = sequence
        for item in part:
            sequence += 1
            earlier = previous_line or (chance.randbytes(32).hex() if sequence > 1 else None)
            lines.append(_event(sequence, earlier, item.id, item.at, sha256(item.data), chance))
            previous_line = sha256(canonical(lines[-1]))
        neighbour = _leaf(Item("capture", 9000 + first, "https://ailleurs.fr/", part[0].at, b"", b"", ""), chance)
        raw = [canonical(leaf) for leaf in [*leaves, neighbour]]
        logged = [canonical(line) for line in lines]
        seal = {
            "format": "vigie-seal/1",
            "number": len(files) + 1,
            "run": 7,
            "made": moment(max(item.at for item in part) + timedelta(seconds=1)),
            "previous": previous_seal,
            "count": len(raw),
            "root": tree(raw).hex(),
            "software": "vigie 0.1.0",
            "log": {
                "first": before + 1,
                "last": sequence,
                "count": len(lines),
                "head": previous_line,
                "root": tree(logged).hex(),
            },
        }
        data = canonical(seal)
        previous_seal = sha256(data)
        tokens = (SealToken(authority.name, authority.token(data), authority.certificates),) if authority else ()
        files.append(SealFile(len(files) + 1, data, tokens))
        for place, item in enumerate(part):
            proofs[item.kind, item.id] = _proof(seal, data, "captures", leaves[place], raw, place)
            events.append(_proof(seal, data, "log", lines[place], logged, place))
    entries = tuple(_entry(item, proofs.get((item.kind, item.id))) for item in items)
    held = {item.file: item.data for item in items} | {name: data for item in items for name, data in item.more}
    return Case(held, Evidence(entries, tuple(files), tuple(events)))


def _entry(item: Item, proof: dict[str, Any] | None) -> CapturedFile:
    reason = "" if proof else "pas encore sous scellé"
    return CapturedFile(
        item.kind, item.id, item.url, item.at, item.file, sha256(item.data), item.revisit_of, proof, reason
    )


def _leaf(item: Item, chance: random.Random) -> dict[str, Any]:
    url = item.url.encode("utf-8", "surrogatepass")
    place = {"url": item.url} if len(url) <= 255 else {"url_sha256": sha256(url)}
    common = {"format": "vigie-leaf/1", "kind": item.kind, "id": item.id, "captured_at": moment(item.at), **place}
    common["salt"] = chance.randbytes(16).hex()
    if item.kind == "clean_capture":
        return common | {"facts_sha256": sha256(item.data)}
    return common | {
        "run": 7,
        "method": "GET",
        "outcome": "page",
        "status": item.status,
        "provenance": "live",
        "revisit_of": item.revisit_of,
        "body_sha256": sha256(item.body),
        "body_size": len(item.body),
        "warc_sha256": None if item.revisit_of else sha256(item.data),
        "warc_size": 0 if item.revisit_of else len(item.data),
    }


WORDS = ("le cabinet", "n’accepte pas", "la CMU", "ni l’AME ;", "— 日本語", "\x00", "&amp; <b>", "\r\n\r\n", "WARC/1.1")


def varied(chance: random.Random, authority: Authority | None = None) -> Case:
    """A case unlike the last: bodies, codings, addresses, statuses, repeats, clean captures, lack of seals."""
    start = datetime.now(UTC) - timedelta(minutes=3)
    items: list[Item] = []
    for number in range(1, chance.randint(1, 4) + 1):
        at = start + timedelta(microseconds=chance.randrange(10_000_000) + 20_000_000 * number)
        content = " ".join(chance.choices(WORDS, k=chance.randrange(60))).encode()
        if chance.random() < 0.2:
            content = chance.randbytes(chance.randrange(400))
        coded = chance.random() < 0.5
        answer = gzip.compress(content, mtime=0) if coded else content
        kind = chance.choice(("dentiste", "médecin", "sage-femme"))
        url = f"https://annuaire.vigie-essai.fr/{kind}/{number}?b=é&a={number}"
        url += "x" * chance.choice((0, 0, 0, 300))
        status = chance.choice((200, 200, 404, 500))
        headers = [("Content-Type", chance.choice(("text/html; charset=utf-8", "application/json", "text/html")))]
        headers += [("Content-Encoding", "gzip")] * coded
        exchange = Exchange(url, "GET", (("User-Agent", "vigie"),), b"", status, "", tuple(headers), answer, at)
        packed = to_warc_gz(exchange)
        file = f"exhibits/piece-{number:02d}-capture.warc.gz"
        items.append(Item("capture", number, url, at, answer, packed, file, status))
    if chance.random() < 0.3:
        first = items[0]
        again = first.at + timedelta(seconds=100)
        items.append(Item("capture", 50, first.url, again, first.body, first.data, first.file, revisit_of=first.id))
    if chance.random() < 0.3:
        pieces = {"page.png": chance.randbytes(300), "page.txt": b"texte visible"}
        told = [{"name": name, "sha256": sha256(data)} for name, data in pieces.items()]
        facts = canonical({"format": "vigie-clean-capture/1", "files": told})
        folder = "exhibits/propre-01/"
        more = tuple((folder + name, data) for name, data in pieces.items())
        items.append(Item("clean_capture", 5, items[0].url, start, b"", facts, f"{folder}facts.json", more=more))
    loose = [item.id for item in items] if chance.random() < 0.1 else [items[-1].id] * (chance.random() < 0.1)
    return assemble(items, per_seal=chance.randint(1, 3), authority=authority, chance=chance, unsealed=loose)


def _event(
    sequence: int, previous: str | None, subject: int, at: datetime, digest: str, chance: random.Random
) -> dict[str, Any]:
    return {
        "format": "vigie-event/1",
        "sequence": sequence,
        "event": sequence,
        "previous": previous,
        "salt": chance.randbytes(16).hex(),
        "at": moment(at),
        "actor": "vigie",
        "kind": "collected",
        "subject": "capture",
        "subject_id": subject,
        "detail": {"sha256": digest},
    }


def _proof(
    seal: dict[str, Any], data: bytes, tree_name: str, leaf: dict[str, Any], raw: Sequence[bytes], index: int
) -> dict[str, Any]:
    return {
        "format": "vigie-inclusion/1",
        "tree": tree_name,
        "seal": seal["number"],
        "seal_sha256": sha256(data),
        "count": len(raw),
        "index": index,
        "path": path(raw, index).hex(),
        "leaf": leaf,
    }


def archives(made: Case) -> list[WebArchive]:
    """The captures as they go into a WACZ, each archive once."""
    found = {
        entry.file: WebArchive(
            entry.file.rpartition("/")[2], made.warcs[entry.file], (Page(entry.url, entry.captured_at, str(entry.id)),)
        )
        for entry in reversed(made.evidence.captures)
        if entry.kind == "capture"
    }
    return [found[name] for name in sorted(found)]


def write(
    out: Path,
    made: Case,
    *,
    authority: Authority | None = None,
    signer: Signer | None = None,
    name: str = "dossier-000001",
    at: datetime | None = None,
) -> Made:
    """The case as folder and ZIP in `out`."""
    label = Label(name, "case", "Dossier d’essai", at or datetime.now(UTC), "vigie 0.1.0", "Association d’essai")

    def stamping(data: bytes) -> list[Stamp]:
        return [Stamp(authority.name, authority.token(data), authority.certificates)] if authority else []

    with staging(out) as stage:
        for file, data in made.warcs.items():
            stage.write(file, data)
        stage.write("facts.json", canonical({"schema": "essai"}))
        write_evidence(stage, made.evidence)
        wacz = write_wacz(archives(made), title="Dossier d’essai", made_at=label.made_at, software=label.software)
        stage.write("captures.wacz", wacz)
        fingerprint = close(stage, label, signer=signer, stamping=stamping)
        with published(stage, out, name) as (folder, archive):
            return Made(folder, archive, fingerprint, made, signer)


def make(out: Path, *, authority: Authority | None = None, signer: Signer | None = None, **facts: Any) -> Made:
    """An invented case, written."""
    return write(out, case(authority=authority, **facts), authority=authority, signer=signer)
