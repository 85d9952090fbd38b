"""Where the spiders go: which pages they ask for, in what order, how many, and that they never leave the site."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from fixture_cases import exchange
from scrapy.http import HtmlResponse, Request

from crawler.items import FoundListing
from crawler.outcomes import Outcome
from crawler.spiders.doctolib import DoctolibSpider, next_page
from crawler.spiders.practice_site import PAGES_PER_SITE, PracticeSiteSpider

HOST = "https://plateforme.example"
SITE = "https://cabinet.example"


def answered(request: Request | str, body: str | dict[str, Any], url: str = "") -> HtmlResponse:
    """The response to a request, captured as the middleware captures it."""
    asked = Request(request) if isinstance(request, str) else request
    content = (json.dumps(body) if isinstance(body, dict) else body).encode()
    kind = "application/json" if isinstance(body, dict) else "text/html; charset=utf-8"
    asked.meta["exchange"] = exchange(url or asked.url, content, kind)
    return HtmlResponse(url or asked.url, body=content, request=asked)


def follow(response: HtmlResponse) -> tuple[list[Request], list[FoundListing]]:
    """What a request's own callback does with its response."""
    request = response.request
    assert request is not None
    assert request.callback is not None
    results: Iterable[Any] = request.callback(response, **request.cb_kwargs)
    made = list(results)
    return [one for one in made if isinstance(one, Request)], [one for one in made if isinstance(one, FoundListing)]


def paths(requests: list[Request]) -> list[str]:
    return [urlsplit(request.url).path for request in requests]


def result_page(*slugs: str, place: bool = False) -> str:
    links = "".join(f'<a href="/dentiste/ville/{slug}?pid=practice-1&amp;page=1">x</a>' for slug in slugs)
    script = '<script>window.place = {"id": 7, "slug": "france"};</script>' if place else ""
    return f"<html><body>{links}{script}</body></html>"


def search_page(total: int, *slugs: str) -> dict[str, Any]:
    motive = {"name": "Consultation"}
    return {
        "total": total,
        "healthcareProviders": [
            {"link": f"/dentiste/ville/{slug}?pid=1", "matchedVisitMotive": motive} for slug in slugs
        ],
    }


PROFILE = '<html><body><h1 id="profile-name-with-title">Dr Anouk Fictive</h1></body></html>'


def begin(spider: DoctolibSpider, page: str, url: str = f"{HOST}/dentiste/france") -> list[Request]:
    return follow(answered(spider.ask(url, spider.parse), page))[0]


def test_result_pages_are_followed_until_one_brings_nothing_new() -> None:
    spider = DoctolibSpider(start_urls=[f"{HOST}/dentiste/france"])
    requests = begin(spider, result_page("a-un", "b-deux"))
    assert paths(requests) == ["/dentiste/ville/a-un", "/dentiste/ville/b-deux", "/dentiste/france"]
    assert requests[-1].url.endswith("?page=2")
    again, _ = follow(answered(requests[-1], result_page("a-un", "b-deux")))
    assert again == []


def test_the_place_object_opens_the_search_which_goes_on_to_its_last_page() -> None:
    spider = DoctolibSpider(start_urls=[f"{HOST}/dentiste/france"])
    search = begin(spider, result_page("a-un", place=True))[-1]
    assert (search.method, search.url) == ("POST", f"{HOST}/phs_proxy/raw?page=0")
    wanted = {"keyword": "dentiste", "location": {"place": {"id": 7, "slug": "france"}}, "filters": {}}
    assert json.loads(search.body) == wanted
    requests, found = follow(answered(search, search_page(25, "a-un", "b-deux")))
    assert paths(requests) == ["/dentiste/ville/b-deux", "/phs_proxy/raw"]
    assert [one.key for one in found] == ["a-un", "b-deux"]
    last, _ = follow(answered(requests[-1], search_page(25, "c-trois")))
    assert paths(last) == ["/dentiste/ville/c-trois"]


