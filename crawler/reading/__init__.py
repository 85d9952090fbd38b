"""Read stored answers: pure functions from a response's bytes to passages and practitioners. No network, no Scrapy.

`Unreadable` is the one error a reader raises: the caller records it against the capture and goes on.
"""

from __future__ import annotations

from crawler.reading.errors import Unreadable
from crawler.reading.locators import resolve

__all__ = ["Unreadable", "resolve"]
