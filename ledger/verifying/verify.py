#!/usr/bin/env python3
"""Verify a Vigie bundle, folder or ZIP, with Python 3.8's standard library and `openssl` alone, without the network.

A check is passed, failed or not applicable (the bundle says why). Exit status: 1 when one failed, 2 without a bundle.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections import namedtuple
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

CHECKS = "zip names manifests closing signature stamps warc chain seal_stamps inclusion custody dates fingerprint"
PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not_applicable"
WORDS = {PASSED: "CONFORME", FAILED: "ÉCHEC", NOT_APPLICABLE: "SANS OBJET"}
DAMAGE: Any = (ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError, MemoryError, OverflowError)
DAMAGE += (EOFError, struct.error, zlib.error, subprocess.SubprocessError)  # what hostile bytes may raise
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
MANIFEST, TAGS, CLOSING, SIGNATURE = "manifest-sha256.txt", "tagmanifest-sha256.txt", "closing.json", "closing.json.p7s"
DATE = "%d/%m/%Y à %H:%M:%S UTC"
# A token this late after its seal no longer speaks for the seal's own date; a clock may be this far ahead of theirs.
LATE, AHEAD = timedelta(hours=96), timedelta(seconds=300)
ANCHORS = {
    "fingerprint": "empreinte du dossier, reçue par une autre voie",
    "signer": "empreinte SHA-256 du certificat de l’organisme",
    "seal": "empreinte ou racine d’un scellé, connue par ailleurs",
    "tsa_ca": "certificat racine de l’autorité d’horodatage (fichier PEM)",
}
Check = namedtuple("Check", "name title state detail")


class Stop(Exception):
    """The check ends here: its state, and what to say of it in French."""


def need(condition: object, message: str, otherwise: str = FAILED) -> None:
    """The condition holds, or the check ends: failed, or without object (a recorded state)."""
    if not condition:
        raise Stop(otherwise, message)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value."""
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")


def parsed(data: bytes, form: str) -> Any:
    """The value of a canonical JSON file of that format; a fault for any other spelling of it."""
    value = json.loads(data.decode("ascii"))
    need(data == canonical(value) and value["format"] == form, f"un fichier {form} n’a pas la forme attendue")
    return value


def moment(text: str) -> datetime:
    """A time as evidence writes it, UTC with six decimals."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def zip_members(data: bytes) -> dict[str, bytes]:
    """The members of a ZIP that is, byte for byte, the one its names and contents can give; a fault for any other."""
    members, directory, at, last = {}, b"", 0, b""
    while data[at : at + 4] == b"PK\x03\x04":
        size, _, length = struct.unpack("<IIH", data[at + 18 : at + 28])
        start = at + 30 + length
        name, body = data[at + 30 : start], data[start : start + size]
        common = struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 0x21, zlib.crc32(body), len(body), len(body), length, 0)
        need(data[at:start] == b"PK\x03\x04" + common + name, f"en-tête du ZIP irrégulier : {name[:120]!a}")
        need(name > last, f"noms du ZIP en double ou en désordre : {name[:120]!a}")
        directory += b"PK\x01\x02\x14\x03" + common + struct.pack("<HHHII", 0, 0, 0, 0o100600 << 16, at) + name
        members[name.decode("utf-8", "replace")] = body
        at, last = start + size, name
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), at, 0)
    need(members and data[at:] == directory + b"PK\x05\x06" + end, "la table du ZIP n’a pas la forme unique")
    return members


def openssl(arguments: str, **files: bytes) -> tuple[bool, str, bytes]:
    """Run openssl in a fresh folder that holds these files: whether it agreed, what it said, the first file after."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in files]
        for path, data in zip(paths, files.values()):
            path.write_bytes(data)
        words = ["openssl", *arguments.split()]
        done = subprocess.run(words, cwd=folder, stdout=-1, stderr=-2, stdin=-3, timeout=60, check=False)
        return done.returncode == 0, " ".join(done.stdout.decode("utf-8", "replace").split()), paths[0].read_bytes()


def token_time(data: bytes, token: bytes, trusted: bytes) -> datetime:
    """When an RFC 3161 authority saw these bytes; a fault when the token does not hold."""
    _, text, _ = openssl("ts -reply -in token -text", token=token)
    ((day, year),) = re.findall(r"Time stamp: (\w{3} \d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT", text)
    at = datetime.strptime(f"{day} {year} +0000", "%b %d %H:%M:%S %Y %z")
    for when in ("", f" -attime {int(at.timestamp())}"):  # the authority's certificate may have expired since
        good, text, _ = openssl(f"ts -verify -data data -in token -CAfile ca{when}", data=data, token=token, ca=trusted)
        if good and "Verification: OK" in text:
            return at
    raise Stop(FAILED, f"un jeton d’horodatage ne correspond pas : {text[-200:]}")


