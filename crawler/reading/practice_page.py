"""Read one page of a practice's own site. Pure: the page in, at most one listing out.

All pages of a site are one listing; its key is the site's address. Names of people who left a review are never kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag
from lxml import etree

from crawler.items import FoundListing, FoundPassage, ShownPractitioner
from crawler.reading.errors import Unreadable
from crawler.reading.fields import field_of_heading, field_of_path
from crawler.reading.jsonld import Node, nodes, scalar, types_of
from crawler.reading.keys import machine_value
from crawler.reading.locators import css_path, strings
from crawler.reading.nodes import attribute, node_text, word_set
from crawler.reading.pieces import Piece, read_pieces, without_author
from crawler.reading.shown import (
    adeli_numbers,
    looks_like_organisation,
    practitioner,
    profession_code,
    rpps_numbers,
)
from crawler.reading.texts import clean, fold, storable, to_text, words
from crawler.reading.trade import speaks_of_a_practice

PLATFORM = "practice_site"
_HOSTED = re.compile(r"^/(?:~[^/]+|sites?/[^/]+)(?=/|$)")  # several practices on one host
_DIRECTORY = re.compile(r"^/sites?/?$")
_INDEX_PAGE = re.compile(r"/(?:index|accueil|home)(?:\.\w{2,5})?$", re.IGNORECASE)
_NOT_PAGES = re.compile(
    r"\.(?:pdf|jpe?g|png|gif|webp|svg|ico|css|js|json|xml|zip|docx?|xlsx?|mp[34]|webm|ics|vcf|woff2?)$"
    r"|/(?:wp-admin|wp-login|wp-json|wp-content|feed|tag|category|author|cart|panier|login|connexion|account)(?:/|$|\.)",
    re.IGNORECASE,
)
_WANTED = re.compile(
    r"honorair|tarif|pratique|faq|question|visite|consultation|rendez|rdv|mention|legal|rembours|paiement|reglement|"
    r"mutuelle|prise en charge|patient|horaire|urgence|acces|contact|cabinet|presentation|equipe|docteur|avis"
)

_HOUSES = word_set("MedicalClinic Hospital Pharmacy Optician DiagnosticLab MedicalOrganization")
_PRACTICES = _HOUSES | word_set(
    "Physician Dentist MedicalBusiness IndividualPhysician PhysiciansOffice Person LocalBusiness Organization "
    "HealthAndBeautyBusiness ProfessionalService Physiotherapy Podiatric Midwifery Nursing Optometric Psychiatric "
    "Dermatology Gynecologic Pediatric PrimaryCare CommunityHealth DietNutrition Emergency Geriatric Obstetric "
    "Oncologic Otolaryngologic PlasticSurgery PublicHealth RespiratoryTherapy"
)
_TYPE_PROFESSIONS = {
    "Dentist": "chirurgien-dentiste",
    "Physiotherapy": "masseur-kinésithérapeute",
    "Podiatric": "pédicure-podologue",
    "Midwifery": "sage-femme",
    "Nursing": "infirmier",
    "Pharmacy": "pharmacien",
}
# schema.org properties that hold wording, and the guide's field; any other property is data or a name.
_WORDING = {
    "description": "presentation",
    "disambiguatingDescription": "presentation",
    "slogan": "presentation",
    "abstract": "presentation",
    "award": "presentation",
    "knowsAbout": "presentation",
    "paymentAccepted": "payment",
    "priceRange": "payment",
    "openingHours": "hours",
    "text": "presentation",
    "articleBody": "presentation",
    "reviewBody": "review",
    "serviceType": "motive",
}
_OFFERED = word_set(
    "Service MedicalProcedure MedicalTherapy MedicalTest Offer OfferCatalog PropertyValue LocationFeatureSpecification"
)


def site_of(url: str) -> tuple[str, str]:
    """A site's key (`host` or `host/sites/slug`, no `www.`) and home address; ("", "") when it is no site's page."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    host = parts.netloc.rpartition("@")[2].lower()
    if parts.scheme not in ("http", "https") or not host or _DIRECTORY.match(parts.path):
        return "", ""
    hosted = _HOSTED.match(parts.path)
    prefix = hosted[0] if hosted else ""
    key = storable(host.removeprefix("www.") + unquote(prefix))[:300]
    return key, storable(f"{parts.scheme}://{host}{prefix}/")


