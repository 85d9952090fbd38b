"""Turn an HTML tree into a flat list of blocks: headings, paragraphs, lists, rows. Navigation, cookie notices and
hidden nodes are left out. It names no field but the ones a place imposes (`faq`, `banner`, `review`) and joins nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bs4 import Tag

from crawler.reading.fields import field_of_heading
from crawler.reading.locators import css_path, own_content
from crawler.reading.nodes import HEADINGS, attribute, is_block, is_hidden, node_text, unfoldable, word_set
from crawler.reading.texts import clean, words

LONG = 700  # characters: a longer paragraph is cut at its empty lines
_DEEPEST = 60  # levels of nesting walked; what is deeper is read as one text
_FOLD_LEVEL = 9  # heading level of questions and of `summary`, below h6

_TOKEN = re.compile(r"[A-Za-zÀ-ÿ]+")
_CHROME = word_set(
    "cookie cookies didomi tarteaucitron axeptio onetrust cookiebot gdpr rgpd cmp consent consentement cookieconsent "
    "breadcrumb breadcrumbs ariane navbar sitemap skip"
)
_CHROME_ROLES = frozenset(("navigation", "search", "menu", "menubar"))
_BANNER = word_set("alert alerte banner bandeau notice annonce announcement flash popup")
_MODAL = word_set("modal modale popup lightbox dialog overlay")  # hidden until the page shows it to whoever comes
_REVIEW = word_set("testimonial testimonials temoignage temoignages review reviews")
_AUTHOR = word_set("author auteur user username reviewer nom name pseudo signature avatar")
_SECTIONS = word_set("section article aside details td")
_QUESTION = word_set("question questions")
_KEY_END = " :\u00a0"
_YES_NO = re.compile(r"(?:oui|non|yes|no|x|✓|✔|✗|✘|❌|✅|-)[\s.!]*", re.IGNORECASE)


@dataclass(frozen=True)
class Block:
    """A node's text and what it is. `level`: of a heading, or of those a `close` ends; `zone`: as in `Piece`."""

    kind: str  # heading | text | list | row | close
    text: str
    paths: tuple[str, ...]
    level: int = 0
    zone: str = ""
    items: tuple[tuple[str, str], ...] = ()  # of a list: each item's text and path


def _tokens(node: Tag) -> set[str]:
    return {t.lower() for t in _TOKEN.findall(f"{attribute(node, 'class')} {attribute(node, 'id')}")}


