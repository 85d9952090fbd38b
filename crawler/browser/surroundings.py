"""What this machine says of itself: make, system, patches, ways to the network, names, walls. It changes nothing.

Each function answers what could be read, with nothing guessed; what is missing is for the facts to say.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

Values = dict[str, Any]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "auto_proxy")
POLICIES = ("/etc/chromium/policies", "/etc/opt/chrome/policies", "/etc/chromium-browser/policies")
PACKAGES = (
    "/var/lib/dpkg/status",
    "/var/lib/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/lib/apk/db/installed",
)
SECONDS = 5.0
MOST = 20_000  # characters kept of a firewall's rules


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip("\0 \n")
    except OSError:
        return ""


@cache
def machine() -> Values:
    """Maker, model and serial number of the machine as its firmware tells them, processor, memory."""
    firmware = {name: _read(f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name", "product_serial")}
    cpu = next(
        (line.partition(":")[2].strip() for line in _read("/proc/cpuinfo").splitlines() if "model name" in line), ""
    )
    memory = next((line.split()[1] for line in _read("/proc/meminfo").splitlines() if line.startswith("MemTotal")), "")
    return {
        "host": platform.node(),
        "maker": firmware["sys_vendor"],
        "model": firmware["product_name"] or _read("/proc/device-tree/model"),
        "serial": firmware["product_serial"] or _read("/proc/device-tree/serial-number"),
        "processor": cpu or platform.processor() or platform.machine(),
        "memory_kib": int(memory) if memory.isdigit() else None,
    }


def system() -> Values:
    """The system's name, its kernel, and when a package was last installed or updated (UTC)."""
    lines = (line.partition("=") for line in _read("/etc/os-release").splitlines())
    release = {key: value.strip('"') for key, _, value in lines}
    changed = [Path(path).stat().st_mtime for path in PACKAGES if Path(path).is_file()]
    patched = datetime.fromtimestamp(max(changed), UTC).isoformat(timespec="seconds") if changed else None
    return {
        "name": release.get("PRETTY_NAME") or platform.platform(),
        "version": release.get("VERSION_ID", platform.release()),
        "kernel": f"{platform.system()} {platform.release()} {platform.version()}",
        "architecture": platform.machine(),
        "packages_changed_at": patched,
    }


def system_proxies() -> Values:
    """Proxies that the environment or the system's settings name: the names and where, never a password."""
    found = {name: _host_of(value) for name, value in os.environ.items() if name.lower() in PROXIES and value}
    lines = (line.strip().removeprefix("export ") for line in _read("/etc/environment").splitlines())
    named = (line.partition("=") for line in lines if line.partition("=")[0].lower() in PROXIES)
    return {"environment": found, "etc_environment": {name: _host_of(value.strip("\"'")) for name, _, value in named}}


def _host_of(proxy: str) -> str:
    return proxy.rpartition("@")[2][:200]


def policies() -> Values:
    """What the browser's administrators impose on this machine (proxies, extensions), by policy file."""
    found: Values = {}
    for folder in POLICIES:
        for path in sorted(Path(folder).rglob("*.json")) if Path(folder).is_dir() else []:
            try:
                found[str(path)] = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError):
                found[str(path)] = "unreadable"
    return found


def network() -> Values:
    """Interfaces that are up, with their hardware addresses, and the default routes of the kernel's tables."""
    interfaces = {}
    root = Path("/sys/class/net")
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        if _read(str(path / "operstate")) in ("up", "unknown"):
            interfaces[path.name] = _read(str(path / "address"))
    routes = []
    for line in _read("/proc/net/route").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 2 and fields[1] == "00000000":
            gateway = ".".join(str(byte) for byte in reversed(bytes.fromhex(fields[2])))
            routes.append({"interface": fields[0], "gateway": gateway})
    return {"interfaces": interfaces, "default_routes": routes}


def name_servers() -> list[str]:
    """The name servers the system's resolver is told to ask."""
    lines = (line.split() for line in _read("/etc/resolv.conf").splitlines())
    return [fields[1] for fields in lines if len(fields) > 1 and fields[0] == "nameserver"]


@cache
def firewall() -> Values:
    """The rules in force, by the first tool that tells them; `rules` is None when none does, and `why` says so."""
    why = []
    for command in (["nft", "list", "ruleset"], ["iptables-save"], ["ufw", "status", "verbose"]):
        program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/sbin")
        if program is None:
            why.append(f"{command[0]} absent")
            continue
        try:
            answer = subprocess.run(
                [program, *command[1:]], capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why.append(f"{command[0]} : {type(error).__name__}")
            continue
        if answer.returncode == 0:
            rules = answer.stdout.decode("utf-8", "replace").strip()
            return {"tool": " ".join(command), "rules": rules[:MOST], "cut": len(rules) > MOST}
        why.append(f"{command[0]} refuse ({answer.returncode})")
    return {"rules": None, "why": ", ".join(why)}
