"""What a visit has seen so far: filled in as it goes, read by the facts at the end. It does nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crawler.browser.asking import Named
from crawler.browser.chromium import Emptiness
from ledger.clean_facts import Piece


@dataclass
class Seen:
    """One visit. What is None or empty was not seen."""

    started_at: datetime
    profile: str = ""
    host: Named | None = None
    before: Emptiness | None = None  # the folders, before the browser was started
    version: dict[str, Any] = field(default_factory=dict)  # Browser.getVersion
    command_line: str = ""
    targets: list[str] | None = None  # addresses of what ran in the browser before the page
    cookies: int | None = None  # before the page
    history: int | None = None  # addresses visited before the page, by the profile's own database
    cache_entries: int | None = None  # in the profile's cache before the page
    from_cache: int = 0  # answers that came from a cache on disk
    visited: list[dict[str, Any]] = field(default_factory=list)  # requests for the page itself, in order
    typed: str = ""
    scrolled: int = 0  # steps
    remote: str = ""  # address of the machine that sent the page
    clicks: int = 0
    dialogs: int = 0
    popups: int = 0
    downloads: int = 0
    refused: list[str] = field(default_factory=list)  # requests the guard refused
    chain: list[str] = field(default_factory=list)  # base64 DER
    security: dict[str, Any] = field(default_factory=dict)
    public_address: tuple[str, str] | None = None  # address, by whom
    pieces: list[Piece] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)  # gaps, in French
    visible_text: str = ""
    hidden_text: str = ""
    final_url: str = ""
    status: int | None = None
    requests: int = 0
    rest_asked: float = 0.0  # seconds of Retry-After
    profile_removed: bool | None = None