def test_a_search_that_answers_nothing_leaves_the_result_pages() -> None:
    spider = DoctolibSpider(start_urls=[f"{HOST}/dentiste/france"])
    search = begin(spider, result_page("a-un", place=True))[-1]
    requests, _ = follow(answered(search, "<html><body>changed</body></html>"))
    assert [request.url for request in requests] == [f"{HOST}/dentiste/france?page=2"]
    further, _ = follow(answered(requests[0], result_page("b-deux", place=True)))
    assert paths(further) == ["/dentiste/ville/b-deux", "/dentiste/france"]  # the search is not tried again


@pytest.mark.parametrize(
    ("outcome", "goes_on"),
    [(Outcome.NOT_FOUND, 1), (Outcome.SERVER_ERROR, 1), (None, 1), (Outcome.BLOCKED, 0), (Outcome.RATE_LIMITED, 0)],
)
def test_a_wall_before_the_search_is_not_walked_around(outcome: Outcome | None, goes_on: int) -> None:
    spider = DoctolibSpider(start_urls=[f"{HOST}/dentiste/france"])
    search = begin(spider, result_page("a-un", place=True))[-1]
    search.meta["outcome"] = outcome
    assert len(list(spider.search_failed(SimpleNamespace(request=search)))) == goes_on


def test_a_profile_brings_its_json_and_its_booking_answer_under_its_present_name() -> None:
    spider = DoctolibSpider(start_urls=[f"{HOST}/dentiste/france"])
    profile = begin(spider, result_page("ancien-nom"))[0]
    requests, found = follow(answered(profile, PROFILE, f"{HOST}/dentiste/ville/nouveau-nom"))
    assert paths(requests) == [
        "/profiles/nouveau-nom.json",
        "/online_booking/api/slot_selection_funnel/v1/info.json",
    ]
    assert requests[1].url.endswith("?profile_slug=nouveau-nom&locale=fr")
    assert [one.key for one in found] == ["nouveau-nom"]
    assert spider.taken == 1


@pytest.mark.parametrize(("outcome", "asked"), [(Outcome.SERVER_ERROR, 2), (Outcome.NOT_FOUND, 0), (Outcome.LOGIN, 0)])
def test_a_broken_profile_page_leaves_its_json_and_a_wall_leaves_nothing(outcome: Outcome, asked: int) -> None:
    spider = DoctolibSpider(start_urls=[f"{HOST}/dentiste/france"])
    profile = begin(spider, result_page("a-un"))[0]
    profile.meta["outcome"] = outcome
    assert len(list(spider.profile_failed(SimpleNamespace(request=profile)))) == asked


def test_the_limit_bounds_the_profiles_and_what_is_told_of_others() -> None:
    spider = DoctolibSpider(start_urls=[f"{HOST}/dentiste/france"], limit=2)
    requests = begin(spider, result_page("a-un", place=True))
    assert paths(requests) == ["/dentiste/ville/a-un", "/phs_proxy/raw"]
    further, found = follow(answered(requests[-1], search_page(90, "a-un", "b-deux", "c-trois")))
    assert paths(further) == ["/dentiste/ville/b-deux"]
    assert [one.key for one in found] == ["a-un", "b-deux"]


def test_a_profile_may_be_a_start_address() -> None:
    spider = DoctolibSpider(start_urls=f"{HOST}/dentiste/ville/a-un,")
    assert spider.start_urls == [f"{HOST}/dentiste/ville/a-un"]
    requests, found = follow(answered(spider.ask(spider.start_urls[0], spider.parse), PROFILE))
    assert len(requests) == 2
    assert [one.key for one in found] == ["a-un"]


def test_without_a_start_address_the_reference_gives_them() -> None:
    assert DoctolibSpider().start_urls
    assert DoctolibSpider().start_urls[0].startswith("https://www.doctolib.fr/")


def test_pages_count_from_the_one_asked_for_and_end() -> None:
    assert next_page(f"{HOST}/dentiste/france") == f"{HOST}/dentiste/france?page=2"
    assert next_page(f"{HOST}/dentiste/france?page=9&x=1") == f"{HOST}/dentiste/france?page=10&x=1"
    assert next_page(f"{HOST}/dentiste/france?page=100000") == ""


