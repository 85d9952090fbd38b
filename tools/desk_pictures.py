"""Take the pictures of the reviewers' guide: six pages, light and dark, desktop and phone, with invented people.

`python tools/desk_pictures.py` writes `docs/images/desk/`; it needs a Chromium on the PATH.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "review")]

from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from review_browser import CHROMIUM, FLAGS, open_desk, served  # noqa: E402
from review_world import World  # noqa: E402

from ledger import Ledger  # noqa: E402
from ledger.clean_tables import CleanCapture, CleanCaptureFile  # noqa: E402
from ledger.desk import ControlCase  # noqa: E402
from ledger.store import PIECE  # noqa: E402
from review import sampling  # noqa: E402

OUT = ROOT / "docs" / "images" / "desk"
TEXTS = (
    ("Cabinet au 2e étage, sans ascenseur.\nLes patients CMU ne sont pas acceptés.\nParking devant l’entrée.",
     "patients CMU ne sont pas acceptés"),
    ("Consultation sur rendez-vous. CMU et AME : uniquement le jeudi matin.", "CMU et AME : uniquement le jeudi matin"),
    ("Honoraires libres. Avance des frais demandée, y compris aux bénéficiaires de la C2S.",
     "y compris aux bénéficiaires de la C2S"),
    ("AME : merci de vous adresser à la permanence d’accès aux soins de l’hôpital.", "AME : merci de vous adresser"),
    ("Pas de tiers payant sauf CMU.", "sauf CMU"),
    ("Dépassements interdits pour les bénéficiaires de la complémentaire santé solidaire.", "bénéficiaires"),
)  # fmt: skip
PAGES = (
    ("file", "celeste", "/file"),
    ("cas", "celeste", "/cas/1"),
    ("recherche", "celeste", "/recherche"),
    ("nouveautes", "alix", "/nouveautes"),
    ("qualite", "adele", "/qualite"),
    ("personnes", "adele", "/personnes"),
)
SIZES = {"bureau": {"width": 1280, "height": 860}, "telephone": {"width": 390, "height": 780}}


PAGE = """<!doctype html><meta charset="utf-8"><style>body{font:17px/1.5 sans-serif;margin:0;color:#223}
header{background:#0a6ebd;color:#fff;padding:14px 32px}main{padding:24px 32px;max-width:860px}h1{margin:0}
p{white-space:pre-line}</style><header>Rendez-vous fictifs</header><main><h1>Dr Camille Exemple</h1>
<p>Médecin généraliste · 3 rue des Lilas, 01000 Bourg-Fictif</p><h2>Présentation</h2><p>%s</p>
<h2>Moyens de paiement</h2><p>Tiers payant pour les bénéficiaires de la CMU.</p></main>"""


def picture(browser: Browser, text: str) -> bytes:
    """An invented page as a browser shows it."""
    page = browser.new_page(viewport={"width": 1000, "height": 560})
    page.set_content(PAGE % text)
    taken = page.screenshot(full_page=True)
    page.close()
    return taken


def visited(ledger: Ledger, case_id: int, image: bytes) -> None:
    """A visit of the case's page by a browser, with its image."""
    address = ledger.store.put(image, PIECE)
    at = datetime.now(UTC)
    with ledger.session() as session:
        row = CleanCapture(
            case_id=case_id, url="https://exemple.test/", final_url="https://exemple.test/", captured_at=at,
            ended_at=at, outcome="page", reason="", status=200, grade="complete", gaps=[], wording="stayed",
            profile="p", browser="Chromium", software="vigie", facts_sha256=address,
        )  # fmt: skip
        session.add(row)
        session.flush()
        held = {"kind": "image", "name": "page-01.png", "media_type": "image/png", "sha256": address}
        session.add(CleanCaptureFile(clean_capture_id=row.id, position=1, size=len(image), **held))


def furnish(ledger: Ledger, browser: Browser) -> None:
    """Invented people and cases in every state."""
    world = World(ledger)
    ids = [world.case(*TEXTS[i % len(TEXTS)]) for i in range(36)]
    for case_id in ids[:6]:
        visited(ledger, case_id, picture(browser, TEXTS[(case_id - 1) % len(TEXTS)][0]))
    world.reviewers("alix", "basile")
    world.reviewers("celeste", role="adjudicator")
    world.reviewers("adele", role="administrator")
    world.reviewers("aude", role="auditor")
    world.reviewers("edith", role="editor")
    for number, case_id in enumerate(ids[6:34]):
        first = "dismiss" if number % 3 == 0 else "confirm"
        world.cast(case_id, "alix", first)
        world.cast(case_id, "basile", "doubt" if number % 9 == 8 else first)
    with ledger.session() as session:
        for case_id in ids[6:18]:
            decision = "dismiss" if (case_id - 7) % 3 == 0 else "confirm"
            session.add(ControlCase(case_id=case_id, decision=decision, added_by="adele", added_at=datetime.now(UTC)))
        for kind in sampling.KINDS:
            sampling.draw(session, kind, "adele")
        for _ in range(8):
            found = sampling.next_item(session, world.people["celeste"])
            if found is not None:
                sampling.answer(session, found[0].id, world.people["celeste"], "no", "celeste")


def main() -> None:
    """Furnish a desk, walk through it, take the pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        ledger = Ledger.open(Path(folder) / "home")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        furnish(ledger, browser)
        with served(ledger, demo_notice="Démonstration : praticiens inventés.") as desk:
            for scheme in ("light", "dark"):
                for size, viewport in SIZES.items():
                    for login in ("celeste", "alix", "adele"):
                        context, page = open_desk(browser, desk, login, color_scheme=scheme, viewport=viewport)
                        for name, who, path in PAGES:
                            if who == login:
                                page.goto(desk + path)
                                shade = "clair" if scheme == "light" else "sombre"
                                target = OUT / f"{name}-{size}-{shade}.jpg"
                                page.screenshot(path=target, type="jpeg", quality=72)
                        context.close()
        browser.close()
        ledger.close()


if __name__ == "__main__":
    main()