def root_from(leaf: bytes, index: int, count: int, path: bytes) -> str:
    """The root that an audit path of 32-byte hashes leads to (RFC 6962)."""
    need(0 <= index < count, "une preuve d’inclusion a un rang impossible")
    node = hashlib.sha256(b"\0" + leaf).digest()
    while count > 1:
        if index % 2 or index + 1 < count:  # a last node without a sibling moves up as it is
            sibling, path = path[:32], path[32:]
            node = hashlib.sha256(b"\1" + (sibling + node if index % 2 else node + sibling)).digest()
        index, count = index // 2, (count + 1) // 2
    need(not path, "une preuve d’inclusion est trop longue")
    return node.hex()


def check_warc(data: bytes) -> int:
    """Every length and digest that the records of a `.warc.gz` promise; how many records."""
    count = 0
    while data or not count:
        unpacker = zlib.decompressobj(31)
        record, data = unpacker.decompress(data, 1 << 30), unpacker.unused_data
        head, _, rest = record.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("utf-8").split("\r\n")[1:])
        length = int(headers["Content-Length"])
        need(unpacker.eof and rest[length:] == b"\r\n\r\n", "un enregistrement WARC n’a pas la longueur annoncée")
        block = payload = rest[:length]
        if headers["WARC-Type"] in ("request", "response"):
            payload = block.partition(b"\r\n\r\n")[2]
        for name, part in (("Block", block), ("Payload", payload)):
            algorithm, _, value = headers.get(f"WARC-{name}-Digest", "").partition(":")
            digest = hashlib.new(algorithm or "sha1", part).digest()
            other = headers["WARC-Type"] == "revisit" and name == "Payload"  # the digest of what it repeats
            good = value in ("", base64.b32encode(digest).decode(), digest.hex())
            need(good or other, "une empreinte WARC est fausse")
        need(headers.get("X-Vigie-Body-SHA256") in (None, sha256(payload)), "le corps n’a pas l’empreinte annoncée")
        count += 1
    return count