def read_page(url: str, soup: BeautifulSoup) -> Iterator[FoundListing]:
    """The listing that one page of a site adds to; nothing for a directory of sites or an address that is no site's.

    Raises `Unreadable` for a short page that says nothing of a practice.
    """
    key, home = site_of(url)
    if not key:
        return
    described = list(nodes(soup))
    told = " ".join((node_text(soup), soup.title.get_text() if soup.title else "", *(p.text for p in head(soup))))
    if not described and not speaks_of_a_practice(told, urlsplit(home).hostname or ""):
        raise Unreadable("a short page that says nothing of a practice")
    found: dict[str, FoundPassage] = {}
    for passage in (*_visible(url, home, soup), *structured(described), *head(soup), *_told_aside(soup)):
        if passage.text:
            found.setdefault(passage.locator, passage)
    shown = shown_on(soup, described, at_home=_is_home(url, home))
    yield FoundListing(PLATFORM, key, home, shown, tuple(found.values()))


def _visible(url: str, home: str, soup: BeautifulSoup) -> Iterator[FoundPassage]:
    path = urlsplit(url).path
    at_home = _is_home(url, home)
    page_field = "" if at_home else field_of_path(path[len(urlsplit(home).path) - 1 :])
    if soup.body is None:
        return
    for piece in read_pieces(soup.body):
        field = _field(piece, page_field, at_home)
        text = without_author(piece.text) if field == "review" else piece.text
        yield FoundPassage(field, piece.locator, text)


_MOTIVES = re.compile(r"motif|consultation|rdv|rendez|objet|prestation|acte")


def _told_aside(soup: BeautifulSoup) -> Iterator[FoundPassage]:
    """What a page says outside its text: pictures by their description, the motives of a form's list."""
    known: dict[int, str] = {}
    for picture in soup.find_all("img", alt=True):
        told = clean(attribute(picture, "alt"))
        if words(told) > 1 or re.search(r"\b[A-Z]\.?[A-Z0-9]", told):  # one word names a logo, but not « CMU ❌ »
            yield FoundPassage("presentation", css_path(picture, known) + "@alt", told)
    for select in soup.find_all("select"):
        if _MOTIVES.search(fold(f"{attribute(select, 'name')} {attribute(select, 'id')}")):
            for option in select.find_all("option"):
                yield FoundPassage("motive", css_path(option, known), clean(option.get_text()))


def _field(piece: Piece, page_field: str, at_home: bool) -> str:
    """The field of a piece: what its place imposes, else its nearest telling heading, else its page."""
    if piece.zone:
        return piece.zone
    headings = (text for level, text in piece.headings if not (at_home and level == 1))
    own = next((field for text in headings if (field := field_of_heading(text))), "")
    return own or page_field or "presentation"


def _is_home(url: str, home: str) -> bool:
    path, root = urlsplit(url).path, urlsplit(home).path
    return _INDEX_PAGE.sub("/", path).rstrip("/") == root.rstrip("/")


def structured(described: Iterable[Node]) -> Iterator[FoundPassage]:
    """The wording of the page's JSON-LD: properties that hold it, names of what is offered, questions and answers."""
    for node in described:
        if "Question" in node.types:
            yield from _question(node)
            continue
        if "Answer" in node.types:
            continue
        names = {**_WORDING, "name": "motive"} if not _OFFERED.isdisjoint(node.types) else _WORDING
        for name, field in names.items():
            where = "review" if "Review" in node.types else field
            for pointer, raw in _plain(node.data.get(name), f"{node.locator}/{name}"):
                if not (field in ("hours", "payment") and machine_value(raw.strip())):
                    text = to_text(raw)
                    yield FoundPassage(where, pointer, without_author(text) if where == "review" else text)


def _plain(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """The strings of a property that is a string or a list of strings; objects below it are nodes of their own."""
    entries = enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, str):
        yield pointer, value
    for index, entry in entries:
        if isinstance(entry, str):
            yield f"{pointer}/{index}", entry