def site(*links: str) -> str:
    return (
        "<html><body><h1>Dr Anouk Fictive</h1>"
        + "".join(f'<a href="{link}">lien</a>' for link in links)
        + "</body></html>"
    )


def test_a_site_is_read_by_its_telling_pages_first_and_its_legal_notice_last() -> None:
    spider = PracticeSiteSpider(start_urls=[f"{SITE}/"])
    links = ("/blog/x", "/honoraires", "/honoraires#prix", "mentions-legales", "/a.pdf", "mailto:a@b.example", "//[")
    requests, found = follow(answered(spider.ask(f"{SITE}/", spider.parse), site(*links)))
    by_path = {urlsplit(request.url).path: request.priority for request in requests}
    assert set(by_path) == {"/sitemap.xml", "/honoraires", "/mentions-legales", "/blog/x"}
    assert by_path["/honoraires"] > by_path["/blog/x"] > by_path["/mentions-legales"]
    assert [one.key for one in found] == ["cabinet.example"]


def test_a_site_is_never_left() -> None:
    spider = PracticeSiteSpider(start_urls=[f"{SITE}/sites/un/"])
    links = ("https://ailleurs.example/honoraires", "/sites/deux/honoraires", "/honoraires", "../deux/faq", "faq")
    requests, _ = follow(answered(spider.ask(f"{SITE}/sites/un/", spider.parse), site(*links)))
    assert sorted(paths(requests)) == ["/sites/un/faq", "/sites/un/sitemap.xml"]


def test_a_site_takes_a_bounded_number_of_pages() -> None:
    spider = PracticeSiteSpider(start_urls=[f"{SITE}/"])
    requests, _ = follow(answered(spider.ask(f"{SITE}/", spider.parse), site(*(f"/p{n}" for n in range(200)))))
    assert len([r for r in requests if "sitemap" not in r.url]) == PAGES_PER_SITE - 1
    sitemap = next(r for r in requests if "sitemap" in r.url)
    more = "<urlset><url><loc>/honoraires</loc></url></urlset>"
    assert follow(answered(sitemap, more))[0] == []


def test_a_sitemap_adds_the_sites_own_pages_and_an_index_of_sitemaps_is_followed_once() -> None:
    spider = PracticeSiteSpider(start_urls=[f"{SITE}/"])
    requests, _ = follow(answered(spider.ask(f"{SITE}/", spider.parse), site()))
    index = "<sitemapindex><sitemap><loc>https://cabinet.example/s1.xml</loc></sitemap></sitemapindex>"
    (inner,), _ = follow(answered(requests[0], index))
    urls = (f"{SITE}/tarifs", "https://ailleurs.example/tarifs", f"{SITE}/photo.jpg")
    body = "<urlset>" + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>"
    assert paths(follow(answered(inner, body))[0]) == ["/tarifs"]
    assert follow(answered(inner, index))[0] == []


def test_a_directory_leads_to_its_sites_up_to_the_limit_and_is_no_listing() -> None:
    spider = PracticeSiteSpider(start_urls=[f"{SITE}/sites/"], limit=2)
    links = ("/sites/un/", "/sites/deux/honoraires", "/sites/trois/", "https://ailleurs.example/sites/x/", "/sites/")
    requests, found = follow(answered(spider.ask(f"{SITE}/sites/", spider.parse), site(*links)))
    assert paths(requests) == ["/sites/un/", "/sites/deux/"]
    assert found == []


def test_a_further_page_adds_to_the_same_listing() -> None:
    spider = PracticeSiteSpider(start_urls=[f"{SITE}/"])
    requests, _ = follow(answered(spider.ask(f"{SITE}/", spider.parse), site("/honoraires")))
    page = next(request for request in requests if "honoraires" in request.url)
    further, found = follow(
        answered(page, "<html><body><p>CMU refusée.</p><a href='/faq'>x</a><a href='/b'>y</a></body></html>")
    )
    assert paths(further) == ["/faq"]
    assert [(one.key, one.passages[0].field) for one in found] == [("cabinet.example", "payment")]