class Walker:
    """Turns a tree into a flat list of blocks."""

    def __init__(self, root: Tag, leave_out: frozenset[int]) -> None:
        self.blocks: list[Block] = []
        self._leave_out = leave_out
        self._opened = unfoldable(root)
        self._steps: dict[int, str] = {}
        self._review_level = 0  # level of the heading that opened a section of reviews, 0 outside one
        self._reviewing = False

    def _path(self, node: Tag) -> str:
        return css_path(node, self._steps)

    def _unseen(self, node: Tag) -> bool:
        if id(node) in self._leave_out or (is_hidden(node, self._opened) and not _is_modal(node)):
            return True
        return self._reviewing and self._author(node)

    def _chrome(self, node: Tag) -> bool:
        """True for what frames the page and is no wording of the practice."""
        if node.name in ("nav", "button") or attribute(node, "role") in _CHROME_ROLES:
            return True
        if (
            node.name == "label"
            and node.find("input", type=["checkbox", "radio"]) is None
            and words(node_text(node)) < 4
        ):
            return True  # the name of a field; a longer one, or a box to tick, is a statement
        return bool(node.attrs) and node.name not in ("html", "body", "main") and not _CHROME.isdisjoint(_tokens(node))

    def _author(self, node: Tag) -> bool:
        return (
            node.name in ("cite", "footer", "figcaption")
            or attribute(node, "itemprop") == "author"
            or not _AUTHOR.isdisjoint(_tokens(node))
        )

    def walk(self, node: Tag, zone: str, depth: int) -> None:
        """Read a container: its loose text and its blocks, in order. A section's headings end with it."""
        part, first, review_level = 0, len(self.blocks), self._review_level
        for child in own_content(node, self._unseen):
            if isinstance(child, Tag):
                self._dispatch(child, zone, depth + 1)
            else:
                part += 1
                self._add("text", child, (f"{self._path(node)}#text/{part}",), zone=zone)
        if node.name in _SECTIONS:
            self._review_level = review_level
            if levels := [block.level for block in self.blocks[first:] if block.kind == "heading"]:
                self.blocks.append(Block("close", "", (), level=min(levels)))

    def _dispatch(self, node: Tag, zone: str, depth: int) -> None:
        self._reviewing = zone == "review" or self._review_level > 0
        if self._unseen(node) or self._chrome(node):
            return
        zone = _zone_of(node) or zone
        self._reviewing = self._reviewing or zone == "review"
        if node.name in HEADINGS or attribute(node, "role") == "heading" or _is_question(node):
            self._heading(node, zone)
        elif node.name in ("ul", "ol") and _is_simple(node):
            self._list(node, zone)
        elif node.name == "table" and _is_simple(node):
            self._table(node, zone)
        elif node.name == "dl":
            self._definitions(node, zone)
        elif node.name == "details" or (depth < _DEEPEST and _holds_blocks(node)):
            self.walk(node, zone, depth)
        else:
            self._leaf(node, zone)

    def _heading(self, node: Tag, zone: str) -> None:
        digits = node.name[1:] if node.name in HEADINGS else attribute(node, "aria-level")
        level = int(digits) if digits.isdecimal() and len(digits) == 1 else _FOLD_LEVEL
        text = self._text(node).replace("\n", " ")
        if level <= self._review_level:
            self._review_level = 0
        if field_of_heading(text) == "review":
            self._review_level = level
        self._add("heading", text, (self._path(node),), level=level, zone=zone)

    def _leaf(self, node: Tag, zone: str) -> None:
        text = self._text(node)
        if len(text) > LONG:
            parts = [part for part in own_content(node, self._unseen) if isinstance(part, str)]
            if len(parts) > 1:
                for number, part in enumerate(parts, 1):
                    self._add("text", part, (f"{self._path(node)}#text/{number}",), zone=zone)
                return
        self._add("text", text, (self._path(node),), zone=zone)

    def _list(self, node: Tag, zone: str) -> None:
        entries = [li for li in node.find_all("li", recursive=False) if not self._unseen(li)]
        if len(entries) > 2 and all(_is_link(li) for li in entries):
            return  # a menu
        items = tuple((text, self._path(li)) for li in entries if (text := self._text(li)))
        if items:
            zone = zone or self._place()
            self.blocks.append(Block("list", self._text(node), (self._path(node),), zone=zone, items=items))

    def _table(self, node: Tag, zone: str) -> None:
        rows = [row for row in node.find_all("tr") if not self._unseen(row)]
        grid = [[c for c in row.find_all(["td", "th"], recursive=False) if not self._unseen(c)] for row in rows]
        header: list[str] = []
        for row, cells in zip(rows, grid, strict=True):
            texts = [self._text(cell).replace("\n", " ") for cell in cells]
            if row is rows[0] and len(texts) > 1 and len(rows) > 1 and all(cell.name == "th" for cell in cells):
                header = texts
                continue
            text = _flatten(header, texts)
            paths = (self._path(row),) if text == _flatten([], texts) else (self._path(rows[0]), self._path(row))
            self._add("row", text, paths, zone=zone)

    def _definitions(self, node: Tag, zone: str) -> None:
        """A `dl`: one block for each term and what is said of it; a term that asks is a question."""
        terms: list[Tag] = []
        said: list[Tag] = []
        for entry in [*node.find_all(["dt", "dd"]), None]:
            if said and (entry is None or entry.name == "dt"):
                self._definition(terms, said, zone)
                terms, said = [], []
            if entry is not None and not self._unseen(entry):
                (terms if entry.name == "dt" else said).append(entry)
        for left in terms:
            self._leaf(left, zone)

    def _definition(self, terms: list[Tag], said: list[Tag], zone: str) -> None:
        term = " ".join(self._text(t) for t in terms).replace("\n", " ").strip()
        text = "\n".join(filter(None, (self._text(d) for d in said)))
        paths = tuple(self._path(node) for node in (*terms, *said))
        if term.endswith("?"):
            self._add("row", f"{term}\n{text}", paths, zone="faq")
        else:
            key = term.rstrip(_KEY_END)
            self._add("row", f"{key} : {text}" if term and text else term or text, paths, zone=zone)

    def _text(self, node: Tag) -> str:
        return clean(node_text(node, self._unseen))

    def _place(self) -> str:
        return "review" if self._review_level else ""

    def _add(self, kind: str, text: str, paths: tuple[str, ...], *, level: int = 0, zone: str = "") -> None:
        if text.strip("-–—•|· \n"):
            self.blocks.append(Block(kind, text, paths, level, zone or self._place()))


