"""`vigie verify` and `vigie export` as a shell sees them: statuses, one line for bad input, JSON for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from test_command import an_exchange, refused, vigie

from ledger.warc import to_warc_gz
from monitor.local_authority import AuthorityServer, LocalAuthority


@pytest.fixture
def filled(home: Path, tmp_path: Path) -> Path:
    """A home with one imported page."""
    page = tmp_path / "page.warc.gz"
    page.write_bytes(to_warc_gz(an_exchange()))
    assert vigie("import", page, home=home).returncode == 0
    return home


def told(*words: str | Path, home: Path, status: int = 0) -> dict[str, str]:
    """The state of each check."""
    answer = vigie("verify", *words, "--json", home=home)
    assert answer.returncode == status, answer.stderr.decode()
    checks = [json.loads(line) for line in answer.stdout.splitlines()]
    assert {frozenset(check) for check in checks} == {frozenset(("name", "title", "state", "detail"))}
    return {check["name"]: check["state"] for check in checks}


def organisation(path: Path) -> str:
    """A certificate and its key in one PEM file; the certificate's fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Association d’essai")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    certificate = made.not_valid_after(datetime(2090, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(encoding, form, serialization.NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(encoding))
    return certificate.fingerprint(hashes.SHA256()).hex()


def test_row_access_and_export_events(filled: Path, tmp_path: Path) -> None:
    """An export is refused without a reason, and stands in the custody log with who, why and what."""
    refused(vigie("export", "--capture", "1", "--out", tmp_path, "--why", "  ", home=filled), "--why")
    refused(vigie("export", "--capture", "1", "--case", "1", "--out", tmp_path, "--why", "x", home=filled), "--case")
    refused(vigie("export", "--capture", "9", "--out", tmp_path, "--why", "x", home=filled), "9")
    words = ("export", "--capture", "1", "--out", tmp_path / "out", "--why", "demande de l’Ordre", "--who", "camille")
    written = json.loads(vigie(*words, "--json", home=filled).stdout)
    assert vigie("custody", "--out", tmp_path / "log.jsonl", home=filled).returncode == 0
    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_bytes().splitlines()]
    (left,) = [event for event in events if event["kind"] == "exported"]
    assert (left["actor"], left["detail"]["reason"]) == ("camille", "demande de l’Ordre")
    assert left["detail"]["sha256"] == written["sha256"]
    assert told(written["zip"], "--fingerprint", written["sha256"], home=filled)["fingerprint"] == "passed"


def test_export_and_verify_with_a_certificate_and_an_authority(
    filled: Path,
    locals_: tuple[LocalAuthority, LocalAuthority],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fingerprint = organisation(tmp_path / "organisation.pem")
    with AuthorityServer("aa", locals_[0].certificates, locals_[0].answer) as server:
        (tmp_path / "aa.pem").write_text(server.certificates)
        said = [{"name": "aa", "url": server.authority.url, "certificates": str(tmp_path / "aa.pem")}]
        monkeypatch.setenv("VIGIE_AUTHORITIES", json.dumps(said))
        monkeypatch.setenv("VIGIE_CERTIFICATE", str(tmp_path / "organisation.pem"))
        monkeypatch.setenv("VIGIE_ORGANISATION", "Association d’essai")
        out = tmp_path / "out"
        answer = vigie("export", "--capture", "1", "--out", out, "--why", "essai", "--json", home=filled)
        path = json.loads(answer.stdout)["zip"]
        states = told(path, "--signer", fingerprint, "--tsa-ca", tmp_path / "aa.pem", home=filled)
        assert "failed" not in states.values()
        assert {states[name] for name in ("signature", "stamps", "seal_stamps", "dates", "inclusion")} == {"passed"}
        wacz = vigie("export", "--capture", "1", "--out", out, "--why", "essai", "--as", "wacz", "--json", home=filled)
        assert set(told(json.loads(wacz.stdout)["path"], home=filled).values()) == {"passed"}
    monkeypatch.setenv("VIGIE_CERTIFICATE", str(tmp_path / "gone.pem"))
    refused(vigie("export", "--capture", "1", "--out", out, "--why", "essai", home=filled), "gone.pem")


def test_verify_says_no_with_status_1_and_nothing_with_status_2(filled: Path, tmp_path: Path) -> None:
    assert told(filled, home=filled)["store"] == "passed"
    kept = next((filled / "evidence").rglob("*.warc.gz"))
    kept.chmod(0o600)
    kept.write_bytes(kept.read_bytes()[:-1])
    assert told(filled, home=filled, status=1)["store"] == "failed"
    said = vigie("verify", filled, home=filled).stdout.decode()
    assert "ÉCHEC" in said and "capture 1" in said
    refused(vigie("verify", tmp_path / "gone", home=filled), "gone")
    (tmp_path / "texte.txt").write_text("x")
    refused(vigie("verify", tmp_path / "texte.txt", home=filled), "texte.txt")


def test_row_deletion_logged(filled: Path) -> None:
    """An erased page verifies, since the log says why; a page that is merely gone does not."""
    assert vigie("erase", "1", "--why", "demande d’effacement", home=filled).returncode == 0
    assert not list((filled / "evidence").rglob("*.warc.gz"))
    states = told(filled, home=filled)
    assert states["store"] == "not_applicable" and states["log"] == states["leaves"] == "passed"
