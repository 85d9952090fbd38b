"""The parts of a bundle, each by itself: names, ZIP, signer, PDF, WACZ, and states of absence."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bundle_world as world
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.bundle import BadCertificate, BadName, Label, Signer, Stamp, close, load_signer, staging
from ledger.bundle.wacz import surt
from ledger.bundle.zipping import check_names, write_zip
from ledger.verifying import verify
from ledger.verifying.paths import NothingToVerify, verify_path
from ledger.verifying.wacz import verify_wacz

NAMES = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,8}(/[a-zA-Z0-9_][a-zA-Z0-9._-]{0,8}){0,2}", fullmatch=True)


def zipped(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    write_zip(target, dict(members))
    return target.getvalue()


@settings(max_examples=40)
@given(st.dictionaries(NAMES, st.binary(max_size=40), min_size=1, max_size=6))
def test_a_zip_has_one_form_and_common_tools_read_it(members: dict[str, bytes]) -> None:
    try:
        names = check_names(members)
    except BadName:
        return
    data = zipped(members)
    assert data == zipped(dict(reversed(list(members.items()))))
    assert verify.zip_members(data) == members
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None and tuple(archive.namelist()) == names
        assert {name: archive.read(name) for name in names} == members


ALONE = ("../a", "/a", "a/../b", "a//b", "a\\b", "é", "e\u0301", ".a", "a/", "a.", "", "a" * 201, "a b", "a:b", "a\n")


@pytest.mark.parametrize("names", [*([name] for name in ALONE), ["a", "A"], ["a", "a/b"]])
def test_unsafe_names_are_never_written(names: list[str]) -> None:
    with pytest.raises(BadName):
        zipped(dict.fromkeys(names, b""))


def pem(signer: Signer) -> bytes:
    encoding = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    key = signer.key.private_bytes(encoding, form, serialization.NoEncryption())
    return key + signer.certificate.public_bytes(encoding)


def test_a_certificate_from_pem_and_from_pkcs12(tmp_path: Path) -> None:
    signer = world.signer()
    (tmp_path / "a.pem").write_bytes(pem(signer))
    secret = serialization.BestAvailableEncryption(b"secret")
    packed = pkcs12.serialize_key_and_certificates(b"a", signer.key, signer.certificate, None, secret)
    (tmp_path / "a.p12").write_bytes(packed)
    assert load_signer(tmp_path / "a.pem").sha256 == signer.sha256 == load_signer(tmp_path / "a.p12", "secret").sha256
    other = pem(signer).split(b"-----BEGIN CERT")[0] + pem(world.signer()).partition(b"-----BEGIN CERT")[2]
    (tmp_path / "mixed.pem").write_bytes(other)
    (tmp_path / "no.pem").write_bytes(b"-----BEGIN nothing")
    for name, password in (("a.p12", "wrong"), ("a.p12", None), ("no.pem", None), ("gone", None), ("mixed.pem", None)):
        with pytest.raises(BadCertificate) as told:
            load_signer(tmp_path / name, password)
        assert "\n" not in str(told.value)


def closed(out: Path, signer: Signer | None, *stamps: Stamp, at: datetime | None = None) -> dict[str, object]:
    """The closing statement of an empty bundle."""
    label = Label("vide", "case", "Vide", at or datetime.now(UTC), "vigie", "")
    with staging(out) as stage:
        stage.write("evidence.json", world.canonical(EMPTY))
        stage.write("custody.jsonl", b"")
        stage.write("proofs/custody.jsonl", b"")
        close(stage, label, signer=signer, stamping=lambda _: list(stamps))
        checks = verify.Bundle(str(stage.folder)).run()
        assert not [check for check in checks if check.state == verify.FAILED]
        value: dict[str, object] = json.loads(stage.read("closing.json"))
        return value


EMPTY = {
    "format": "vigie-evidence/1",
    "captures": [],
    "seals": [],
    "tokens": [],
    "custody": {"lines": 0, "withheld": 0, "reason": ""},
}


def test_absence_is_a_recorded_state(tmp_path: Path) -> None:
    assert closed(tmp_path, None)["signature"] == {"state": "absent", "reason": "aucun certificat n’est configuré"}
    late = closed(tmp_path, world.signer(), at=datetime(2091, 1, 1, tzinfo=UTC))["signature"]
    assert late == {"state": "absent", "reason": "le certificat a expiré le 2090-01-01"}
    away = closed(tmp_path, None, Stamp("lente", None, reason="timeout : pas de réponse"))["stamps"]
    assert away == [{"authority": "lente", "state": "absent", "reason": "timeout : pas de réponse"}]


def test_the_same_moment_gives_the_same_bytes(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    made = world.case(began=at - timedelta(days=1))
    first, second = (world.write(tmp_path / name, made, at=at) for name in "ab")
    assert first.zip.read_bytes() == second.zip.read_bytes() and first.fingerprint == second.fingerprint


# WACZ


def wacz(made: world.Case) -> bytes:
    from ledger.bundle import write_wacz

    at = datetime(2026, 3, 1, tzinfo=UTC)
    return write_wacz(world.archives(made), title="Essai", made_at=at, software="vigie 0.1.0")


def test_every_byte_of_a_wacz_counts() -> None:
    data = wacz(world.case())
    assert not [check for check in verify_wacz(data) if check.state == verify.FAILED]
    for place in range(0, len(data), 37):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        assert any(check.state == verify.FAILED for check in verify_wacz(bytes(changed), quick=True)), place


@pytest.mark.parametrize("name", ["indexes/index.cdxj", "pages/pages.jsonl"])
def test_lists_of_a_wacz_rewritten_consistently(name: str) -> None:
    """An index or a page that names what the archives do not hold, with every hash made again."""
    from attacks import repack_wacz

    forged = repack_wacz(wacz(world.case()), name, lambda held: held.replace(b"/dentiste/1", b"/dentiste/7"))
    told = {check.name: check.state for check in verify_wacz(forged)}
    assert told["package"] == verify.PASSED and told["index"] == verify.FAILED


def test_a_wacz_of_another_tool_raises_no_alarm(tmp_path: Path) -> None:
    archive = tmp_path / "a.warc.gz"
    archive.write_bytes(world.warc(1, datetime.now(UTC)))
    words = [str(Path(sys.executable).parent / "wacz"), "create", "-o", str(tmp_path / "a.wacz"), "-d", str(archive)]
    subprocess.run(words, check=True, capture_output=True)
    told = {check.name: check.state for check in verify_path(tmp_path / "a.wacz").checks}
    assert told["zip"] == verify.NOT_APPLICABLE and verify.FAILED not in told.values()


def test_sort_keys_are_those_of_common_tools() -> None:
    reference = pytest.importorskip("surt").surt
    for url in (
        "https://www.exemple.fr/A/b?z=1&a=2",
        "http://exemple.fr",
        "http://exemple.fr:80/x/",
        "https://exemple.fr:8443/x",
        "https://annuaire.vigie-essai.fr/médecin/é?q=à",
        "http://127.0.0.1:8081/dentiste/lyon",
    ):
        assert surt(url) == reference(url), url


def test_what_cannot_be_verified_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    for path in (tmp_path, tmp_path / "a.txt", tmp_path / "gone"):
        with pytest.raises(NothingToVerify) as told:
            verify_path(path)
        assert "\n" not in str(told.value)
