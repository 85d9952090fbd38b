"""The rows of the comparison with other evidence tools that a bundle answers for, one named test each."""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import bundle_world as world
import pytest
from test_bundle_stock_tools import BIN, ran

from ledger.verifying import verify
from ledger.verifying.paths import verify_path
from ledger.warc import from_warc_gz


def entries(made: world.Made) -> list[dict[str, object]]:
    held: list[dict[str, object]] = json.loads((made.folder / "data/evidence.json").read_bytes())["captures"]
    return held


def state(path: Path, name: str, **anchors: str) -> str:
    return next(check.state for check in verify_path(path, **anchors).checks if check.name == name)


def test_row_raw_exchange(sealed: world.Made) -> None:
    """Request, status, headers and the body as received, in the archive that the bundle carries."""
    exchange = from_warc_gz((sealed.folder / "data" / str(entries(sealed)[0]["file"])).read_bytes())
    assert (exchange.method, exchange.status, exchange.ip_address) == ("GET", 200, "192.0.2.7")
    assert exchange.request_headers == (("User-Agent", "vigie-essai"),)
    assert exchange.body == world.body(1)
    raw = gzip.decompress((sealed.folder / "data" / str(entries(sealed)[0]["file"])).read_bytes())
    assert b"WARC-Type: request" in raw and b"WARC-Type: response" in raw


def test_row_portable_pack(sealed: world.Made) -> None:
    """BagIt for archives, WACZ for viewers, a ZIP for the post: all from one folder."""
    assert "valid according to" in ran(BIN / "bagit.py", "--validate", "--fast", sealed.folder, cwd=sealed.folder)
    states = {check.name: check.state for check in verify_path(sealed.zip).checks}
    assert states["wacz_package"] == states["wacz_index"] == states["zip"] == "passed"


def test_row_provenance(sealed: world.Made) -> None:
    """Who made it with what and when, and where each capture came from, under the seal."""
    closing = json.loads((sealed.folder / "closing.json").read_bytes())
    assert closing["name"] == "dossier-000001" and closing["made"].endswith("Z")
    told = (sealed.folder / "bag-info.txt").read_text(encoding="utf-8")
    assert "Source-Organization: Association d’essai" in told and "Bag-Software-Agent: vigie" in told
    leaf = json.loads((sealed.folder / "data/proofs/capture-000001.json").read_bytes())["leaf"]
    assert (leaf["provenance"], leaf["run"], leaf["url"]) == ("live", 7, entries(sealed)[0]["url"])


def test_row_sha256(sealed: world.Made) -> None:
    """Every file is listed by SHA-256, and one hash commits to all."""
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        for line in (sealed.folder / manifest).read_text().splitlines():
            digest, name = line.split("  ")
            assert hashlib.sha256((sealed.folder / name).read_bytes()).hexdigest() == digest
    assert state(sealed.folder, "fingerprint", fingerprint=sealed.fingerprint) == "passed"
    assert state(sealed.folder, "fingerprint", fingerprint="0" * 64) == "failed"


def test_row_rfc3161(sealed: world.Made, authority: world.Authority) -> None:
    """Tokens over the seals and over the manifest, by the authority whose root the reader has."""
    root = str(authority.folder / "root.pem")
    assert state(sealed.folder, "stamps", tsa_ca=root) == state(sealed.folder, "seal_stamps", tsa_ca=root) == "passed"
    assert state(sealed.folder, "dates", tsa_ca=root) == "passed"


