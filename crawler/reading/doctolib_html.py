"""Read Doctolib's HTML: a profile page, a page of search results. Pure: the page in, listings out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from crawler.items import FoundListing, FoundPassage, ShownPractitioner
from crawler.reading.doctolib_json import PLATFORM, slug_of
from crawler.reading.errors import Unreadable
from crawler.reading.fields import field_of_heading
from crawler.reading.jsonld import Node, nodes, scalar
from crawler.reading.keys import IsDefault, machine_value
from crawler.reading.locators import css_path, strings
from crawler.reading.nodes import attribute, node_text
from crawler.reading.pieces import Piece, read_pieces, without_author
from crawler.reading.shown import adeli_numbers, looks_like_organisation, practitioner, rpps_numbers
from crawler.reading.texts import clean, storable, to_text
from crawler.reading.values import key_of

_RESULTS = re.compile(r"^/[a-z0-9-]+(?:/[a-z0-9-]+)?/?$")
_PLACE = re.compile(r"window\.place\s*=\s*")
_BIO = ".js-bio, .dl-profile-bio"
_CARD = ".dl-profile-card-content, .dl-profile-card"
_TITLE = ".dl-profile-card-title, .dl-card-title"
_LEGAL = re.compile(r"informations? légales?|mentions légales", re.IGNORECASE)
_MEDICAL = frozenset(("Physician", "Dentist", "MedicalClinic", "MedicalBusiness", "MedicalOrganization", "Pharmacy"))


def read_html(url: str, soup: BeautifulSoup, is_default: IsDefault) -> Iterator[FoundListing]:
    """The listings of one page: a profile's, or those a result page describes. Other pages give none.

    Raises `Unreadable` when a profile's address answers with a page that shows no profile.
    """
    path = urlsplit(url).path
    key = slug_of(path)
    if key or soup.select_one("#profile-name-with-title"):
        yield _profile(url, key or slug_of(_canonical_path(soup)), soup, is_default)
    elif _RESULTS.match(path):
        yield from _results(url, soup, is_default)


def profile_links(url: str, soup: BeautifulSoup) -> list[str]:
    """The paths of the profiles a result page links to, on the same host, without query, in order."""
    host = urlsplit(url).netloc
    found: dict[str, None] = {}
    for anchor in soup.find_all("a", href=True):
        try:
            parts = urlsplit(urljoin(url, attribute(anchor, "href").strip()))
        except ValueError:
            continue
        if parts.netloc == host and slug_of(parts.path) and parts.scheme in ("http", "https"):
            found[parts.path] = None
    for node in nodes(soup):
        path = _node_path(url, node)
        if path:
            found[path] = None
    return list(found)


def window_place(soup: BeautifulSoup) -> Mapping[str, Any] | None:
    """The place object that the search needs, as a result page holds it in a script; None when it does not."""
    for script in soup.find_all("script"):
        text = script.get_text()
        if match := _PLACE.search(text):
            try:
                value, _ = json.JSONDecoder().raw_decode(text, match.end())
            except (ValueError, RecursionError):
                continue
            if isinstance(value, Mapping):
                return value
    return None


def _canonical_path(soup: BeautifulSoup) -> str:
    link = soup.select_one("link[rel=canonical]")
    try:
        return urlsplit(attribute(link, "href")).path if link else ""
    except ValueError:
        return ""


def _profile(url: str, key: str, soup: BeautifulSoup, is_default: IsDefault) -> FoundListing:
    physician = next((n for n in nodes(soup) if not _MEDICAL.isdisjoint(n.types)), None)
    directory = soup.select_one("#js-directory-doctor-page[data-props]")
    title = soup.select_one("#profile-name-with-title") or soup.select_one(".dl-profile-header-name")
    if not key or not (physician or directory or title or soup.select_one(_BIO) or soup.select_one(_CARD)):
        raise Unreadable("the page shows no profile")
    candidates = [*_bio(soup), *_cards(soup), *_chips(soup), *_structured(physician), *_head(soup), *_props(directory)]
    candidates += _notices(soup)
    found: dict[str, FoundPassage] = {}
    for passage in candidates:
        if passage.text and not is_default(passage.text):
            found.setdefault(passage.locator, passage)
    shown = _shown(soup, title, physician, directory)
    return FoundListing(PLATFORM, key_of(key), storable(urljoin(url, urlsplit(url).path)), shown, tuple(found.values()))


def _bio(soup: BeautifulSoup) -> Iterator[FoundPassage]:
    outer: list[Tag] = []
    for node in soup.select(_BIO):
        if not any(parent is known for parent in node.parents for known in outer):
            outer.append(node)
            yield FoundPassage("presentation", css_path(node), clean(node_text(node)))


def _cards(soup: BeautifulSoup) -> Iterator[FoundPassage]:
    """The texts of the profile's cards, each under its card's title. Bio and legal notices are read elsewhere."""
    outer: list[Tag] = []
    for card in soup.select(_CARD):
        if any(parent is known for parent in card.parents for known in outer):
            continue
        outer.append(card)
        title = card.select_one(_TITLE) or card.find(["h2", "h3"]) or _title_before(card)
        heading = clean(node_text(title)) if title else ""
        if _LEGAL.search(heading):
            continue
        bios = {id(node) for node in card.select(_BIO)}
        fallback = field_of_heading(heading) or "presentation"
        for piece in read_pieces(card, leave_out=bios | ({id(title)} if title else set())):
            yield _card_passage(piece, fallback)


def _card_passage(piece: Piece, fallback: str) -> FoundPassage:
    inner = next((f for _, h in piece.headings if (f := field_of_heading(h))), "")
    field = piece.zone or inner or fallback
    return FoundPassage(field, piece.locator, without_author(piece.text) if field == "review" else piece.text)


def _title_before(card: Tag) -> Tag | None:
    """The title of a card that stands beside its content instead of inside."""
    before = card.find_previous_sibling(True)
    if isinstance(before, Tag) and (before.name in ("h2", "h3") or "card-title" in attribute(before, "class")):
        return before
    return None


def _chips(soup: BeautifulSoup) -> Iterator[FoundPassage]:
    """Skills and fee names that stand outside the cards."""
    for css, field in ((".dl-profile-skill-chip", "presentation"), (".dl-profile-fee-name", "payment")):
        for node in soup.select(css):
            if not any("dl-profile-card" in attribute(parent, "class") for parent in node.parents):
                yield FoundPassage(field, css_path(node), clean(node_text(node)))


_NOTICE = "[role=alert], [role=dialog], [role=alertdialog], dialog, [class*=alert], [class*=modal], [class*=notice]"


def _notices(soup: BeautifulSoup) -> Iterator[FoundPassage]:
    """Messages outside the cards: a closed booking, a notice, a box that opens over the page."""
    outer: list[Tag] = []
    for node in soup.select(_NOTICE):
        names = f"{attribute(node, 'class')} {attribute(node, 'id')}".lower()
        parents = list(node.parents)
        inside = any(any(parent is known for known in outer) for parent in parents)
        inside = inside or any("dl-profile-card" in attribute(parent, "class") for parent in parents)
        if not inside and "didomi" not in names and "cookie" not in names and "consent" not in names:
            outer.append(node)
            for piece in read_pieces(node):
                yield FoundPassage("banner", piece.locator, piece.text)


_STRUCTURED = {"description": "presentation", "paymentAccepted": "payment", "openingHours": "hours", "slogan": "banner"}


def _structured(physician: Node | None) -> Iterator[FoundPassage]:
    if physician is None:
        return
    for name, field in _STRUCTURED.items():
        for pointer, raw in strings(physician.data.get(name), f"{physician.locator}/{name}"):
            if not (field == "hours" and machine_value(raw.strip())):
                yield FoundPassage(field, pointer, to_text(raw))


def _head(soup: BeautifulSoup) -> Iterator[FoundPassage]:
    """The title and the description that search engines show: copies of the bio often stand there."""
    for css in ('meta[name="description"]', 'meta[property="og:description"]'):
        for node in soup.select(css):
            yield FoundPassage("presentation", css_path(node), clean(attribute(node, "content")))
    if soup.title is not None:
        yield FoundPassage("presentation", css_path(soup.title), clean(soup.title.get_text()))


def _directory(directory: Tag | None) -> Any:
    try:
        return json.loads(attribute(directory, "data-props")) if directory is not None else None
    except (ValueError, RecursionError):
        return None


_DIRECTORY_SHOWN = frozenset(("fullName", "speciality", "doctorPlace", "address", "city", "zipcode", "phoneNumber"))


def _props(directory: Tag | None) -> Iterator[FoundPassage]:
    """Texts of an unclaimed profile's properties. Nothing there is expected: what is a text is kept as presentation."""
    props = _directory(directory)
    if directory is None or not isinstance(props, Mapping):
        return
    prefix = css_path(directory) + "@data-props#"
    for pointer, raw in strings({k: v for k, v in props.items() if k not in _DIRECTORY_SHOWN}, prefix):
        if not machine_value(raw.strip()):
            yield FoundPassage("presentation", pointer, to_text(raw))


