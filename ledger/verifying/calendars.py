"""Verify OpenTimestamps proofs as far as it can be done offline: every operation, to the end of every branch.

Whether a Bitcoin block has the root that a proof leads to cannot be known here: the check says the root to compare,
and passes only when the reader gives it (`block`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from ledger.verifying.verify import NOT_APPLICABLE, Bundle, Check, need, sha256

MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e892940108")
PROMISE, BLOCK = "83dfe30d2ef90c8e", "0588960d73d71901"
HASHES = {2: "sha1", 8: "sha256"}
LONGEST = 4096  # bytes of a message between two operations


def ends_of(proof: bytes, digest: str) -> list[tuple[str, bytes, bytes]]:
    """Tag, payload and message of every attestation in a `.ots` file over that SHA-256; a fault for anything else."""
    need(
        proof.startswith(MAGIC + bytes.fromhex(digest)),
        "une preuve OpenTimestamps porte sur autre chose que son scellé",
    )
    at, waiting, ends = len(MAGIC) + 32, [bytes.fromhex(digest)], []

    def part() -> bytes:
        nonlocal at
        size, at = number(proof, at)
        at += size
        need(at <= len(proof), "une preuve OpenTimestamps est tronquée")
        return proof[at - size : at]

    while waiting:
        operation, at = proof[at], at + 1  # past the end: an IndexError, which is damage
        if operation == 0xFF:
            waiting.append(waiting[-1])
        elif operation == 0:
            tag, at = proof[at : at + 8].hex(), at + 8
            ends.append((tag, part(), waiting.pop()))
        elif operation in (0xF0, 0xF1):
            words = part()
            waiting[-1] = waiting[-1] + words if operation == 0xF0 else words + waiting[-1]
        else:
            need(operation in HASHES, f"opération OpenTimestamps inconnue : {operation:#04x}")
            waiting[-1] = hashlib.new(HASHES[operation], waiting[-1]).digest()
        need(not waiting or len(waiting[-1]) <= LONGEST, "un message OpenTimestamps est trop long")
    need(at == len(proof), "une preuve OpenTimestamps a une suite")
    return ends


def number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned number in base 128, and where it ends."""
    value = shift = 0
    while True:
        value, shift, more = value | (data[at] & 127) << shift, shift + 7, data[at] > 127
        at += 1
        need(shift <= 35, "un nombre OpenTimestamps est trop grand")
        if not more:
            return value, at


def told_of(proofs: Mapping[str, bytes], seals: Mapping[int, bytes], block: str) -> str:
    """What these proofs say, by the name of their file (`000001.<calendar>.ots`); raises `Stop` for a fault."""
    said, known = [], False
    for name, proof in sorted(proofs.items()):
        seal = int(name.partition(".")[0])
        need(seal in seals, f"{name} : ce scellé n’est pas joint")
        ends = ends_of(proof, sha256(seals[seal]))
        blocks = {number(payload, 0)[0]: message[::-1].hex() for tag, payload, message in ends if tag == BLOCK}
        need(all(len(root) == 64 for root in blocks.values()), f"{name} : ce n’est pas la racine d’un bloc")
        need(blocks or any(tag == PROMISE for tag, _, _ in ends), f"{name} : ni promesse ni bloc")
        need(
            bool(blocks) != name.endswith(".pending.ots"),
            f"{name} : le nom n’est pas celui de ce que la preuve contient",
        )
        told = [f"n° {seal} : bloc Bitcoin {height}, racine {root}" for height, root in sorted(blocks.items())]
        said += told or [f"n° {seal} : promesse d’un calendrier, pas encore de bloc"]
        known = known or block in blocks.values()
    need(said, "aucune preuve OpenTimestamps", NOT_APPLICABLE)
    need(known or not block, f"aucune preuve ne mène à la racine donnée ({' ; '.join(said[:5])})")
    text = " ; ".join(said[:5])
    need(
        known,
        f"opérations exactes, le reste n’est pas contrôlé ici : {text} (racine à comparer, --block)",
        NOT_APPLICABLE,
    )
    return f"{text} : une preuve mène à la racine donnée"


class Calendars(Bundle):
    """The one check of the proofs among the files of another bundle."""

    def calendars(self) -> str:
        """Calendriers OpenTimestamps"""
        seals = {int(name[11:-5]): self.get(name) for name in self.under("data/seals/", ".json")}
        proofs = {name[11:]: self.get(name) for name in self.under("data/seals/", ".ots")}
        return told_of(proofs, seals, self.anchors.get("block", ""))


def check_calendars(bundle: Bundle, quick: bool = False, block: str = "") -> list[Check]:
    """The check, on the files that another bundle has read."""
    mine = Calendars(bundle.path)
    mine.files, mine.anchors = bundle.files, {**bundle.anchors, "block": block}
    return mine.run("calendars", quick)