class Bundle:
    """One bundle and its checks: each a method, its title in French, that says what it found or raises `Stop`."""

    def __init__(self, path: str, **anchors: str) -> None:
        self.path, self.top, self.anchors = path, "", {name: anchors.get(name, "") for name in ANCHORS}
        self.files: dict[str, Any] = {}  # bytes of a member of the ZIP, or the path of a file
        self.seals: dict[int, dict[str, Any]] = {}
        self.tokens: dict[int, datetime] = {}  # seal number to the earliest time an authority saw it

    def get(self, name: str) -> Any:
        need(name in self.files, f"il manque le fichier {name[:200]!a}")
        return self.files[name].read_bytes() if isinstance(self.files[name], Path) else self.files[name]

    def under(self, prefix: str, suffix: str = "") -> list[str]:
        return sorted(name for name in self.files if name.startswith(prefix) and name.endswith(suffix))

    def zip(self) -> str:
        """Forme du ZIP"""
        for path in Path(self.path).rglob("*"):
            plain = not path.is_symlink() and (path.is_file() or (path.is_dir() and any(path.iterdir())))
            need(plain, f"lien, dossier vide ou fichier spécial : {path.name[:120]!a}")
            if path.is_file():
                self.files[path.relative_to(self.path).as_posix()] = path
        need(not self.files, "c’est un dossier ; le ZIP se contrôle en donnant son chemin", NOT_APPLICABLE)
        members = zip_members(Path(self.path).read_bytes())
        need(len({name.partition("/")[0] for name in members}) == 1, "le ZIP doit contenir un seul dossier")
        self.top = min(members).partition("/")[0]
        self.files = {name.partition("/")[2]: data for name, data in members.items()}
        return f"{len(members)} fichiers, forme unique"

    def names(self) -> str:
        """Noms des fichiers"""
        folders = {str(parent).lower() for name in self.files for parent in Path(name).parents}
        for name in self.files:
            need(NAME.fullmatch(name) and len(name) <= 300 and name[-1] != ".", f"nom interdit : {name[:120]!a}")
            need(name.lower() not in folders, f"à la fois fichier et dossier : {name}")
        need(len({name.lower() for name in self.files}) == len(self.files), "deux noms ne diffèrent que par la casse")
        return f"{len(self.files)} noms sûrs et distincts"

    def manifests(self) -> str:
        """Contenu des fichiers"""
        payload = set(self.under("data/"))
        for manifest, names in ((MANIFEST, payload), (TAGS, set(self.files) - payload - {TAGS})):
            text = self.get(manifest).decode("ascii")
            listed = {name: digest for digest, _, name in (line.partition("  ") for line in text.splitlines())}
            actual = {name: sha256(self.get(name)) for name in sorted(names)}
            wrong = [name for name in sorted({*listed, *actual}) if listed.get(name) != actual.get(name)]
            need(not wrong, f"changé, ajouté ou manquant : {', '.join(wrong[:5])!a}")
            need(text == "".join(f"{actual[name]}  {name}\n" for name in actual), f"{manifest} a changé")
        return f"{len(self.files)} fichiers conformes aux manifestes"

    def closing(self) -> str:
        """Clôture"""
        value = parsed(self.get(CLOSING), "vigie-closing/1")
        names = set(self.files) - set(self.under("data/")) - {CLOSING, SIGNATURE, TAGS}
        need(value["files"] == {name: sha256(self.get(name)) for name in names}, "la clôture ne correspond pas")
        need(self.top in ("", value["name"]), "le dossier du ZIP ne porte pas le nom que la clôture annonce")
        told = sorted(stamp["token"] for stamp in value["stamps"] if stamp["state"] == "present")
        told += [SIGNATURE] * (value["signature"]["state"] == "present")
        held = self.under("stamps/", ".tsr") + self.under(SIGNATURE)
        need(told == held, "signature et jetons annoncés ne sont pas ceux qui sont joints")
        return f"{value['name']}, établi le {moment(value['made']):{DATE}}"

    def signature(self) -> str:
        """Signature"""
        state = json.loads(self.get(CLOSING))["signature"]
        need(state["state"] == "present" or not self.anchors["signer"], "le dossier n’est pas signé")
        need(state["state"] == "present", f"non signé : {state.get('reason')}", NOT_APPLICABLE)
        command = "cms -verify -binary -inform DER -in p7s -content content -noverify -signer signer -out out"
        good, text, pem = openssl(command, signer=b"", p7s=self.get(SIGNATURE), content=self.get(CLOSING))
        need(good, f"la signature ne correspond pas : {text[-200:]}")
        (block,) = re.findall(rb"-----BEGIN CERTIFICATE-----(.+?)-----END", pem, re.DOTALL)  # one signer
        certificate = sha256(base64.b64decode(block))
        need(certificate == state["certificate_sha256"], "la signature vient d’un autre certificat que celui annoncé")
        need(self.anchors["signer"] in ("", certificate), "ce n’est pas le certificat attendu")
        return f"{state['subject']}, certificat {certificate}" + " (attendu)" * bool(self.anchors["signer"])

    def token(self, data: bytes, name: str) -> datetime:
        given = self.anchors["tsa_ca"]
        return token_time(data, self.get(name), Path(given).read_bytes() if given else self.get(name[:-4] + ".pem"))

    def stamps(self) -> str:
        """Horodatage du dossier"""
        times = [self.token(self.get(MANIFEST), name) for name in self.under("stamps/", ".tsr")]
        need(times, "le dossier lui-même n’est pas horodaté", NOT_APPLICABLE)
        return f"existait au plus tard le {min(times):{DATE}}"

    def evidence(self) -> Any:
        return parsed(self.get("data/evidence.json"), "vigie-evidence/1")

    def warc(self) -> str:
        """Captures"""
        entries = self.evidence()["captures"]
        listed = {f"data/{entry['file']}": entry["sha256"] for entry in entries}
        for entry in (entry for entry in entries if entry["kind"] == "clean_capture"):  # it names its own files
            facts = json.loads(self.get(f"data/{entry['file']}"))
            listed.update((f"data/{entry['file'][:-10]}{one['name']}", one["sha256"]) for one in facts["files"])
            need(entry.get("grade") in (None, facts.get("grade")), "une capture propre n’a pas le degré annoncé")
        held = self.under("data/exhibits/", ".warc.gz") + self.under("data/exhibits/clean-")
        need(set(held) <= set(listed), "une archive, ou une pièce de capture propre, n’est pas annoncée")
        for name, digest in listed.items():
            need(sha256(self.get(name)) == digest, f"une capture n’a pas l’empreinte annoncée : {name}")
        for name in self.under("data/", ".wacz"):
            inside = zip_members(self.get(name))
            same = {sha256(inside[one]) for one in inside if one.startswith("archive/")} <= set(listed.values())
            need(same, f"{name} contient une archive qui n’est pas une capture annoncée")
        count = sum(check_warc(self.get(name)) for name in listed if name.endswith(".warc.gz"))
        return f"{len(listed)} fichiers de capture, {count} enregistrements intacts"

    def chain(self) -> str:
        """Chaîne des scellés"""
        before: dict[str, Any] = {}
        for name in self.under("data/seals/", ".json"):
            data = self.get(name)
            seal = parsed(data, "vigie-seal/1")
            number = seal["number"]
            need(name == f"data/seals/{number:06d}.json" and moment(seal["made"]), f"scellé mal nommé : {name}")
            need((seal["previous"] is None) == (number == 1), "le premier scellé n’est pas le premier")
            if before:
                need(number == before["number"] + 1, f"il manque un scellé avant le n° {number}")
                need(seal["previous"] == before["sha256"], f"la chaîne des scellés est rompue au n° {number}")
                ahead = moment(before["made"]) - moment(seal["made"])
                need(ahead <= AHEAD, f"le scellé n° {number} est antérieur au précédent")
            before = self.seals[number] = dict(seal, sha256=sha256(data))
        known = {"", *(seal[key] for seal in self.seals.values() for key in ("sha256", "root"))}
        need(self.anchors["seal"] in known, "le scellé connu par ailleurs n’est pas joint")
        proofs = [f"data/seals/{name}" for name in self.evidence().get("calendars", [])]
        need(proofs == self.under("data/seals/", ".ots"), "preuves OpenTimestamps annoncées et jointes diffèrent")
        need(sorted(self.evidence()["seals"]) == sorted(self.seals), "scellés annoncés et joints ne concordent pas")
        need(self.seals, "aucune capture n’est scellée", NOT_APPLICABLE)
        return f"{len(self.seals)} scellés, du n° {min(self.seals)} au n° {max(self.seals)}"

    def seal_stamps(self) -> str:
        """Horodatage des scellés"""
        names = self.under("data/seals/", ".tsr")
        need([f"data/seals/{one}" for one in self.evidence()["tokens"]] == names, "jetons annoncés et joints diffèrent")
        for name in names:
            number = int(name[11:].partition(".")[0])
            at = self.token(self.get(f"data/seals/{number:06d}.json"), name)
            ahead = moment(self.seals[number]["made"]) - at
            need(ahead <= AHEAD, f"le scellé n° {number} se dit postérieur à son jeton")
            self.tokens[number] = min(at, self.tokens.get(number, at))
        need(names, "aucun scellé n’est horodaté : les dates reposent sur l’horloge de la machine", NOT_APPLICABLE)
        return f"{len(names)} jetons valables"

    def under_root(self, proof: dict[str, Any], tree: str, number: int) -> None:
        """The proof leads from its leaf to the root of that seal."""
        need(proof["tree"] == tree and proof["seal"] == number, "une preuve renvoie à un autre scellé")
        need(number in self.seals, "une preuve renvoie à un scellé qui n’est pas joint")
        seal = self.seals[number]
        held = seal if tree == "captures" else seal["log"]
        root = root_from(canonical(proof["leaf"]), proof["index"], proof["count"], bytes.fromhex(proof["path"]))
        same = (proof["seal_sha256"], proof["count"], root) == (seal["sha256"], held["count"], held["root"])
        need(same, "une preuve d’inclusion ne mène pas à son scellé")

    def inclusion(self) -> str:
        """Captures sous scellé"""
        entries = self.evidence()["captures"]
        sealed = {f"data/proofs/{entry['kind']}-{entry['id']:06d}.json": entry for entry in entries if entry["seal"]}
        need(sorted(sealed) == self.under("data/proofs/", ".json"), "preuves annoncées et jointes ne concordent pas")
        need(len({(one["kind"], one["id"]) for one in entries}) == len(entries), "une capture est annoncée deux fois")
        first = {entry["id"]: entry["sha256"] for entry in sealed.values() if entry["kind"] == "capture"}
        for name, entry in sealed.items():
            proof = parsed(self.get(name), "vigie-inclusion/1")
            self.under_root(proof, "captures", entry["seal"])
            leaf, url = proof["leaf"], entry["url"]
            same = all(entry[key] == leaf.get(key) for key in ("kind", "id", "captured_at", "revisit_of"))
            same &= url == leaf.get("url", self) or sha256(url.encode(errors="surrogatepass")) == leaf.get("url_sha256")
            same &= moment(leaf["captured_at"]) - moment(self.seals[entry["seal"]]["made"]) <= AHEAD
            need(same, f"{name} : numéro, date ou adresse ne sont pas ceux qui sont scellés")
            held = first.get(leaf.get("revisit_of")) or leaf.get("warc_sha256") or leaf.get("facts_sha256")
            need(entry["sha256"] == held, f"{name} : l’empreinte n’est pas celle qui est scellée")
        bare = [entry["reason"] for entry in entries if not entry["seal"]]
        need(sealed, f"aucune capture n’est scellée : {bare[0] if bare else 'aucune capture'}", NOT_APPLICABLE)
        return f"{len(sealed)} captures sous scellé, {len(bare)} hors scellé"

    def custody(self) -> str:
        """Journal des événements"""
        lines, proofs = (self.get(f"data/{name}custody.jsonl").splitlines(True) for name in ("", "proofs/"))
        need(len(lines) == len(proofs) == self.evidence()["custody"]["lines"], "il manque des lignes au journal")
        last, digest = 0, None
        for line, raw in zip(lines, proofs):
            event, proof = parsed(line, "vigie-event/1"), parsed(raw, "vigie-inclusion/1")
            number = event["sequence"]
            need(proof["leaf"] == event and number > last, "le journal n’est pas dans l’ordre")
            need(event["previous"] == digest or number != last + 1, f"le journal est rompu à la ligne {number}")
            self.under_root(proof, "log", proof["seal"])
            need(proof["index"] == number - self.seals[proof["seal"]]["log"]["first"], f"rang faux à la ligne {number}")
            last, digest = number, sha256(line)
        need(lines, "aucun événement scellé n’est joint", NOT_APPLICABLE)
        return f"{len(lines)} événements sous scellé"

    def dates(self) -> str:
        """Dates établies par un tiers"""
        used = sorted({entry["seal"] for entry in self.evidence()["captures"] if entry["seal"]})
        bare = [number for number in used if number not in self.tokens]
        late = [n for n in used if n not in bare and self.tokens[n] - moment(self.seals[n]["made"]) > LATE]
        told = ", ".join(f"n° {number} : {self.tokens[number]:{DATE}}" for number in late)
        need(used and not bare, f"la date de ces scellés n’est établie par aucun jeton : {bare}", NOT_APPLICABLE)
        need(not late, f"scellés vus tard par un tiers, seule compte la date de leur jeton ({told})", NOT_APPLICABLE)
        last = max(self.tokens[number] for number in used)
        return f"chaque scellé a été vu par un tiers, le dernier le {last:{DATE}}"

    def fingerprint(self) -> str:
        """Empreinte du dossier"""
        value, known = sha256(self.get(TAGS)), self.anchors["fingerprint"]
        need(known, f"empreinte du dossier, à comparer avec celle du courrier : {value}", NOT_APPLICABLE)
        need(value == known, f"ce n’est pas l’empreinte attendue : {value}")
        return f"c’est l’empreinte attendue : {value}"

    def run(self, names: str = CHECKS, quick: bool = False) -> list[Check]:
        """These checks, in order; with `quick`, up to the first that failed."""
        checks = []
        for name in names.split():
            method = getattr(self, name)
            try:
                state, detail = PASSED, method()
            except Stop as stop:
                state, detail = stop.args
            except DAMAGE as error:
                state, detail = FAILED, f"illisible ({type(error).__name__} : {str(error)[:120]!a})"
            checks.append(Check(name, method.__doc__, state, detail))
            if state == FAILED and (quick or name == "zip"):
                break
        return checks


def main() -> int:
    """Read the command line, print the checks; the exit status."""
    parser = argparse.ArgumentParser(description="Vérifie un dossier de Vigie, ou son ZIP, sans Vigie.")
    parser.add_argument("path", nargs="?", default=Path(__file__).resolve().parent.parent, help="le dossier ou le ZIP")
    for name, text in ANCHORS.items():
        clean = str if name == "tsa_ca" else lambda value: re.sub(r"[\s:]", "", value).lower()
        parser.add_argument("--" + name.replace("_", "-"), default="", type=clean, help=text)
    given = vars(parser.parse_args())
    path = Path(given.pop("path"))
    if not path.is_file() and not (path / "bagit.txt").is_file():
        parser.error(f"{path} n’est ni un ZIP ni un dossier qui contient bagit.txt")
    if not shutil.which("openssl"):
        parser.error("la commande openssl est introuvable")
    checks = Bundle(str(path), **given).run()
    print(*(f"{WORDS[check.state]:10}  {check.title} : {check.detail}" for check in checks), sep="\n")
    failed = sum(check.state == FAILED for check in checks)
    print(f"RÉSULTAT : {failed} ÉCHEC(S), ce dossier a été modifié" if failed else "RÉSULTAT : aucun échec")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
