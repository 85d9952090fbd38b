"""Call the `openssl` of this machine, within a bounded time. It knows no certificate and no token."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from reference.errors import VigieError

SECONDS = 30  # for one call


class OpensslMissing(VigieError):
    """There is no `openssl` here, or it does not answer."""


class OpensslRefused(VigieError):
    """`openssl` says no; the message holds its last line."""


def openssl(*words: str | Path, given: bytes = b"") -> bytes:
    """What it answers on standard output. Raises `OpensslMissing` or `OpensslRefused`."""
    program = shutil.which("openssl")
    if program is None:
        raise OpensslMissing("openssl is not installed")
    command = [program, *map(str, words)]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise OpensslMissing(f"openssl {words[0]} does not answer") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise OpensslRefused(f"openssl {words[0]}: {said[-1][:300]}")
    return done.stdout
