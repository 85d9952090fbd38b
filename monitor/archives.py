"""Ask outside archives to keep a page, in the manner of « Save Page Now ». It decides for no page: its callers do.

An archive answers with the address of its copy (`Content-Location`, or a redirect to it), or with a job that is asked
about until it says « success » or « error ».
"""

from __future__ import annotations

import json
import os
import re
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from typing import Any

from ledger import Ledger
from ledger.sealing.tokens import Fault, StampFault
from ledger.third_archives import ArchiveReport, Copy, Keep, archives_due
from monitor.authorities import Reply, fetch
from monitor.settings import ArchiveSettings, BadSettings, Settings

LARGEST = 1_000_000  # bytes of an answer that are read
DIGITS = re.compile(r"/(\d{14})[a-z_]*/")
JOB = re.compile(r"[A-Za-z0-9_-]{1,190}")


def ask_archives(
    ledger: Ledger, settings: Settings, *, case_id: int | None = None, everything: bool = False
) -> ArchiveReport:
    """Ask what is due of the configured archives: none, unless the operator names some. Raises `BadSettings`."""
    keep = over_http({one.name: (one, _key(one)) for one in settings.archives}, settings.archive_seconds)
    names = [one.name for one in settings.archives]
    return archives_due(ledger, names, keep, case_id=case_id, everything=everything)


def over_http(archives: dict[str, tuple[ArchiveSettings, str]], seconds: float) -> Keep:
    """How archives are reached: one bounded request a question, no redirect followed."""

    def keep(name: str, url: str, job: str) -> Copy:
        archive, key = archives[name]
        if job and archive.status:
            address = archive.status.replace("{job}", urllib.parse.quote(job, safe=""))
        else:
            address = archive.save.replace("{url}", urllib.parse.quote(url, safe=":/?&=%~!$'()*+,;@-._"))
        headers = {"Accept": "application/json", **({"Authorization": key} if key else {})}
        reply = fetch(urllib.request.Request(address, headers=headers), seconds, LARGEST)
        return _copy(archive, address, url, reply)

    return keep


def _key(archive: ArchiveSettings) -> str:
    if not archive.key_variable:
        return ""
    key = os.environ.get(archive.key_variable, "").strip()
    if not key or not key.isprintable():
        raise BadSettings(f"archive {archive.name}: the environment has no key in {archive.key_variable}")
    return key


def _copy(archive: ArchiveSettings, asked: str, url: str, reply: Reply) -> Copy:
    """What the archive says. Raises `StampFault`."""
    if reply.status == 429 or reply.status >= 500:
        raise StampFault(Fault.HTTP_ERROR, f"HTTP status {reply.status}")
    if reply.status >= 400:
        raise StampFault(Fault.REFUSED, f"HTTP status {reply.status}: {_words(reply.body)}")
    address = urllib.parse.urljoin(asked, reply.location) if reply.location else ""
    if (stamp := DIGITS.search(address)) and _same_host(address, asked, archive):
        return Copy(address, _moment(stamp.group(1)))
    try:
        told = json.loads(reply.body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise StampFault(Fault.MALFORMED, "the answer names neither a copy nor a job")
    return _told(archive, url, told)


def _told(archive: ArchiveSettings, url: str, told: dict[str, Any]) -> Copy:
    """The answer of an archive that works at a job."""
    state, stamp, job = (str(told.get(name) or "") for name in ("status", "timestamp", "job_id"))
    if state == "success" and re.fullmatch(r"\d{14}", stamp) and archive.copy_at:
        page = str(told.get("original_url") or url)
        if page.rstrip("/") != url.rstrip("/"):
            raise StampFault(Fault.WRONG_IMPRINT, f"the archive kept another page: {page[:200]}")
        return Copy(archive.copy_at.replace("{timestamp}", stamp).replace("{url}", url), _moment(stamp))
    if state == "error":
        raise StampFault(Fault.REFUSED, " ".join(str(told.get("message") or told.get("exception")).split())[:300])
    if state in ("", "pending") and JOB.fullmatch(job) and archive.status:
        return Copy(job=job)
    raise StampFault(Fault.MALFORMED, "the answer names neither a copy nor a job")


def _same_host(address: str, asked: str, archive: ArchiveSettings) -> bool:
    """The copy is with the archive that was asked, or where the configuration says its copies are."""
    known = {urllib.parse.urlsplit(one).netloc for one in (asked, archive.copy_at)}
    return urllib.parse.urlsplit(address).netloc in known


def _moment(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _words(body: bytes) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", body[:2000].decode("utf-8", "replace")).split())[:200]
