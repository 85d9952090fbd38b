"""No block, consent, login, missing or error page is taken for a listing, on any platform; no true page for a wall."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from crawler.outcomes import Outcome, classify
from crawler.parsers import parsers
from crawler.reading import Unreadable
from crawler.sandbox import Sandbox, pages, platforms
from ledger.warc import Exchange
from reference import load_reference

HERE = Path(__file__).parent
KINDS = {"h": "text/html; charset=utf-8", "j": "application/json", "t": "text/plain"}
LISTINGS = {  # an address on which each platform shows a listing: as a page, and as an answer
    "doctolib": ("https://www.doctolib.fr/dentiste/ville/noa-gabarit", "https://www.doctolib.fr/profiles/noa-gabarit.json"),
    "maiia": ("https://www.maiia.com/dentiste/01000-ville/gabarit-noa", "https://www.maiia.com/api/pat-public/hcd?page=0"),
    "keldoc": (
        "https://www.keldoc.com/dentiste/ville-01000/gabarit-noa",
        "https://booking.keldoc.com/api/patients/v2/searches/resource?type=a&location=ville-01000&slug=gabarit-noa",
    ),
    "ordoclic": (
        "https://app.ordoclic.fr/app/medecin/noa-gabarit",
        "https://api.ordoclic.fr/v1/professionals/profile/noa-gabarit",
    ),
    "avecmondoc": (
        "https://patient.avecmondoc.com/fiche/structure/noa-gabarit-1",
        "https://api.avecmondoc.com/api/Organizations/slug/noa-gabarit-1",
    ),
    "practice_site": ("https://cabinet.example/honoraires", "https://cabinet.example/"),
}  # fmt: skip


def answer(url: str, body: str, kind: str = "h", status: int = 200, header: str = "") -> Exchange:
    """A captured answer."""
    headers = (("Content-Type", KINDS[kind]), *([tuple(header.split(": ", 1))] if header else []))
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    return Exchange(url, "GET", (), b"", status, "", headers, body.encode(), moment)  # type: ignore[arg-type]


def walls() -> Iterator[tuple[str, str, Exchange]]:
    """Every page of the table: its group, the outcome it must have (« - »: any), the answer on a practice's site."""
    for group, block in yaml.safe_load((HERE / "walls.yaml").read_text("utf-8")).items():
        for line in block.strip().splitlines():
            outcome, status, kind, body = (part.strip() for part in f"{line} ".split(" | ", 3))
            header, tilde, rest = body.partition(" ~")
            told, body = (header, rest) if tilde and "<" not in header else ("", body)
            yield group, outcome, answer(LISTINGS["practice_site"][0], body, kind, int(status), told)


WALLS = list(walls())


def taken_for_a_listing(exchange: Exchange, platform: str) -> bool:
    """True when the answer would be read, and a listing be found in it."""
    if classify(exchange)[0] is not Outcome.PAGE:
        return False
    try:
        return bool(list(parsers()[platform].parse(exchange)))
    except Unreadable:
        return False


@pytest.mark.parametrize("group", sorted({group for group, _, _ in WALLS} - {"unlisted"}))
def test_a_wall_is_called_what_it_is(group: str) -> None:
    wrong = [
        (outcome, *classify(exchange), exchange.body[:80])
        for name, outcome, exchange in WALLS
        if name == group and classify(exchange)[0] != outcome
    ]
    assert wrong == []


@pytest.mark.parametrize("platform", LISTINGS)
def test_none_of_the_walls_is_taken_for_a_listing(platform: str) -> None:
    taken = [
        exchange.body[:100]
        for url in LISTINGS[platform]
        for _, _, exchange in WALLS
        if taken_for_a_listing(Exchange(**{**vars_of(exchange), "url": url}), platform)
    ]
    assert (len(taken), len(WALLS)) == (0, 262), taken


def vars_of(exchange: Exchange) -> dict[str, object]:
    return {name: getattr(exchange, name) for name in Exchange.__dataclass_fields__}


def test_every_platform_and_every_kind_of_wall_is_tried() -> None:
    assert set(LISTINGS) == set(parsers())
    assert {outcome for _, outcome, _ in WALLS} >= {wall.outcome for wall in load_reference().walls.values()}


