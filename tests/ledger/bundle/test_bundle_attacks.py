"""Every named attack is found by both verifiers, and takes the anchor that is said, no more."""

from __future__ import annotations

import shutil
from pathlib import Path

import attacks
import attacks_zip  # noqa: F401  # it adds its own
import bundle_world as world
import pytest

from ledger.verifying import verify
from ledger.verifying.paths import verify_path


@pytest.fixture(scope="session")
def rogue(tmp_path_factory: pytest.TempPathFactory) -> world.Authority:
    return world.Authority(tmp_path_factory.mktemp("rogue"), "essai")


def anchors(made: world.Made, authority: world.Authority) -> dict[str, str]:
    """What a careful reader holds from elsewhere."""
    seal = world.sha256(made.case.evidence.seals[-1].data)
    signer = made.signer.sha256 if made.signer else ""
    root = str(authority.folder / "root.pem")
    return {"fingerprint": made.fingerprint, "signer": signer, "tsa_ca": root, "seal": seal}


@pytest.mark.parametrize("attack", attacks.ATTACKS, ids=lambda attack: attack.name)
def test_named_attack(
    attack: attacks.Attack, sealed: world.Made, authority: world.Authority, rogue: world.Authority, tmp_path: Path
) -> None:
    folder = tmp_path / "dossier-000001"
    shutil.copytree(sealed.folder, folder)
    path = str(attack.run(attacks.Scene(folder, tmp_path / "dossier-000001.zip", sealed, authority, rogue)))
    known = anchors(sealed, authority)
    needed = {attack.anchor: known[attack.anchor]} if attack.anchor != "none" else {}
    assert any(check.state == verify.FAILED for check in verify.Bundle(path, **needed).run(quick=True))
    assert verify_path(Path(path), quick=True, **needed).failed
    if needed:  # the anchor is what finds it: without any, the forgery is consistent
        assert not [check for check in verify.Bundle(path).run() if check.state == verify.FAILED]


def test_there_are_enough_attacks() -> None:
    assert len(attacks.ATTACKS) >= 25


def test_the_intact_bundle_passes_with_every_anchor(sealed: world.Made, authority: world.Authority) -> None:
    for path in (sealed.folder, sealed.zip):
        checks = verify.Bundle(str(path), **anchors(sealed, authority)).run()
        assert {check.state for check in checks if check.name != "zip"} == {verify.PASSED}
