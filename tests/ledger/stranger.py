"""What a stranger writes from `docs/evidence-format.md` alone, with Python and openssl; it imports nothing of Vigie."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any


def canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return (text + "\n").encode("ascii")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


def root_from(leaf: bytes, index: int, count: int, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2, as the page gives it."""
    if not 0 <= index < count:
        raise ValueError("index")
    node, fn, sn = hashlib.sha256(b"\0" + leaf).digest(), index, count - 1
    for sibling in path:
        if sn == 0:
            raise ValueError("path too long")
        if fn & 1 or fn == sn:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        fn >>= 1
        sn >>= 1
    if sn:
        raise ValueError("path too short")
    return node


def proof_holds(proof: dict[str, Any], seals: dict[int, bytes]) -> bool:
    """One inclusion proof against the bytes of the seals."""
    content = seals[proof["seal"]]
    seal = json.loads(content)
    packed = bytes.fromhex(proof["path"])
    path = [packed[at : at + 32] for at in range(0, len(packed), 32)]
    root, count = (
        (seal["root"], seal["count"]) if proof["tree"] == "captures" else (seal["log"]["root"], seal["log"]["count"])
    )
    if proof["tree"] == "log" and proof["index"] != proof["leaf"]["sequence"] - seal["log"]["first"]:
        return False
    try:
        found = root_from(canonical(proof["leaf"]), proof["index"], proof["count"], path).hex()
    except ValueError:
        return False
    return sha(content) == proof["seal_sha256"] and count == proof["count"] and found == root


def seals_in(folder: Path) -> dict[int, bytes]:
    return {int(path.stem): path.read_bytes() for path in sorted(folder.glob("[0-9]*.json"))}


def faults_of(folder: Path, log: bytes) -> list[str]:
    """Everything wrong with a folder of seals and the whole custody log."""
    faults, previous, log_last = [], None, 0
    lines = log.splitlines(keepends=True)
    before = None
    for place, line in enumerate(lines, 1):
        value = json.loads(line)
        if canonical(value) != line or value["sequence"] != place or value["previous"] != before:
            faults.append(f"line {place}")
        before = sha(line)
    for number, content in enumerate(seals_in(folder).values(), 1):
        seal = json.loads(content)
        if canonical(seal) != content or seal["number"] != number or seal["previous"] != previous:
            faults.append(f"seal {number}")
        previous = sha(content)
        if seal["log"]:
            part = lines[seal["log"]["first"] - 1 : seal["log"]["last"]]
            if (
                seal["log"]["first"] != log_last + 1
                or len(part) != seal["log"]["count"]
                or sha(part[-1]) != seal["log"]["head"]
                or root_of(part).hex() != seal["log"]["root"]
            ):
                faults.append(f"log of seal {number}")
            log_last = seal["log"]["last"]
    return faults


def stamped(folder: Path, number: int, authority: str) -> bool:
    """`openssl ts -verify`, with the words of the page."""
    stem = f"{number:06d}"
    command = ["openssl", "ts", "-verify", "-data", f"{stem}.json", "-in", f"{stem}.{authority}.tsr"]
    done = subprocess.run(
        [*command, "-CAfile", f"{stem}.{authority}.pem"], cwd=folder, capture_output=True, check=False
    )
    return done.returncode == 0 and b"Verification: OK" in done.stdout + done.stderr
