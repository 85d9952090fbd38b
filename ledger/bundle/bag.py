"""Close a folder as a BagIt 1.0 bag: manifests, stamps, closing statement, signature. It writes no payload of a case.

The order makes every byte answer for another: the manifest covers the payload; the stamps are over the manifest;
`closing.json` names the hash of all those; the signature is over `closing.json`; the tag manifest covers everything and
is itself determined by what it covers. `docs/bundle-format.md` is the full account.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from ledger.bundle.folder import PAYLOAD, Staging
from ledger.bundle.signing import Signer
from ledger.bundle.zipping import check_names
from ledger.canonical import canonical_bytes, utc_text

MANIFEST, TAG_MANIFEST = "manifest-sha256.txt", "tagmanifest-sha256.txt"
CLOSING, SIGNATURE = "closing.json", "closing.json.p7s"
METHOD, README, VERIFIER = "method.md", "LISEZMOI.txt", "verify.py"
DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
NO_CERTIFICATE = "aucun certificat n’est configuré"
AUTHORITY = re.compile(r"[a-z0-9](-?[a-z0-9])*")


@dataclass(frozen=True)
class Label:
    """What the bag says of itself. `name` is the folder's name, and that of the folder in the ZIP."""

    name: str
    kind: str  # dossier | case | capture
    title: str
    made_at: datetime
    software: str
    organisation: str = ""


@dataclass(frozen=True)
class Stamp:
    """What one authority answered: a whole `TimeStampResp` and the certificates it was trusted by, or why none."""

    authority: str
    token: bytes | None
    certificates: bytes = b""  # PEM
    reason: str = ""


Stamping = Callable[[bytes], Sequence[Stamp]]  # the bytes to stamp; an absence is a `Stamp` without a token


def close(
    stage: Staging,
    label: Label,
    *,
    signer: Signer | None = None,
    stamping: Stamping | None = None,
    pdf: Mapping[str, str] | None = None,
) -> str:
    """Add the note on the method, the verifier and the steps for a clerk, then close; SHA-256 of the tag manifest.

    That hash commits to every byte of the bag: it is the fingerprint to print elsewhere. `pdf` says what signature the
    PDF inside bears (`level`, `reason`). Raises `BadName`, `OSError`.
    """
    _guides(stage, label)
    payload = check_names(name for name in stage.files if name.startswith(PAYLOAD))
    stage.write_tag("bagit.txt", DECLARATION)
    stage.write_tag("bag-info.txt", _info(stage, label, payload))
    manifest = _sums(stage, payload)
    stage.write_tag(MANIFEST, manifest)
    stamps = _stamps(stage, stamping(manifest) if stamping else ())
    closing = canonical_bytes(
        {
            "format": "vigie-closing/1",
            "name": label.name,
            "kind": label.kind,
            "made": utc_text(label.made_at),
            "files": {name: stage.files[name][1] for name in stage.files if not name.startswith(PAYLOAD)},
            "stamps": stamps,
            "signature": _signature(signer, label),
            "pdf": dict(pdf or {}),
        }
    )
    stage.write_tag(CLOSING, closing)
    if signer is not None and not signer.why_not(label.made_at):
        stage.write_tag(SIGNATURE, signer.sign(closing))
    tags = check_names(name for name in stage.files if not name.startswith(PAYLOAD))
    return stage.write_tag(TAG_MANIFEST, _sums(stage, tags))


def shipped(name: str) -> bytes:
    """A file of this package that goes into every bag: the note on the method, or the steps for a clerk."""
    return resources.files("ledger.bundle").joinpath(f"data/{name}").read_bytes()


def verifier() -> bytes:
    """The stand-alone verifier, as bytes: what writes and what verifies share no code."""
    return resources.files("ledger").joinpath("verifying/verify.py").read_bytes()


def _guides(stage: Staging, label: Label) -> None:
    steps = shipped("lisezmoi.txt").decode().replace("{name}", label.name).replace("{title}", label.title)
    for name, data in ((METHOD, shipped(METHOD)), (README, steps.encode()), (VERIFIER, verifier())):
        if PAYLOAD + name not in stage.files:
            stage.write(name, data)


def _info(stage: Staging, label: Label, payload: Sequence[str]) -> bytes:
    """`bag-info.txt`, one line a field."""
    size = sum(stage.files[name][0] for name in payload)
    fields = (
        ("Source-Organization", label.organisation),
        ("External-Identifier", label.name),
        ("External-Description", label.title),
        ("Bagging-Date", utc_text(label.made_at)[:10]),
        ("Bag-Software-Agent", label.software),
        ("Payload-Oxum", f"{size}.{len(payload)}"),
    )
    return "".join(f"{name}: {' '.join(value.split())}\n" for name, value in fields if value.split()).encode()


def _sums(stage: Staging, names: Sequence[str]) -> bytes:
    """Lines that `sha256sum -c` reads, in the order of the names."""
    return "".join(f"{stage.files[name][1]}  {name}\n" for name in names).encode("ascii")


def _stamps(stage: Staging, answers: Sequence[Stamp]) -> list[dict[str, str]]:
    """Keep the tokens that came; the state of each authority."""
    states = []
    for stamp in sorted(answers, key=lambda answer: answer.authority):
        if not AUTHORITY.fullmatch(stamp.authority):
            raise ValueError(f"{stamp.authority!r} is not the short name of an authority")
        if stamp.token is None:
            states.append({"authority": stamp.authority, "state": "absent", "reason": stamp.reason})
            continue
        name = f"stamps/{stamp.authority}"
        stage.write_tag(f"{name}.tsr", stamp.token)
        stage.write_tag(f"{name}.pem", stamp.certificates)
        states.append({"authority": stamp.authority, "state": "present", "token": f"{name}.tsr"})
    return states


def _signature(signer: Signer | None, label: Label) -> dict[str, str]:
    """Who signs, or why nobody does."""
    reason = NO_CERTIFICATE if signer is None else signer.why_not(label.made_at)
    if signer is None or reason:
        return {"state": "absent", "reason": reason}
    return {"state": "present", "certificate_sha256": signer.sha256, "subject": signer.subject}
