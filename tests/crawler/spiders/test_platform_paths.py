"""Where the spiders of the further platforms go: what they ask, under which name, and where they stop."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fixture_cases import CASES_OF, Case
from scrapy.http import Request, TextResponse

from crawler.items import FoundListing
from crawler.spiders import avecmondoc, keldoc, maiia, ordoclic
from crawler.spiders.base import PlatformSpider


def met(spider: PlatformSpider, case: Case, callback: str = "parse", **passed: Any) -> tuple[list[Request], list[Any]]:
    """What a callback does with the fixture as its answer."""
    request = Request(case.exchange.url, meta={"exchange": case.exchange})
    response = TextResponse(case.exchange.url, body=case.exchange.body, request=request, encoding="utf-8")
    made = list(getattr(spider, callback)(response, **passed))
    return [m for m in made if isinstance(m, Request)], [m for m in made if isinstance(m, FoundListing)]


def referer(request: Request) -> str:
    return (request.headers.get("Referer") or b"").decode()


def test_maiia_goes_from_the_search_to_pages_and_from_a_page_to_its_centres_motives() -> None:
    spider = maiia.MaiiaSpider()
    requests, found = met(spider, CASES_OF["maiia", "search"])
    assert [urlsplit(r.url).path for r in requests] == [
        "/medecin-generaliste/01000-ville-inventee/exemple-noa",
        "/centre-de-sante/01000-ville-inventee/antenne-du-modele",
        "/centre-de-sante/01000-ville-inventee/centre-de-l-essai",
    ]
    assert len(found) == 3
    requests, found = met(spider, CASES_OF["maiia", "page"], "parse_page")
    assert requests == []  # the motives of its centre are not all this practitioner's
    assert len(found) == 2
    page = CASES_OF["maiia", "page_of_centre"]
    requests, found = met(spider, page, "parse_page")
    assert requests[0].url == (
        "https://www.maiia.com/api/pat-public/consultation-reason-hcd?rootCenterId=c1&limit=200&page=0"
    )
    assert referer(requests[0]) == page.exchange.url
    assert len(found) == 1


@pytest.mark.parametrize(
    ("url", "total", "following"),
    [
        ("https://a.example/x?limit=50&page=0", 120, "https://a.example/x?limit=50&page=1"),
        ("https://a.example/x?limit=50&page=1", 100, ""),
        ("https://a.example/x", 100, ""),
    ],
)
def test_maiias_search_ends_with_its_total(url: str, total: int, following: str) -> None:
    assert maiia.next_page(url, total) == following


def test_keldoc_asks_its_booking_host_and_names_the_public_page() -> None:
    spider = keldoc.KeldocSpider()
    requests, found = met(spider, CASES_OF["keldoc", "search"])
    first, second, following = requests
    assert urlsplit(first.url).netloc == "booking.keldoc.com"
    assert parse_qs(urlsplit(first.url).query) == {
        "type": ["cabinet-medical"], "location": ["ville-inventee-01000"], "slug": ["cabinet-du-gabarit"],
    }  # fmt: skip
    assert referer(first) == "https://www.keldoc.com/cabinet-medical/ville-inventee-01000/cabinet-du-gabarit"
    assert referer(second).endswith("/dentiste/ville-inventee-01000/modele-noa")
    assert parse_qs(urlsplit(following.url).query)["page"] == ["2"]
    assert len(found) == 2


def test_keldoc_asks_motives_of_clinics_alone() -> None:
    spider = keldoc.KeldocSpider()
    clinic, _ = met(spider, CASES_OF["keldoc", "resource"], "parse_resource", key="a/b-01000/c")
    assert sorted(urlsplit(r.url).path.rsplit("/v2/")[1] for r in clinic) == [
        "cabinets/91001/details",
        "cabinets/91004/details",
        "clinics/9737/specialties/7/cabinets/91001/motive_categories",
        "clinics/9737/specialties/7/cabinets/91004/motive_categories",
    ]
    person, _ = met(spider, CASES_OF["keldoc", "resource_person"], "parse_resource", key="a/b-01000/c")
    assert [urlsplit(r.url).path for r in person] == ["/api/patients/v2/cabinets/91009/details"]


def test_ordoclic_tells_houses_from_professionals() -> None:
    spider = ordoclic.OrdoclicSpider()
    requests, _ = met(spider, CASES_OF["ordoclic", "search"])
    assert [r.url for r in requests] == [
        "https://api.ordoclic.fr/v1/public/entities/profile/pharmacie-du-gabarit-ville-inventee",
        "https://api.ordoclic.fr/v1/professionals/profile/noa-modele",
    ]
    assert referer(requests[1]) == "https://app.ordoclic.fr/app/medecin/noa-modele"
    page = "/app/pharmacie/pharmacie-du-gabarit-ville-inventee"
    (motives,), found = met(spider, CASES_OF["ordoclic", "profile"], "parse_profile", page=page)
    assert urlsplit(motives.url).path == "/v1/solar/entities/00000000-0000-4000-8000-000000000001/reasons"
    assert referer(motives) == f"https://app.ordoclic.fr{page}"
    assert len(found) == 1
    assert ordoclic.next_page("https://a.example/?page=2", 3) == "https://a.example/?page=3"
    assert ordoclic.next_page("https://a.example/?page=3", 3) == ""


def test_avecmondoc_asks_one_answer_a_structure() -> None:
    spider = avecmondoc.AvecmondocSpider()
    (request,), _ = met(spider, CASES_OF["avecmondoc", "search"])
    assert request.url == "https://api.avecmondoc.com/api/Organizations/slug/cabinet-du-gabarit-9159"
    _, found = met(spider, CASES_OF["avecmondoc", "structure"], "parse_structure")
    assert len(found) == 1


@pytest.mark.parametrize("name", ["maiia", "keldoc", "ordoclic", "avecmondoc"])
def test_a_public_page_may_be_a_start_address_and_the_limit_is_kept(name: str) -> None:
    module = {"maiia": maiia, "keldoc": keldoc, "ordoclic": ordoclic, "avecmondoc": avecmondoc}[name]
    spider = getattr(module, f"{name.capitalize()}Spider")(limit=1)
    requests, found = met(spider, CASES_OF[name, "page"])
    assert len(requests) == (name != "maiia")
    assert len(found) == 1
    further, _ = met(spider, CASES_OF[name, "search"])
    assert not [r for r in further if r.callback != spider.parse]
    assert spider.start_urls
