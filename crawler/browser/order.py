"""What a clean capture is asked to do, and the bounds it keeps. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Bounds of one visit: seconds, bytes, counts, CSS pixels."""

    start_seconds: float = 30.0  # until the browser answers
    navigate_seconds: float = 30.0  # until the page begins
    load_seconds: float = 20.0  # from there until it is loaded
    quiet_seconds: float = 5.0  # waited at most for the traffic to end
    step_seconds: float = 20.0  # for each of image strip, PDF, text…
    total_seconds: float = 180.0
    traffic_bytes: int = 64 * 1024 * 1024
    requests: int = 1500
    dom_characters: int = 16 * 1024 * 1024
    pdf_bytes: int = 64 * 1024 * 1024
    pdf_pages: int = 200
    page_height: int = 100_000
    strip_height: int = 8_000
    dialogs: int = 20


@dataclass(frozen=True)
class Order:
    """One page to visit. `allow_hosts` ("host:port") are machines that may be asked though they are not public.

    `pause_seconds` is waited between robots.txt and the page; pauses between pages are for the caller.
    `ntp_servers` ("host" or "host:port") and `address_service` (an http(s) address that answers with the asker's IP)
    are asked only when given.
    `extra_flags` are for machines with needs of their own, and stand in the facts as all flags do.
    """

    url: str
    contact: str = "vigie@example.org"
    allow_hosts: tuple[str, ...] = ()
    pause_seconds: float = 5.0
    ntp_servers: tuple[str, ...] = ()
    address_service: str = ""
    limits: Limits = field(default_factory=Limits)
    extra_flags: tuple[str, ...] = ()
