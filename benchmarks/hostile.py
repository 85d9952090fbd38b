"""1,000 hostile texts as crawled content, each opened in a real Chromium: does anything run, or ask anybody elsewhere?

`python -m benchmarks.hostile [TEXTS]`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from ledger import Ledger

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "review"))


def main(number: int = 1000) -> None:
    """Show that many; raises `SystemExit` when anything ran."""
    from playwright.sync_api import sync_playwright
    from review_browser import CHROMIUM, FLAGS
    from test_review_hostile import hostile_world, show_all

    if CHROMIUM is None:
        print("hostile texts: no Chromium on this machine")
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        ledger = Ledger.open(Path(folder) / "home")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        told = show_all(browser, hostile_world(ledger, number), number)
        browser.close()
        ledger.close()
    if told:
        raise SystemExit(f"hostile texts: {len(told)} ran or asked elsewhere: {told[:5]}")
    print(f"hostile texts: {number} opened in {time.monotonic() - began:.0f} s, nothing ran")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