def test_row_two_authorities(
    authority: world.Authority, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Tokens of two authorities over one seal are kept side by side, and each is checked."""
    second = world.Authority(tmp_path_factory.mktemp("second"), "second")
    case = world.case(captures=2, authority=authority)
    (seal,) = case.evidence.seals
    token = world.SealToken("second", second.token(seal.data), second.certificates)
    both = replace(case, evidence=replace(case.evidence, seals=(replace(seal, tokens=(*seal.tokens, token)),)))
    made = world.write(tmp_path, both)
    assert {path.name for path in made.folder.rglob("*.tsr")} == {"000001.essai.tsr", "000001.second.tsr"}
    assert state(made.folder, "seal_stamps") == "passed"
    broken = replace(token, token=second.token(b"autre"))
    worse = replace(case, evidence=replace(case.evidence, seals=(replace(seal, tokens=(*seal.tokens, broken)),)))
    assert state(world.write(tmp_path / "b", worse).folder, "seal_stamps") == "failed"


def test_row_signature_with_identity(sealed: world.Made) -> None:
    """The organisation's certificate signs, its name is told, and another certificate is not taken for it."""
    signer = sealed.signer
    assert signer is not None
    told = json.loads((sealed.folder / "closing.json").read_bytes())["signature"]
    assert told == {"state": "present", "certificate_sha256": signer.sha256, "subject": "CN=Association d’essai"}
    assert state(sealed.folder, "signature", signer=signer.sha256) == "passed"
    assert state(sealed.folder, "signature", signer=world.signer().sha256) == "failed"


def test_row_custody_log(sealed: world.Made) -> None:
    """The custody lines of the captures are there, chained, each under a stamped seal."""
    lines = [json.loads(line) for line in (sealed.folder / "data/custody.jsonl").read_bytes().splitlines()]
    told = [(line["kind"], line["subject_id"]) for line in lines]
    assert told == [("collected", 1), ("collected", 2), ("collected", 3)]
    assert state(sealed.folder, "custody") == "passed"


def test_row_offline_verifier(sealed: world.Made, tmp_path: Path) -> None:
    """One file that opens no connection and imports nothing of Vigie, alone in an isolated Python."""
    shutil.copy(sealed.folder / "data/verify.py", tmp_path)
    tree = ast.parse((tmp_path / "verify.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not names & {"socket", "urllib", "http", "ssl", "ledger", "requests"}
    said = ran("/usr/bin/env", "python3", "-I", "verify.py", sealed.zip, cwd=tmp_path)
    assert "RÉSULTAT : aucun échec" in said


def test_row_no_alteration(sealed: world.Made, tmp_path: Path) -> None:
    """A capture whose bytes were altered is found, even with all its own digests made again."""
    copy = tmp_path / "dossier-000001"
    shutil.copytree(sealed.folder, copy)
    target = copy / "data" / str(entries(sealed)[0]["file"])
    target.write_bytes(world.warc(1, datetime.now(UTC), "accueille les patients C2S"))
    assert verify.check_warc(target.read_bytes()) == 2  # the forged archive is sound by itself
    assert state(copy, "warc") == state(copy, "manifests") == "failed"


def test_row_tls_and_clean_profile_facts_are_bound_to_the_seal(tmp_path: Path) -> None:
    """A clean capture's facts are sealed, and its files answer to its facts: another image is found."""
    facts_files = {"page.png": b"image", "certificats.pem": b"chaine"}
    told = [{"name": name, "sha256": world.sha256(data)} for name, data in facts_files.items()]
    facts = world.canonical({"format": "vigie-clean-capture/1", "files": told})
    folder = "exhibits/clean-000005/"
    more = tuple((folder + name, data) for name, data in facts_files.items())
    item = world.Item(
        "clean_capture", 5, "https://exemple.fr/", datetime.now(UTC), b"", facts, folder + "facts.json", more=more
    )
    case = world.assemble([item], per_seal=1, authority=None, chance=world.random.Random(1))
    made = world.write(tmp_path, case)
    assert state(made.folder, "inclusion") == state(made.folder, "warc") == "passed"
    forged = replace(case, warcs=case.warcs | {folder + "page.png": b"autre image"})
    assert state(world.write(tmp_path / "b", forged).folder, "warc") == "failed"


def test_row_sealed_export(sealed: world.Made) -> None:
    """What leaves is closed as a whole: names, bytes, ZIP, stamps and signature answer for each other."""
    states = {check.name: check.state for check in verify_path(sealed.zip).checks}
    for name in ("zip", "names", "manifests", "closing", "signature", "stamps", "inclusion", "custody"):
        assert states[name] == "passed", name