def _is_modal(node: Tag) -> bool:
    """True for a box that the page opens over itself: hidden in the source, shown to the reader."""
    if node.name not in ("div", "section", "aside", "dialog"):
        return False
    tokens = _tokens(node)
    return not _MODAL.isdisjoint(tokens) and _CHROME.isdisjoint(tokens)


def _zone_of(node: Tag) -> str:
    """The zone that a container opens, "" when it opens none."""
    if node.name == "footer":
        return "footer"
    if node.name in ("html", "body", "main"):
        return ""
    if attribute(node, "role") in ("alert", "alertdialog", "dialog") or node.name == "dialog" or _is_modal(node):
        return "banner"
    if not node.attrs:
        return ""
    tokens = _tokens(node)
    if not _REVIEW.isdisjoint(tokens) or (
        "avis" in tokens and not tokens.isdisjoint({"google", "patients", "clients"})
    ):
        return "review"
    if not _BANNER.isdisjoint(tokens):
        return "banner"
    return "faq" if not tokens.isdisjoint({"faq", "faqs"}) else ""


def _is_question(node: Tag) -> bool:
    """True for what stands over an answer without being a heading tag: a `summary`, a block of class « question »."""
    if node.name == "summary":
        return True
    return (
        not _QUESTION.isdisjoint(_tokens(node))
        and node.name not in ("section", "main", "article", "ul", "ol")
        and not any(isinstance(c, Tag) and is_block(c) and c.name not in (*HEADINGS, "p") for c in node.contents)
        and node_text(node).endswith("?")
    )


def _holds_blocks(node: Tag) -> bool:
    return any(isinstance(child, Tag) and is_block(child) for child in node.contents)


def _is_simple(node: Tag) -> bool:
    """True for a list or a table of data; one that holds headings, tables or sections is a layout."""
    if attribute(node, "role") == "presentation":
        return False
    inner = ["h1", "h2", "h3", "h4", "h5", "h6", "table", "details", "dl", "form", "section", "article"]
    if node.name == "table":
        inner += ["ul", "ol"]
    return node.find(inner) is None


def _is_link(node: Tag) -> bool:
    anchor = node.find("a")
    return isinstance(anchor, Tag) and node.get_text().strip() == anchor.get_text().strip()


def _flatten(header: list[str], cells: list[str]) -> str:
    """A table row as « key : value »; a header is kept where the value alone (« non ») would not say of what."""
    cells = [*cells]
    while cells and not cells[-1]:
        cells.pop()
    if len(cells) < 2:
        return cells[0] if cells else ""
    key, values = cells[0].rstrip(_KEY_END), cells[1:]
    if header and (len(values) > 1 or _YES_NO.fullmatch(values[0])):
        names = [*header[1:], *[""] * len(values)]
        values = [f"{name} : {value}" if name else value for name, value in zip(names, values, strict=False) if value]
    text = " ; ".join(value for value in values if value)
    return f"{key} : {text}" if key else text
