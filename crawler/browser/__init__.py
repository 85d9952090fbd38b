"""Visit one page in a throw-away Chromium profile and bring back what was seen, with the facts about the visit.

It decides nothing about cases and writes no ledger: `take` returns a `ledger.clean_facts.Taken`.
"""

from crawler.browser.chromium import Chromium, ChromiumMissing, find_chromium
from crawler.browser.order import Limits, Order
from crawler.browser.outcomes import CleanOutcome
from crawler.browser.rules import RobotsBook
from crawler.browser.visiting import take

__all__ = [
    "Chromium",
    "ChromiumMissing",
    "CleanOutcome",
    "Limits",
    "Order",
    "RobotsBook",
    "find_chromium",
    "take",
]
