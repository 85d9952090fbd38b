"""Prepare a checkout on a machine that has Python, make and a package index, and nothing else. Standard library only.

Steps, each skipped when it is already done: get uv (a pinned wheel, checked by SHA-256), create `.venv` from `uv.lock`,
prepare the third reader's working files and see that a Chromium is there for browser captures and tests.
A machine without a Chromium still gets a working Vigie: the one command that installs it is printed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".vigie-setup"
UV_VERSION = "0.13.9"
UV_WHEELS = {  # (system, machine): file name, SHA-256
    ("Linux", "x86_64"): (
        "uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    ("Linux", "aarch64"): (
        "uv-0.13.9-py3-none-manylinux_2_28_aarch64.whl",
        "ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375",
    ),
    ("Darwin", "x86_64"): (
        "uv-0.13.9-py3-none-macosx_10_12_x86_64.whl",
        "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
    ),
    ("Darwin", "arm64"): (
        "uv-0.13.9-py3-none-macosx_11_0_arm64.whl",
        "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
    ),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_BROWSERS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


class SetupError(Exception):
    """One clear line for the person who typed `make setup`."""


def say(line: str) -> None:
    """One line of progress, at once (make buffers nothing, but pipes do)."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def wanted_stamp() -> str:
    """What the environment was made from: the lock, the project file, and the interpreter it was made with."""
    digest = hashlib.sha256()
    for name in ("uv.lock", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def environment_is_current() -> bool:
    """True when `.venv` was made from this very lock and its interpreter still exists."""
    python = VENV / "bin" / "python"
    return STAMP.is_file() and STAMP.read_text() == wanted_stamp() and python.exists()


def package_index() -> str:
    """The simple index to ask: the one the operator configured for uv or pip, else PyPI."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(name):
            return os.environ[name].rstrip("/")
    return "https://pypi.org/simple"


class _Links(HTMLParser):
    """The addresses of a simple index page, by file name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            path = urllib.parse.urlsplit(href).path
            self.found[urllib.parse.unquote(path.rsplit("/", 1)[-1])] = href


def fetch(url: str, accept: str = "*/*") -> tuple[bytes, str]:
    """Body and content type of `url`. Raises `SetupError` naming the address when it cannot be had."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=120) as answer:
            return answer.read(), answer.headers.get_content_type()
    except (urllib.error.URLError, OSError) as error:
        raise SetupError(f"cannot reach the package index at {url}: {error}") from error


def download_uv(target: Path) -> None:
    """Put the pinned uv at `target`, from its wheel. A wheel of any other content is refused."""
    key = (platform.system(), {"arm64": "arm64", "amd64": "x86_64"}.get(platform.machine(), platform.machine()))
    if key not in UV_WHEELS:
        raise SetupError(f"no pinned uv for {' '.join(key)}: install uv {UV_VERSION} yourself and run make again")
    name, expected = UV_WHEELS[key]
    page = package_index() + "/uv/"
    body, kind = fetch(page, "application/vnd.pypi.simple.v1+json, text/html;q=0.5")
    if "json" in kind:
        links = {file["filename"]: file["url"] for file in json.loads(body)["files"]}
    else:
        parser = _Links()
        parser.feed(body.decode("utf-8", "replace"))
        links = parser.found
    if name not in links:
        raise SetupError(f"the package index at {page} does not have {name}")
    wheel, _ = fetch(urllib.parse.urljoin(page, links[name]))
    if hashlib.sha256(wheel).hexdigest() != expected:
        raise SetupError(f"{name} does not have the pinned SHA-256: refused")
    with zipfile.ZipFile(BytesIO(wheel)) as archive:
        binary = archive.read(f"uv-{UV_VERSION}.data/scripts/uv")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(binary)
    partial.chmod(0o755)
    partial.replace(target)


def uv() -> str:
    """Path of the pinned uv: the checkout's own copy, or one on the PATH of the very same version."""
    own = ROOT / ".tools" / f"uv-{UV_VERSION}" / "uv"
    if own.is_file():
        return str(own)
    found = shutil.which("uv")
    if found:
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.split()[1:2] == [UV_VERSION]:
            return found
    say(f"setup: getting uv {UV_VERSION}")
    download_uv(own)
    return str(own)


def make_environment() -> None:
    """Create or update `.venv` exactly as `uv.lock` says. Raises `SetupError` when uv fails."""
    tool = uv()
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    # The machine's own certificates, as for uv itself: behind a proxy that has its own, uv's bundled ones know nobody.
    environment.setdefault("UV_SYSTEM_CERTS", "true")
    say("setup: installing the locked dependencies into .venv")
    STAMP.unlink(missing_ok=True)
    command = [tool, "sync", "--frozen", "--quiet", "--python", sys.executable, "--project", str(ROOT)]
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise SetupError("uv could not install the locked dependencies: its message is above")
    STAMP.write_text(wanted_stamp())


def build_third_reader() -> None:
    """Derive the third reader's working files from the installed base model; nothing is done when they are there."""
    command = [str(VENV / "bin" / "python"), "-m", "detection.deep"]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError("the third reader could not be prepared: its message is above")


def browser() -> str | None:
    """Path of an installed Chromium or Chrome, or None."""
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    return next((path for path in MAC_BROWSERS if Path(path).is_file()), None)


def see_to_browser() -> None:
    """Install Debian's Chromium where this user may; otherwise print the one command that does, and go on."""
    if browser():
        return
    command = "sudo apt-get install -y chromium"
    if platform.system() == "Darwin":
        command = "brew install --cask chromium"
    elif shutil.which("apt-get") and os.geteuid() == 0 and Path("/etc/debian_version").exists():
        say("setup: installing Chromium")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
        subprocess.run(["apt-get", "update"], env=environment, **quiet)  # type: ignore[call-overload]
        subprocess.run(install, env=environment, **quiet)  # type: ignore[call-overload]
        if browser():
            return
        command = "apt-get install -y chromium"
    say(f"setup: no Chromium found; browser captures and browser tests are left out until: {command}")


def main() -> int:
    """Exit status: 0 ready, 2 one clear line on standard error."""
    if sys.version_info < (3, 11):
        sys.stderr.write(f"setup: Python 3.11 or newer is needed, this is {platform.python_version()}\n")
        return 2
    try:
        if not environment_is_current():
            make_environment()
        build_third_reader()
        see_to_browser()
    except SetupError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
