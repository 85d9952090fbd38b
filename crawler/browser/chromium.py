"""Find the installed Chromium, start it in a new empty profile, and remove every trace of it. It visits nothing."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reference.errors import VigieError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# Behind the distributions' launchers, which add flags and settings of their own.
BEHIND = (
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
)
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--enable-automation",  # the page may know that a program visits it
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-pings",
    "--metrics-recording-only",
    "--hide-scrollbars",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--lang=fr-FR",
    "--accept-lang=fr-FR,fr",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--enable-features=LocalNetworkAccessChecks:LocalNetworkAccessChecksWarn/false,LocalNetworkAccessChecksWebSockets",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,AsyncDns,DnsOverHttps,"
    "CertificateTransparencyComponentUpdater,PrivacySandboxSettings4,HttpsUpgrades,IsolateOrigins,site-per-process",
    "--disable-site-isolation-trials",
)
# Chromium speaks on descriptors 3 and 4: a small program puts ours there, and becomes Chromium.
_LAUNCH = "import os,sys;r,w=map(int,sys.argv[1:3]);os.dup2(r,3);os.dup2(w,4);os.execv(sys.argv[3],sys.argv[3:])"
OLD_SECONDS = 86_400
PREFIX = "vigie-visit-"
_HIGH = 20  # our own descriptors stay clear of 3 and 4


class ChromiumMissing(VigieError):
    """No Chromium is installed, or it does not start."""


def find_chromium() -> Path | None:
    """The installed Chromium or Chrome, its program rather than its launcher; None when there is none."""
    if any(shutil.which(name) for name in NAMES):
        for path in BEHIND:
            if os.access(path, os.X_OK):
                return Path(path)
    found = next((found for name in NAMES if (found := shutil.which(name))), None)
    return Path(found) if found else next((Path(path) for path in MAC if Path(path).is_file()), None)


@dataclass(frozen=True)
class Emptiness:
    """What stood in the folders made for a visit, before the browser was started: nothing, or it is told."""

    profile: tuple[str, ...]
    temporary: tuple[str, ...]


class Chromium:
    """A running Chromium in folders of its own. `reader` and `writer` are the pipes it speaks on."""

    def __init__(self, program: Path, flags: Sequence[str]) -> None:
        """Prepare the folders; nothing runs yet."""
        _sweep()
        self.name = uuid.uuid4().hex
        self.root = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.profile, self.temporary, self.own = (self.root / part for part in ("profile", "tmp", "home"))
        for folder in (self.profile, self.temporary, self.own):
            folder.mkdir(mode=0o700)
        self.before = Emptiness(_entries(self.profile), _entries(self.temporary))
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium refuses to sandbox the superuser
        self.flags = (*FLAGS, *sandbox, f"--user-data-dir={self.profile}", *flags, "about:blank")
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.reader: asyncio.StreamReader | None = None
        self.writer = -1
        self._transport: asyncio.ReadTransport | None = None

    def environment(self) -> dict[str, str]:
        """What the browser inherits: no proxy, no home, no desktop of the user."""
        kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        return {**kept, "HOME": str(self.own), "TMPDIR": str(self.temporary), "LANG": "C.UTF-8"}

    async def start(self) -> None:
        """Start it. Raises `ChromiumMissing`."""
        their_end, writer = os.pipe()
        reader, other_end = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _HIGH) for end in (their_end, other_end)]
        os.close(their_end)
        os.close(other_end)
        self.writer = writer
        os.set_blocking(writer, False)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _LAUNCH, *map(str, ends), str(self.program), *self.flags],
                pass_fds=ends,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self.environment(),
                cwd=self.own,
                start_new_session=True,
            )
        except OSError as error:
            os.close(reader)
            raise ChromiumMissing(f"{self.program} does not start: {error.strerror}") from error
        finally:
            for end in ends:
                os.close(end)
        self.reader = asyncio.StreamReader(limit=1 << 30)
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(self.reader)
        self._transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(reader, "rb", 0))

    async def stop(self) -> bool:
        """Kill it (its profile is thrown away) and remove its folders. True when nothing of them is left."""
        self.kill()
        if self.process is not None:
            await asyncio.to_thread(self.process.wait)
        if self._transport is not None:
            self._transport.close()
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1
        for _ in range(20):
            shutil.rmtree(self.root, ignore_errors=True)
            if not self.root.exists():
                return True
            await asyncio.sleep(0.05)  # a helper process was still writing
        return False

    def alive(self) -> bool:
        """True while the browser's own process runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End the browser and its helpers at once: its process group is its own."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def _sweep() -> None:
    """Remove what visits that were killed a day ago or more left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > OLD_SECONDS and folder.stat().st_uid == os.geteuid():
                shutil.rmtree(folder, ignore_errors=True)


def _entries(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(str(path.relative_to(folder)) for path in folder.rglob("*")))
