"""`make bench`: what each part costs beside a peer, in one run. `python -m benchmarks NAME …` runs those alone."""

from __future__ import annotations

import sys
from importlib import import_module

PARTS = (
    "reading",
    "storing",
    "evidence",
    "tampering",
    "linking",
    "politeness",
    "watchmen",
    "year",
    "fleet",
    "crawling",
    "dossiers",
    "pdf",
    "desk",
    "hostile",
    "odd",
    "blindness",
)

if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(PARTS)
    if unknown:
        sys.exit(f"benchmarks: no part is named {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    for name in sys.argv[1:] or PARTS:
        print(f"== {name}")
        import_module(f"benchmarks.{name}").main()