def _question(node: Node) -> Iterator[FoundPassage]:
    asked = to_text(scalar(node.data.get("name")) or scalar(node.data.get("text")))
    answers: list[str] = []
    for name in ("acceptedAnswer", "suggestedAnswer"):
        for pointer, raw in strings(node.data.get(name)):
            if pointer.rsplit("/", 1)[-1] == "text" or not pointer:
                answers.append(to_text(raw))
    if text := "\n".join(filter(None, [asked, *answers])):
        yield FoundPassage("faq", node.locator, text)


def head(soup: BeautifulSoup) -> Iterator[FoundPassage]:
    """The title and the descriptions that search engines and social networks show."""
    for css in ('meta[name="description"]', 'meta[property="og:description"]'):
        for node in soup.select(css):
            yield FoundPassage("presentation", css_path(node), clean(attribute(node, "content")))
    if soup.title is not None:
        yield FoundPassage("presentation", css_path(soup.title), clean(soup.title.get_text()))


def shown_on(soup: BeautifulSoup, described: list[Node], *, at_home: bool) -> ShownPractitioner | None:
    """The practitioner as this page shows them; None when it names nobody, or does so in passing.

    A page that shows several RPPS numbers gives none: choosing one of a group practice would accuse at random.
    """
    who = _practice(described)
    data: Mapping[str, Any] = who.data if who else {}
    page = node_text(soup.body) if soup.body is not None else ""
    rpps = list(dict.fromkeys([*_identifiers(data), *rpps_numbers(page)]))
    adeli = adeli_numbers(page)
    site_name = soup.select_one('meta[property="og:site_name"]')
    names = [data.get("name"), *_named(soup), attribute(site_name, "content") if site_name else ""]
    titled = {" ".join(match[0].split()) for match in _TITLED.finditer(page)} if rpps or adeli else set()
    name = next(
        (clean(n) for n in (*names, *(titled if len(titled) == 1 else ())) if isinstance(n, str) and n.strip()), ""
    )
    if not name or not (who or rpps or adeli or (at_home and _is_titled(name))):
        return None
    telephone = soup.select_one('a[href^="tel:"]')
    address = data.get("address")
    postal: Mapping[str, Any] = address if isinstance(address, Mapping) else {}
    speciality = scalar(data.get("medicalSpecialty")) or scalar(data.get("jobTitle"))
    types = who.types if who else ()
    stated = [speciality.rsplit("/", 1)[-1], *(_TYPE_PROFESSIONS[kind] for kind in types if kind in _TYPE_PROFESSIONS)]
    title = soup.title.get_text() if soup.title is not None else ""
    short_lines = [line for line in page.split("\n")[:60] if words(line) <= 5] if at_home else []
    signals: dict[str, Any] = {}
    if isinstance(data.get("isAcceptingNewPatients"), bool):
        signals["new_patients"] = data["isAcceptingNewPatients"]
    if len(rpps) > 1:
        signals["rpps_shown"] = rpps
    return practitioner(
        is_organisation=not _HOUSES.isdisjoint(types) or looks_like_organisation(name) or len(rpps) > 1,
        profession=profession_code([*stated, title, *_first_headings(soup), *_said_of(name, page), *short_lines]),
        display_name=[name],
        speciality=stated,
        street=[postal.get("streetAddress"), address],
        postcode=[postal.get("postalCode")],
        city=[postal.get("addressLocality")],
        phone=[data.get("telephone"), attribute(telephone, "href").removeprefix("tel:") if telephone else ""],
        rpps=rpps if len(rpps) == 1 else [],
        adeli=adeli if len(adeli) == 1 else [],
        signals=signals,
    )


def _practice(described: list[Node]) -> Node | None:
    """The object that stands for the practice: the most telling type first, never the author of a review."""
    own = [n for n in described if not re.search(r"/(?:author|review)", n.locator)]
    ranked = [n for n in own if not _PRACTICES.isdisjoint(n.types)]
    general = ("Person", "Organization", "LocalBusiness", "ProfessionalService")
    ranked.sort(key=lambda n: (all(kind in general for kind in n.types), not n.data.get("name")))
    return next((n for n in ranked if n.data.get("name")), None)


