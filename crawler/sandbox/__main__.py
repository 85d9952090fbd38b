"""`python -m crawler.sandbox`: serve the practice platform by itself, for practising by hand."""

from __future__ import annotations

import argparse
import sys
import threading

from crawler.sandbox import Sandbox, SandboxServer
from crawler.sandbox.platforms import CODES


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m crawler.sandbox", description=__doc__)
    for name, default in (("port", 8081), ("listings", 300), ("seed", 1), ("day", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with SandboxServer(Sandbox(given.seed, given.listings, given.day), given.port) as server:
        for platform in ("doctolib", "practice_site", *CODES):
            sys.stdout.write(f"{platform}: {' '.join(server.start_urls(platform))}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