PRACTICE = "Cabinet dentaire du docteur Camille Durand, 4 rue des Lilas, 69003 Lyon. CMU non acceptée."
PAGES = [  # what stands on true pages too; all of them short
    "<h1>Cabinet Durand</h1><p>{}</p><script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>",
    "<h1>Cabinet Durand</h1><p>{}</p><script src='https://js.datadome.co/tags.js'></script>",
    "<h1>Contact</h1><p>{} Appelez-nous du lundi au vendredi, de 9 h à 18 h, ou écrivez-nous par ce formulaire ; "
    "réponse sous deux jours ouvrés.</p><form><div class='g-recaptcha'></div><p>Je ne suis pas un robot</p></form>",
    "<h1>Contact</h1><p>{}</p><form><div class='h-captcha'></div><button>Envoyer</button></form>",
    "<h1>Questions</h1><h2>L’ACS n’existe plus</h2><p>{}</p>",
    "<h1>Dr Durand</h1><h2>Temporairement indisponible</h2><p>{}</p>",
    "<h1>Règlement</h1><h2>Accès interdit aux animaux</h2><p>{}</p>",
    "<h1>Cabinet, 1404 route de Lyon</h1><p>{}</p>",
    "<h1>Honoraires</h1><p>{} En acceptant le devis, vous acceptez le règlement. Avant de continuer, lisez-le.</p>",
    "<div id='tarteaucitronRoot'><p>Ce site utilise des cookies.</p><button>Tout accepter</button></div><p>{} "
    "Le cabinet reçoit sur rendez-vous du lundi au vendredi. Urgences : le 15.</p>",
    "<div class='cookie-banner'><p>Continuer sans accepter</p></div><h1>Cabinet</h1><p>{} Soins, prothèses, "
    "prévention, implantologie. Parking derrière l’immeuble.</p>",
    "<a href='/connexion'>Espace patient</a><h1>Cabinet</h1><p>{}</p>",
    "<p>{}</p><footer>Protégé par reCAPTCHA</footer>",
    "<h1>File d’attente</h1><p>{} La salle d’attente est au premier étage.</p>",
    "<h1>CMU</h1><p>Refusée. {}</p>",
    "<h1>Urgences</h1><p>{} Trop de monde ? Rappelez plus tard.</p>",
    "<p>Le docteur ne consulte plus : sa page n’existe que pour mémoire. {}</p>",
    "<h1>Informations</h1><p>{} Notre ligne est momentanément saturée.</p>",
    "<script>if(old){{location.href='/mobile'}}</script><h1>Cabinet Durand</h1><p>{} Horaires : de 9 h à 18 h du lundi "
    "au vendredi, le samedi sur rendez-vous.</p>",
    "<h1>Consentement aux soins</h1><p>{} Votre consentement est demandé avant chaque acte.</p>",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_true_page_is_not_taken_for_a_wall(page: str) -> None:
    exchange = answer(LISTINGS["practice_site"][0], f"<html><body>{page.format(PRACTICE)}</body></html>")
    assert classify(exchange) == (Outcome.PAGE, "")
    (listing,) = parsers()["practice_site"].parse(exchange)
    assert any("CMU" in passage.text for passage in listing.passages)


@pytest.mark.parametrize(
    "script",
    [
        "<script>if(!window.fetch){location.href='/navigateur-ancien'}</script>",
        "<script src='https://www.google.com/recaptcha/api.js'></script><div class='g-recaptcha'></div>",
        "<script src='https://a.token.awswaf.com/a/challenge.js' defer></script>",
        "<script>window._pxAppId='PX1';window.KPSDK={};</script><script src='/reese84.js'></script>",
        "<noscript><meta http-equiv='refresh' content='0;url=/connexion'></noscript>",
        "<script src='https://sdk.privacy-center.org/loader.js'></script><div id='didomi-host'></div>",
        "<script src='https://js.datadome.co/tags.js'></script>",
    ],
)
def test_a_page_that_shows_little_and_carries_its_data_is_no_wall(script: str) -> None:
    """The state of such a page is its wording: what guards and consent tools add to it must not hide it."""
    folder = HERE / "spiders" / "fixtures" / "maiia" / "page"
    body = (folder / "body.html").read_text("utf-8").replace("</head>", f"{script}</head>", 1)
    exchange = answer(LISTINGS["maiia"][0].replace("ville/gabarit-noa", "ville-inventee/exemple-noa"), body)
    assert classify(exchange) == (Outcome.PAGE, "")
    assert any("C2S" in passage.text for one in parsers()["maiia"].parse(exchange) for passage in one.passages)


def test_no_page_of_the_fixtures_or_of_the_practice_platform_is_taken_for_a_wall() -> None:
    seen = 0
    for folder in (HERE / "spiders" / "fixtures").glob("*/*"):
        expected = json.loads((folder / "expected.json").read_text("utf-8"))
        info = json.loads((folder / "info.json").read_text("utf-8"))
        if any(one["passages"] for one in expected.get("listings", ())):
            body = next(folder.glob("body.*")).read_text("utf-8", "replace")
            exchange = answer(info["url"], body, "j" if "json" in info["content_type"] else "h")
            assert classify(exchange) == (Outcome.PAGE, ""), folder
            seen += 1
    world = Sandbox(seed=3, listings=100)
    for number in range(100):
        if world.person(number).is_site:
            texts = list(pages.site_pages(world, number).values())
        else:
            shown = platforms.asked(world, f"/dentiste/01000-a/{world.person(number).slug}", {})
            texts = [pages.profile_page(world, number), str(shown.make()) if shown else ""]
        for text in texts:
            assert classify(answer("https://cabinet.example/", text)) == (Outcome.PAGE, "")
            seen += 1
    assert seen > 280
