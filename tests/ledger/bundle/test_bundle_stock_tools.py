"""Tools that we did not write accept a bundle, and the verifier inside runs where there is no Vigie."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import bundle_world as world
import pytest

BIN = Path(sys.executable).parent
PLAIN = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def ran(*words: str | Path, cwd: Path, status: int = 0) -> str:
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, env=PLAIN, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_sha256sum(sealed: world.Made) -> None:
    said = ran("sha256sum", "-c", "--strict", "manifest-sha256.txt", "tagmanifest-sha256.txt", cwd=sealed.folder)
    assert said.count(": OK") == sum(1 for path in sealed.folder.rglob("*") if path.is_file()) - 1
    assert sealed.fingerprint in ran("sha256sum", "tagmanifest-sha256.txt", cwd=sealed.folder)


def test_openssl_ts(sealed: world.Made) -> None:
    stamps = [("manifest-sha256.txt", "stamps/essai")]
    stamps += [(f"data/seals/{number:06d}.json", f"data/seals/{number:06d}.essai") for number in (1, 2)]
    for data, stem in stamps:
        words = ("openssl", "ts", "-verify", "-data", data, "-in", f"{stem}.tsr", "-CAfile", f"{stem}.pem")
        assert "Verification: OK" in ran(*words, cwd=sealed.folder)


def test_openssl_cms(sealed: world.Made, tmp_path: Path) -> None:
    words = "openssl cms -verify -binary -inform DER -in closing.json.p7s -content closing.json -noverify -out"
    ran(*words.split(), tmp_path / "out", cwd=sealed.folder)
    assert (tmp_path / "out").read_bytes() == (sealed.folder / "closing.json").read_bytes()


def test_bagit(sealed: world.Made) -> None:
    assert "is valid" in ran(BIN / "bagit.py", "--validate", sealed.folder, cwd=sealed.folder)


def test_warcio(sealed: world.Made) -> None:
    for path in sorted(sealed.folder.rglob("*.warc.gz")):
        assert "fail" not in ran(BIN / "warcio", "check", "-v", path, cwd=sealed.folder)


def test_wacz(sealed: world.Made) -> None:
    said = ran(BIN / "wacz", "validate", "-f", sealed.folder / "data/captures.wacz", cwd=sealed.folder)
    assert "Validation succeeded" in said


def test_unzip(sealed: world.Made, tmp_path: Path) -> None:
    """What comes out of the ZIP is the folder, byte for byte."""
    shutil.unpack_archive(sealed.zip, tmp_path)
    for path in sealed.folder.rglob("*"):
        if path.is_file():
            assert (tmp_path / sealed.folder.name / path.relative_to(sealed.folder)).read_bytes() == path.read_bytes()


def test_the_three_steps_of_the_clerk(sealed: world.Made, tmp_path: Path) -> None:
    """`LISEZMOI.txt` as written: an isolated Python, no Vigie, from the folder of the file."""
    shutil.unpack_archive(sealed.zip, tmp_path)
    data = tmp_path / sealed.folder.name / "data"
    assert "python3 verify.py" in (data / "LISEZMOI.txt").read_text(encoding="utf-8")
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    said = ran(python, "-I", "verify.py", cwd=data)
    assert "RÉSULTAT : aucun échec" in said and sealed.fingerprint in said
    said = ran(python, "-I", "verify.py", sealed.zip, "--fingerprint", sealed.fingerprint.upper(), cwd=data)
    assert "CONFORME    Empreinte du dossier" in said and "CONFORME    Forme du ZIP" in said
    (data / "facts.json").write_bytes(b"{}\n")
    said = ran(python, "-I", "verify.py", cwd=data, status=1)
    assert "ÉCHEC" in said and "facts.json" in said
    ran(python, "-I", "verify.py", data, cwd=data, status=2)


def test_the_verifier_is_short_and_needs_the_standard_library_alone(sealed: world.Made) -> None:
    source = (sealed.folder / "data/verify.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 400
    lines = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    imported = {line.split()[1].partition(".")[0] for line in lines}
    assert imported <= {*sys.stdlib_module_names, "__future__"}


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.13"])
def test_the_verifier_runs_on_old_and_new_pythons(sealed: world.Made, version: str) -> None:
    found = shutil.which(f"python{version}")
    if found is None or subprocess.run([found, "-V"], capture_output=True, check=False).returncode:
        pytest.skip(f"there is no Python {version} here")
    assert "aucun échec" in ran(found, "-I", sealed.folder / "data/verify.py", cwd=sealed.folder)


def test_the_verifier_is_written_in_the_python_of_2019(sealed: world.Made) -> None:
    """Its syntax is that of Python 3.8, whatever runs the tests."""
    import ast

    ast.parse((sealed.folder / "data/verify.py").read_text(encoding="utf-8"), feature_version=(3, 8))