def _shown(
    soup: BeautifulSoup, title: Tag | None, physician: Node | None, directory: Tag | None
) -> ShownPractitioner | None:
    data: Mapping[str, Any] = physician.data if physician else {}
    address = data.get("address") if isinstance(data.get("address"), Mapping) else {}
    props = _directory(directory)
    props = props if isinstance(props, Mapping) else {}
    header = soup.select_one(".dl-profile-header-speciality")
    names = [clean(node_text(title)) if title else "", data.get("name"), props.get("fullName")]
    name = next((n for n in names if isinstance(n, str) and n.strip()), "")
    if not name:
        return None
    page = _whole_text(soup)
    rpps, adeli = rpps_numbers(page), adeli_numbers(page)
    specialities = [scalar(data.get("medicalSpecialty")), scalar(props.get("speciality"))]
    postal: Mapping[str, Any] = address if isinstance(address, Mapping) else {}
    return practitioner(
        is_organisation=looks_like_organisation(name),
        display_name=names,
        speciality=[clean(node_text(header)) if header else "", *specialities],
        street=[postal.get("streetAddress")],
        postcode=[postal.get("postalCode")],
        city=[postal.get("addressLocality")],
        phone=[data.get("telephone")],
        rpps=rpps if len(rpps) == 1 else [],
        adeli=adeli if len(adeli) == 1 else [],
        signals={"unclaimed": True} if directory is not None else {},
    )


def _whole_text(soup: BeautifulSoup) -> str:
    return node_text(soup.body) if soup.body is not None else ""


def _node_path(url: str, node: Node) -> str:
    """The profile path of a practitioner's JSON-LD on a result page, or ""."""
    link = node.data.get("url")
    if _MEDICAL.isdisjoint(node.types) or not isinstance(link, str):
        return ""
    try:
        parts = urlsplit(urljoin(url, link))
    except ValueError:
        return ""
    return parts.path if parts.netloc == urlsplit(url).netloc and slug_of(parts.path) else ""


def _results(url: str, soup: BeautifulSoup, is_default: IsDefault) -> Iterator[FoundListing]:
    found: dict[str, list[FoundPassage]] = {}
    for node in nodes(soup):
        path = _node_path(url, node)
        kept = [p for p in _structured(node) if p.text and not is_default(p.text)] if path else []
        if kept:
            found.setdefault(path, []).extend(kept)
    for path, passages in found.items():
        yield FoundListing(PLATFORM, key_of(slug_of(path)), storable(urljoin(url, path)), None, tuple(passages))
