"""Named attacks on a bundle, by a person who knows the format, each with the anchor that it takes to find it.

`none`: the bundle contradicts itself. Otherwise everything was rewritten consistently, and only something known from
elsewhere tells: the `fingerprint` printed in a letter, the `signer`'s certificate, the authority's root (`tsa_ca`), a
`seal` held from before. An attacker who rebuilds drops the signature and the stamps that no longer fit.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bundle_world as world

from ledger.bundle import Evidence, evidence_files, write_wacz, write_zip

TAGS, MANIFEST, CLOSING, SIGNATURE = "tagmanifest-sha256.txt", "manifest-sha256.txt", "closing.json", "closing.json.p7s"


@dataclass(frozen=True)
class Scene:
    """One attack at work: a copy of the bundle's folder, the original, and a false authority."""

    folder: Path
    zip: Path
    made: world.Made
    authority: world.Authority  # the true one: anybody may ask it for a stamp today
    rogue: world.Authority

    def file(self, name: str) -> Path:
        return self.folder / "data" / name

    def put(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            self.file(name).write_bytes(data)

    def evidence(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.file("evidence.json").read_bytes())
        return value

    def lay(self, evidence: Evidence) -> None:
        """Replace every proof by those of other evidence."""
        for folder in ("proofs", "seals"):
            shutil.rmtree(self.file(folder))
            self.file(folder).mkdir()
        self.put(evidence_files(evidence))


@dataclass(frozen=True)
class Attack:
    """`run` gives the path to verify."""

    name: str
    anchor: str
    run: Callable[[Scene], Path]


ATTACKS: list[Attack] = []


def attack(anchor: str = "none") -> Callable[[Callable[[Scene], Path | None]], None]:
    def register(run: Callable[[Scene], Path | None]) -> None:
        ATTACKS.append(Attack(run.__name__, anchor, lambda scene: run(scene) or scene.folder))

    return register


def sums(folder: Path, names: list[str]) -> bytes:
    return "".join(f"{world.sha256((folder / name).read_bytes())}  {name}\n" for name in sorted(names)).encode()


def rebag(scene: Scene, *, keep: bool = False, **closing: Any) -> None:
    """Make manifests and closing agree with the files again; `keep` leaves signature and stamps as they were."""
    folder = scene.folder
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    (folder / MANIFEST).write_bytes(sums(folder, [name for name in names if name.startswith("data/")]))
    value = json.loads((folder / CLOSING).read_bytes())
    if not keep:
        value |= {"stamps": [], "signature": {"state": "absent", "reason": "aucun certificat n’est configuré"}}
        (folder / SIGNATURE).unlink(missing_ok=True)
        shutil.rmtree(folder / "stamps", ignore_errors=True)
        names = [name for name in names if name != SIGNATURE and not name.startswith("stamps/")]
    tags = [name for name in names if not name.startswith("data/") and name not in (TAGS, CLOSING, SIGNATURE)]
    value |= {"files": {name: world.sha256((folder / name).read_bytes()) for name in tags}, **closing}
    (folder / CLOSING).write_bytes(world.canonical(value))
    names = [name for name in names if not name.startswith("data/") and name != TAGS]
    (folder / TAGS).write_bytes(sums(folder, names))


def edit_evidence(scene: Scene, change: Callable[[dict[str, Any]], object]) -> None:
    value = scene.evidence()
    change(value)
    scene.put({"evidence.json": world.canonical(value)})


# Custody


@attack()
def drop_the_last_custody_entry(scene: Scene) -> None:
    """Line and proof go, the announced number stays."""
    for name in ("custody.jsonl", "proofs/custody.jsonl"):
        scene.put({name: b"".join(scene.file(name).read_bytes().splitlines(True)[:-1])})
    rebag(scene)


@attack("signer")
def drop_the_last_custody_entry_everywhere(scene: Scene) -> None:
    evidence = scene.made.case.evidence
    scene.lay(replace(evidence, events=evidence.events[:-1]))
    rebag(scene)


@attack()
def reorder_custody(scene: Scene) -> None:
    for name in ("custody.jsonl", "proofs/custody.jsonl"):
        lines = scene.file(name).read_bytes().splitlines(True)
        scene.put({name: b"".join([lines[1], lines[0], *lines[2:]])})
    rebag(scene)


@attack()
def rewrite_a_custody_entry(scene: Scene) -> None:
    evidence = scene.made.case.evidence
    first = dict(evidence.events[0])
    first["leaf"] = dict(first["leaf"], actor="personne")
    scene.lay(replace(evidence, events=(first, *evidence.events[1:])))
    rebag(scene)


# Seals, proofs and tokens


@attack()
def drop_the_last_seal(scene: Scene) -> None:
    evidence = scene.made.case.evidence
    scene.lay(replace(evidence, seals=evidence.seals[:-1]))
    rebag(scene)


@attack()
def drop_a_seal_in_the_middle(scene: Scene) -> None:
    longer = world.case(captures=6, authority=scene.authority)
    scene.put(longer.warcs)
    scene.lay(replace(longer.evidence, seals=(longer.evidence.seals[0], longer.evidence.seals[2])))
    rewrite_wacz(scene, longer)
    rebag(scene)


@attack()
def reorder_seals(scene: Scene) -> None:
    first, second = scene.file("seals/000001.json"), scene.file("seals/000002.json")
    scene.put({"seals/000001.json": second.read_bytes(), "seals/000002.json": first.read_bytes()})
    rebag(scene)


@attack()
def swap_two_captures(scene: Scene) -> None:
    """Each address gets the other's page, with its true hash."""
    names = ["exhibits/piece-01-capture.warc.gz", "exhibits/piece-02-capture.warc.gz"]
    first, second = (scene.file(name).read_bytes() for name in names)
    scene.put({names[0]: second, names[1]: first})

    def swap(value: dict[str, Any]) -> None:
        one, two = value["captures"][:2]
        one["sha256"], two["sha256"] = two["sha256"], one["sha256"]

    edit_evidence(scene, swap)
    rebag(scene)


@attack()
def swap_two_proofs(scene: Scene) -> None:
    first, second = scene.file("proofs/capture-000001.json"), scene.file("proofs/capture-000002.json")
    scene.put({"proofs/capture-000001.json": second.read_bytes(), "proofs/capture-000002.json": first.read_bytes()})
    rebag(scene)


@attack()
def backdate_a_capture(scene: Scene) -> None:
    edit_evidence(scene, lambda value: value["captures"][0].update(captured_at="2020-01-01T00:00:00.000000Z"))
    rebag(scene)


@attack()
def backdate_a_capture_and_its_leaf(scene: Scene) -> None:
    early = "2020-01-01T00:00:00.000000Z"
    edit_evidence(scene, lambda value: value["captures"][0].update(captured_at=early))
    proof = json.loads(scene.file("proofs/capture-000001.json").read_bytes())
    proof["leaf"]["captured_at"] = early
    scene.put({"proofs/capture-000001.json": world.canonical(proof)})
    rebag(scene)


@attack()
def backdate_a_seal(scene: Scene) -> None:
    seal = json.loads(scene.file("seals/000002.json").read_bytes())
    scene.put({"seals/000002.json": world.canonical(dict(seal, made="2020-01-01T00:00:00.000000Z"))})
    rebag(scene)


@attack("seal")
def backdate_everything_and_stamp_it_today(scene: Scene) -> None:
    """The whole case is made again with old dates; the token, which is true, says today."""
    forged = world.case(authority=scene.authority, began=datetime.now(UTC) - timedelta(days=900))
    scene.put(forged.warcs)
    scene.lay(forged.evidence)
    rewrite_wacz(scene, forged)
    rebag(scene)


@attack()
def replace_a_token_by_another_seal_s(scene: Scene) -> None:
    scene.put({"seals/000001.essai.tsr": scene.file("seals/000002.essai.tsr").read_bytes()})
    rebag(scene)


@attack()
def replace_a_token_by_a_false_authority_s(scene: Scene) -> None:
    seal = scene.file("seals/000001.json").read_bytes()
    scene.put({"seals/000001.essai.tsr": scene.rogue.token(seal)})
    rebag(scene)


@attack("tsa_ca")
def replace_a_token_and_the_root_beside_it(scene: Scene) -> None:
    seal = scene.file("seals/000001.json").read_bytes()
    scene.put({"seals/000001.essai.tsr": scene.rogue.token(seal), "seals/000001.essai.pem": scene.rogue.certificates})
    rebag(scene)


@attack()
def drop_a_token(scene: Scene) -> None:
    scene.file("seals/000001.essai.tsr").unlink()
    rebag(scene)


@attack("signer")
def drop_every_token_and_say_so(scene: Scene) -> None:
    evidence = scene.made.case.evidence
    scene.lay(replace(evidence, seals=tuple(replace(seal, tokens=()) for seal in evidence.seals)))
    rebag(scene)


@attack()
def move_the_stamp_of_another_bundle(scene: Scene) -> None:
    (scene.folder / "stamps/essai.tsr").write_bytes(scene.authority.token(b"un autre manifeste"))
    rebag(scene, keep=True)


# Signature


@attack()
def sign_again_with_another_key(scene: Scene) -> None:
    other = world.signer()
    (scene.folder / SIGNATURE).write_bytes(other.sign((scene.folder / CLOSING).read_bytes()))
    rebag(scene, keep=True)
    (scene.folder / SIGNATURE).write_bytes(other.sign((scene.folder / CLOSING).read_bytes()))
    rebag_tags(scene)


@attack("signer")
def sign_again_with_another_key_and_announce_it(scene: Scene) -> None:
    other = world.signer("Association d’essai")
    scene.put({"facts.json": world.canonical({"schema": "faux"})})
    rebag(scene)
    state = {"state": "present", "certificate_sha256": other.sha256, "subject": other.subject}
    value = json.loads((scene.folder / CLOSING).read_bytes())
    (scene.folder / CLOSING).write_bytes(world.canonical(dict(value, signature=state)))
    (scene.folder / SIGNATURE).write_bytes(other.sign((scene.folder / CLOSING).read_bytes()))
    rebag_tags(scene)


def rebag_tags(scene: Scene) -> None:
    names = [path.relative_to(scene.folder).as_posix() for path in scene.folder.rglob("*") if path.is_file()]
    tags = [name for name in names if not name.startswith("data/") and name != TAGS]
    (scene.folder / TAGS).write_bytes(sums(scene.folder, tags))


@attack()
def tear_off_the_signature(scene: Scene) -> None:
    (scene.folder / SIGNATURE).unlink()
    rebag_tags(scene)


@attack("signer")
def tear_off_the_signature_and_say_so(scene: Scene) -> None:
    rebag(scene)


@attack()
def change_the_facts_under_the_signature(scene: Scene) -> None:
    scene.put({"facts.json": world.canonical({"schema": "faux"})})
    rebag(scene, keep=True)


@attack("fingerprint")
def change_the_facts_and_drop_what_no_longer_fits(scene: Scene) -> None:
    scene.put({"facts.json": world.canonical({"schema": "faux"})})
    rebag(scene)


@attack()
def replace_the_verifier(scene: Scene) -> None:
    scene.put({"verify.py": b"print('CONFORME')\n"})
    rebag(scene, keep=True)


@attack()
def change_the_day_of_closing(scene: Scene) -> None:
    rebag(scene, keep=True, made="2020-01-01T00:00:00.000000Z")


def repack_wacz(data: bytes, name: str, edit: Callable[[bytes], bytes]) -> bytes:
    """A WACZ with one file edited, and both datapackage files made to agree with it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        held = {one: archive.read(one) for one in archive.namelist()}
    held[name] = edit(held[name])
    package = json.loads(held["datapackage.json"])
    for entry in package["resources"]:
        entry |= {"hash": f"sha256:{world.sha256(held[entry['path']])}", "bytes": len(held[entry["path"]])}
    held["datapackage.json"] = json.dumps(package, indent=1).encode() + b"\n"
    digest = {"path": "datapackage.json", "hash": f"sha256:{world.sha256(held['datapackage.json'])}"}
    held["datapackage-digest.json"] = json.dumps(digest, indent=1).encode() + b"\n"
    target = io.BytesIO()
    write_zip(target, dict(held))
    return target.getvalue()


# Captures and archives


def rewrite_wacz(scene: Scene, forged: world.Case) -> None:
    archives = world.archives(forged)
    scene.put({"captures.wacz": write_wacz(archives, title="x", made_at=datetime.now(UTC), software="vigie 0.1.0")})


@attack()
def rewrite_warc_index_and_datapackage(scene: Scene) -> None:
    """Another wording, with every digest, the index and the lists made again."""
    entry = scene.made.case.evidence.captures[0]
    forged = scene.made.case.warcs | {entry.file: world.warc(entry.id, entry.captured_at, "refuse la CMU")}
    scene.put(forged)
    edit_evidence(scene, lambda value: value["captures"][0].update(sha256=world.sha256(forged[entry.file])))
    rewrite_wacz(scene, world.Case(forged, scene.made.case.evidence))
    rebag(scene)


@attack("tsa_ca")
def rewrite_everything_with_seals_of_a_false_authority(scene: Scene) -> None:
    rogue = world.case(authority=scene.rogue, wording="refuse la CMU")
    scene.put(rogue.warcs)
    scene.lay(rogue.evidence)
    rewrite_wacz(scene, rogue)
    rebag(scene)


@attack()
def rewrite_the_wacz_alone(scene: Scene) -> None:
    warcs = {name: world.warc(9, datetime.now(UTC), "refuse la CMU") for name in scene.made.case.warcs}
    rewrite_wacz(scene, world.Case(warcs, scene.made.case.evidence))
    rebag(scene)


@attack()
def truncate_a_warc(scene: Scene) -> None:
    name = "exhibits/piece-01-capture.warc.gz"
    data = scene.file(name).read_bytes()[:-9]
    scene.put({name: data})
    edit_evidence(scene, lambda value: value["captures"][0].update(sha256=world.sha256(data)))
    rebag(scene)


@attack()
def drop_a_capture(scene: Scene) -> None:
    scene.file("exhibits/piece-03-capture.warc.gz").unlink()
    rebag(scene)


@attack()
def add_a_capture_that_was_never_announced(scene: Scene) -> None:
    scene.put({"exhibits/piece-04-capture.warc.gz": world.warc(4, datetime.now(UTC))})
    rebag(scene)


@attack()
def announce_a_capture_as_not_sealed(scene: Scene) -> None:
    """A forged page escapes its seal by claiming none; its old proof stays behind."""
    edit_evidence(scene, lambda value: value["captures"][0].update(seal=None, reason="pas encore sous scellé"))
    rebag(scene)


@attack("signer")
def take_a_forged_page_out_of_its_seal(scene: Scene) -> None:
    """Page, proof and list agree that it never was sealed."""
    evidence = scene.made.case.evidence
    entry = evidence.captures[0]
    forged = scene.made.case.warcs | {entry.file: world.warc(entry.id, entry.captured_at, "refuse la CMU")}
    loose = replace(entry, sha256=world.sha256(forged[entry.file]), proof=None, reason="pas encore sous scellé")
    scene.put(forged)
    scene.lay(replace(evidence, captures=(loose, *evidence.captures[1:])))
    rewrite_wacz(scene, world.Case(forged, evidence))
    rebag(scene)
