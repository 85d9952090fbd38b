"""An invented case as a bundle: captures, seals, tokens, custody, made here by the written format alone.

It shares nothing with `ledger.sealing`, so that a misunderstanding of `docs/evidence-format.md` would show.
"""

from __future__ import annotations

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


def case(
    *,
    captures: int = 3,
    per_seal: int = 2,
    authority: Authority | None = None,
    began: datetime | None = None,
    wording: str = "n’accepte pas la CMU",
    seed: int = 1,
    seals: bool = True,
) -> Case:
    """Captures one second apart, sealed by twos with a neighbour that stays outside, tokens from the authority."""
    chance = random.Random(seed)
    start = began or datetime.now(UTC) - timedelta(minutes=2)
    warcs: dict[str, bytes] = {}
    entries: list[CapturedFile] = []
    files: list[SealFile] = []
    events: list[dict[str, Any]] = []
    previous_seal = previous_line = None
    sequence = 0
    for first in range(0, captures, per_seal):
        numbers = range(first + 1, min(first + per_seal, captures) + 1)
        leaves, lines = [], []
        for number in numbers:
            at = start + timedelta(seconds=number)
            name = f"exhibits/piece-{number:02d}-capture.warc.gz"
            warcs[name] = warc(number, at, wording)
            leaves.append(_leaf(number, at, warcs[name], body(number, wording), chance))
            sequence += 1
            lines.append(_event(sequence, previous_line, number, at, sha256(warcs[name]), chance))
            previous_line = sha256(canonical(lines[-1]))
        neighbour = _leaf(900 + first, start, b"autre", b"autre", chance)
        raw = [canonical(leaf) for leaf in [*leaves, neighbour]]
        logged = [canonical(line) for line in lines]
        made = start + timedelta(seconds=numbers[-1] + 1)
        seal = {
            "format": "vigie-seal/1",
            "number": len(files) + 1,
            "run": 7,
            "made": moment(made),
            "previous": previous_seal,
            "count": len(raw),
            "root": tree(raw).hex(),
            "software": "vigie 0.1.0",
            "log": {
                "first": lines[0]["sequence"],
                "last": sequence,
                "count": len(lines),
                "head": previous_line,
                "root": tree(logged).hex(),
            },
        }
        data = canonical(seal)
        previous_seal = sha256(data)
        tokens = (SealToken(authority.name, authority.token(data), authority.certificates),) if authority else ()
        if seals:
            files.append(SealFile(len(files) + 1, data, tokens))
        for place, leaf in enumerate(leaves):
            name = f"exhibits/piece-{leaf['id']:02d}-capture.warc.gz"
            proof = _proof(seal, data, "captures", leaf, raw, place) if seals else None
            entries.append(
                CapturedFile(
                    "capture",
                    leaf["id"],
                    leaf["url"],
                    start + timedelta(seconds=leaf["id"]),
                    name,
                    sha256(warcs[name]),
                    proof=proof,
                    reason="" if seals else "scellement pas encore fait",
                )
            )
        if seals:
            events.extend(_proof(seal, data, "log", line, logged, place) for place, line in enumerate(lines))
    return Case(warcs, Evidence(tuple(entries), tuple(files), tuple(events)))


def _leaf(number: int, at: datetime, packed: bytes, content: bytes, chance: random.Random) -> dict[str, Any]:
    return {
        "format": "vigie-leaf/1",
        "kind": "capture",
        "id": number,
        "run": 7,
        "url": f"https://annuaire.vigie-essai.fr/dentiste/{number}",
        "captured_at": moment(at),
        "method": "GET",
        "outcome": "page",
        "status": 200,
        "provenance": "live",
        "revisit_of": None,
        "body_sha256": sha256(content),
        "body_size": len(content),
        "warc_sha256": sha256(packed),
        "warc_size": len(packed),
        "salt": chance.randbytes(16).hex(),
    }


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
    """The captures as they go into a WACZ."""
    return [
        WebArchive(
            f"capture-{entry.id:06d}.warc.gz",
            made.warcs[entry.file],
            (Page(entry.url, entry.captured_at, f"Page {entry.id}"),),
        )
        for entry in made.evidence.captures
    ]


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