def _identifiers(data: Mapping[str, Any]) -> list[str]:
    """RPPS numbers given as schema.org identifiers (`propertyID`: RPPS)."""
    raw = data.get("identifier")
    entries = raw if isinstance(raw, list) else [raw]
    found: list[str] = []
    for entry in entries:
        if isinstance(entry, Mapping) and "PropertyValue" in types_of(entry):
            label = f"{entry.get('propertyID', '')} {entry.get('name', '')} {entry.get('value', '')}"
            found += rpps_numbers(label)
        elif isinstance(entry, str):
            found += rpps_numbers(entry)
    return found


def _first_headings(soup: BeautifulSoup) -> list[str]:
    return [clean(node_text(h))[:300] for h in soup.find_all(["h1", "h2"], limit=3) if isinstance(h, Tag)]


_TITLED = re.compile(r"\b(?:Dr|Docteur|Docteure|Pr|Professeur)\.?\s+[A-ZÀ-Þ][\w'’-]+(?:\s+[A-ZÀ-Þ][\w'’-]+){0,3}")


def _said_of(name: str, page: str) -> list[str]:
    """What follows the name on its lines: « Dr Prénom Nom, chirurgien-dentiste. »"""
    after = (line.split(name, 1)[1] for line in page[:50_000].split("\n") if name in line)
    return [re.split(r"[.;(]", text.strip(" ,:–—-\u00a0"))[0] for text in after][:5]


def _is_titled(name: str) -> bool:
    return bool(_TITLED.search(name)) or looks_like_organisation(name)


def _named(soup: BeautifulSoup) -> Iterator[str]:
    """« Dr Prénom Nom » or « Cabinet… » in the first headings and the title."""
    title = clean(soup.title.get_text()) if soup.title is not None else ""
    for text in (*_first_headings(soup), *re.split(r"\s+[-–—|•·]\s+", title)):
        if match := _TITLED.search(text):
            yield match[0]
        elif looks_like_organisation(text) and len(text) < 80:
            yield text


def page_links(url: str, soup: BeautifulSoup) -> list[tuple[str, bool]]:
    """The pages of the same site a page links to, in order, each with whether its address or words announce wording."""
    key, home = site_of(url)
    found: dict[str, bool] = {}
    for anchor in soup.find_all("a", href=True):
        link = page_of_site(url, attribute(anchor, "href"), key)
        if link and not _is_home(link, home):
            found[link] = found.get(link, False) or wanted(link, home, clean(anchor.get_text()))
    return list(found.items())


def site_links(url: str, soup: BeautifulSoup) -> list[str]:
    """The sites that a directory page lists on its own host: their home addresses, in order."""
    host = urlsplit(url).netloc
    found: dict[str, None] = {}
    for anchor in soup.find_all("a", href=True):
        try:
            link = urldefrag(urljoin(url, attribute(anchor, "href").strip()))[0]
            same_host = urlsplit(link).netloc == host
        except ValueError:
            continue
        _, home = site_of(link)
        if same_host and home and _HOSTED.match(urlsplit(link).path):
            found[home] = None
    return list(found)


def page_of_site(base: str, href: str, key: str) -> str:
    """The absolute address of a link when it is a page of the site `key`, else ""."""
    try:
        link = urldefrag(urljoin(base, href.strip()))[0]
        path = urlsplit(link).path
    except ValueError:
        return ""
    return link if key and site_of(link)[0] == key and not _NOT_PAGES.search(path) else ""


def wanted(link: str, home: str, text: str = "") -> bool:
    """True when an address (below the site's home) or a link's words announce fees, practical or legal matters."""
    below = unquote(urlsplit(link).path)[len(urlsplit(home).path) - 1 :]
    return bool(_WANTED.search(fold(re.sub(r"[-_]+", " ", below)))) or bool(_WANTED.search(fold(text)))


def sitemap_urls(content: bytes) -> tuple[list[str], list[str]]:
    """The pages and the further sitemaps that a sitemap names; none when it is no sitemap. No entity is expanded."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        return [], []
    if root is None:
        return [], []
    urls = [e.text.strip() for e in root.iterfind(".//{*}url/{*}loc") if e.text]
    maps = [e.text.strip() for e in root.iterfind(".//{*}sitemap/{*}loc") if e.text]
    return urls[:2000], maps[:5]
