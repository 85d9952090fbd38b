"""Cut a page into pieces a reader can judge alone: a paragraph, a list with what introduces it, a row, a question and
its answer. Navigation, footers' boilerplate, cookie notices and hidden nodes are left out. It names no field but the
ones a place imposes (`faq`, `banner`, `review`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bs4 import Tag

from crawler.reading.fields import field_of_heading
from crawler.reading.locators import css_path, own_content
from crawler.reading.nodes import HEADINGS, attribute, is_block, is_hidden, node_text, unfoldable, word_set
from crawler.reading.texts import clean, fold, words

LONG = 700  # characters: a longer paragraph is cut at its empty lines
LONG_ANSWER = 1500  # characters: a longer answer is cut into pieces, each under its question
_DEEPEST = 60  # levels of nesting walked; what is deeper is read as one text
_MOST = 3000  # pieces of one page
_FOLD_LEVEL = 9  # heading level of questions and of `summary`, below h6

_TOKEN = re.compile(r"[A-Za-zÀ-ÿ]+")
_CHROME = word_set(
    "cookie cookies didomi tarteaucitron axeptio onetrust cookiebot gdpr rgpd cmp consent consentement cookieconsent "
    "breadcrumb breadcrumbs ariane navbar sitemap skip"
)
_CHROME_ROLES = frozenset(("navigation", "search", "menu", "menubar"))
_BANNER = word_set("alert alerte banner bandeau notice annonce announcement flash popup")
_REVIEW = word_set("testimonial testimonials temoignage temoignages review reviews")
_AUTHOR = word_set("author auteur user username reviewer nom name pseudo signature avatar")
_SECTIONS = word_set("section article aside details td")
_QUESTION = word_set("question questions")
_BOILERPLATE = re.compile(
    r"©|\bcopyright\b|tous droits|mentions legales|politique de confidentialite|plan du site|\bcookies?\b|"
    r"\b(?:realise|cree|propulse|concu|heberge) (?:par|avec)\b|conception"
)
_ACRONYM = re.compile(r"\b[A-Z](?:\.?[A-Z0-9]){1,}\b")
_SENTENCE_END = re.compile(r"[.!?…][»\"”)\s]*$")
_KEY_END = " :\u00a0"
_BULLET = re.compile(r"[-–—•*·►▪✓✗✘❌✅]")
_YES_NO = re.compile(r"(?:oui|non|yes|no|x|✓|✔|✗|✘|❌|✅|-)[\s.!]*", re.IGNORECASE)
_SIGNATURE = re.compile(r"\s*(?:[—–-]{1,2}\s*[^\W\d_][^\n]{0,50}|(?<=[»\"”])[^«»\"”\n]{1,50})$")


@dataclass(frozen=True)
class Piece:
    """One passage-to-be. `headings`: level and text, innermost first; `zone`: the field its place imposes, or ""."""

    text: str
    locator: str
    headings: tuple[tuple[int, str], ...] = ()
    zone: str = ""


@dataclass(frozen=True)
class _Block:
    kind: str  # heading | text | list | row | close
    text: str
    paths: tuple[str, ...]
    level: int = 0
    zone: str = ""
    items: tuple[tuple[str, str], ...] = ()  # of a list: each item's text and path


def read_pieces(root: Tag, leave_out: Iterable[int] = ()) -> list[Piece]:
    """The pieces of a subtree in document order, each locator once. `leave_out`: `id()`s of nodes read elsewhere."""
    walker = _Walker(root, frozenset(leave_out))
    walker.walk(root, "", 0)
    kept: dict[str, Piece] = {}
    for piece in _assemble(walker.blocks):
        if piece.text and (kept_piece := _fit(piece)) is not None:
            kept.setdefault(kept_piece.locator, kept_piece)
    return list(kept.values())[:_MOST]


def _tokens(node: Tag) -> set[str]:
    return {t.lower() for t in _TOKEN.findall(f"{attribute(node, 'class')} {attribute(node, 'id')}")}


class _Walker:
    """Turns a tree into a flat list of blocks."""

    def __init__(self, root: Tag, leave_out: frozenset[int]) -> None:
        self.blocks: list[_Block] = []
        self._leave_out = leave_out
        self._opened = unfoldable(root)
        self._review_level = 0  # level of the heading that opened a section of reviews, 0 outside one
        self._reviewing = False

    def _unseen(self, node: Tag) -> bool:
        if id(node) in self._leave_out or is_hidden(node, self._opened):
            return True
        return self._reviewing and self._author(node)

    def _chrome(self, node: Tag) -> bool:
        """True for what frames the page and is no wording of the practice."""
        if node.name in ("nav", "button", "label") or attribute(node, "role") in _CHROME_ROLES:
            return True
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
                self._add("text", child, (f"{css_path(node)}#text/{part}",), zone=zone)
        if node.name in _SECTIONS:
            self._review_level = review_level
            if levels := [block.level for block in self.blocks[first:] if block.kind == "heading"]:
                self.blocks.append(_Block("close", "", (), level=min(levels)))

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
        elif node.name == "details" or (
            depth < _DEEPEST and any(isinstance(c, Tag) and is_block(c) for c in node.contents)
        ):
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
        self._add("heading", text, (css_path(node),), level=level, zone=zone)

    def _leaf(self, node: Tag, zone: str) -> None:
        text = self._text(node)
        if len(text) > LONG:
            parts = [part for part in own_content(node, self._unseen) if isinstance(part, str)]
            if len(parts) > 1:
                for number, part in enumerate(parts, 1):
                    self._add("text", part, (f"{css_path(node)}#text/{number}",), zone=zone)
                return
        self._add("text", text, (css_path(node),), zone=zone)

    def _list(self, node: Tag, zone: str) -> None:
        entries = [li for li in node.find_all("li", recursive=False) if not self._unseen(li)]
        if len(entries) > 2 and all(_is_link(li) for li in entries):
            return  # a menu
        items = tuple((text, css_path(li)) for li in entries if (text := self._text(li)))
        if items:
            zone = zone or self._place()
            self.blocks.append(_Block("list", self._text(node), (css_path(node),), zone=zone, items=items))

    def _table(self, node: Tag, zone: str) -> None:
        rows = [row for row in node.find_all("tr") if not self._unseen(row)]
        grid = [[c for c in row.find_all(["td", "th"], recursive=False) if not self._unseen(c)] for row in rows]
        header: list[str] = []
        for row, cells in zip(rows, grid, strict=True):
            texts = [self._text(cell).replace("\n", " ") for cell in cells]
            if row is rows[0] and len(texts) > 1 and len(rows) > 1 and all(cell.name == "th" for cell in cells):
                header = texts
                continue
            self._add("row", _flatten(header, texts), (css_path(row),), zone=zone)

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
        paths = tuple(css_path(node) for node in (*terms, *said))
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
            self.blocks.append(_Block(kind, text, paths, level, zone or self._place()))


def _zone_of(node: Tag) -> str:
    """The zone that a container opens, "" when it opens none."""
    if node.name == "footer":
        return "footer"
    if node.name in ("html", "body", "main"):
        return ""
    if attribute(node, "role") in ("alert", "alertdialog"):
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


def _is_fragment(block: _Block) -> bool:
    """A text that says nothing without its heading: « Non acceptée », « sur demande »."""
    return block.kind == "text" and words(block.text) <= 3 and not _ACRONYM.search(block.text)


def _introduces(block: _Block, following: _Block) -> bool:
    """True when a paragraph (or a heading) is the beginning of what follows it."""
    if block.text.endswith(":"):
        return following.kind in ("list", "text") and block.zone == following.zone
    if following.kind != "list" or block.zone != following.zone:
        return False
    if block.kind == "heading":
        if field_of_heading(block.text) == "motive":
            return False  # each motive of a list is a wording of its own
        return not any(_SENTENCE_END.search(text) and words(text) > 6 for text, _ in following.items)
    return len(block.text) <= 120 and not _SENTENCE_END.search(block.text)


def _join(first: _Block, *others: _Block, by: str = "\n") -> _Block:
    text = by.join((first.text, *(other.text for other in others)))
    paths = tuple(dict.fromkeys(path for block in (first, *others) for path in block.paths))
    return replace(first, kind="text", text=text, paths=paths)


def _assemble(blocks: list[_Block]) -> Iterator[Piece]:
    """Join what cannot be read apart, and put each piece under its headings."""
    over: list[_Block] = []
    index = 0
    while index < len(blocks):
        block = blocks[index]
        index += 1
        if block.kind in ("heading", "close"):
            over = [h for h in over if h.level < block.level]
            if block.kind == "close":
                continue
            taken, pieces = _under_heading(block, blocks[index:])
            over.append(block)
            yield from (_piece(p, _names(over)) for p in pieces)
            index += taken
        elif block.kind == "list" and _is_split(block, over):
            for text, path in block.items:
                yield _piece(replace(block, text=text, paths=(path,)), _names(over))
        else:
            following = _introduced(block, blocks[index:])
            index += len(following)
            joined = _join(block, *following) if following else block
            yield _piece(replace(joined, zone="faq") if following and _asks(block) else joined, _names(over))


def _is_split(block: _Block, over: list[_Block]) -> bool:
    """True for a list whose items stand alone: sentences, or names of motives."""
    if over and field_of_heading(over[-1].text) == "motive":
        return True
    return all(_SENTENCE_END.search(text) and words(text) > 6 for text, _ in block.items)


def _asks(block: _Block) -> bool:
    """True for a question that stands as a paragraph of its own over its answer."""
    return block.kind == "text" and block.zone != "review" and block.text.endswith("?") and words(block.text) <= 30


def _introduced(block: _Block, rest: list[_Block]) -> list[_Block]:
    """The blocks that a text introduces: the list or paragraph after « : », and bullets typed as paragraphs."""
    if block.kind != "text" or not rest:
        return []
    if _asks(block) and rest[0].kind in ("text", "list") and not _asks(rest[0]):
        whole = block.zone == "faq"  # elsewhere a question has one answer, not the rest of the section
        ends = (i for i, b in enumerate(rest) if b.kind in ("heading", "close") or _asks(b) or b.zone != block.zone)
        return rest[: next(ends, len(rest))][: None if whole else 1]
    if not _introduces(block, rest[0]):
        return []
    taken = [rest[0]]
    if rest[0].kind == "text" and _BULLET.match(rest[0].text):
        for following in rest[1:]:
            if following.kind != "text" or not _BULLET.match(following.text):
                break
            taken.append(following)
    return taken


def _under_heading(heading: _Block, rest: list[_Block]) -> tuple[int, list[_Block]]:
    """How many of the next blocks a heading takes with it, and what they become."""
    if heading.text.endswith("?"):
        answers: list[_Block] = []
        for block in rest:
            if block.kind in ("heading", "close") or block.zone == "footer" != heading.zone:
                break
            answers.append(block)
        asked = replace(heading, zone=heading.zone if heading.zone in ("review", "footer") else "faq")
        if not answers:
            return 0, [heading]
        if sum(len(answer.text) for answer in answers) <= LONG_ANSWER:
            return len(answers), [_join(asked, *answers)]
        return len(answers), [replace(_join(asked, answer), paths=answer.paths) for answer in answers]
    if rest and rest[0].zone == heading.zone:
        if _introduces(heading, rest[0]):
            following = _introduced(replace(heading, kind="text"), rest) or rest[:1]
            return len(following), [_join(heading, *following)]
        last = len(rest) == 1 or rest[1].kind in ("heading", "close")
        if last and _is_fragment(rest[0]):
            return 1, [_join(heading, rest[0], by=" : ")]
    return 0, [heading] if words(heading.text) > 1 or _ACRONYM.search(heading.text) else []


def _names(over: list[_Block]) -> tuple[tuple[int, str], ...]:
    return tuple((heading.level, heading.text) for heading in reversed(over))


def _piece(block: _Block, headings: tuple[tuple[int, str], ...]) -> Piece:
    return Piece(block.text, ", ".join(block.paths), () if block.zone == "footer" else headings, block.zone)


def _fit(piece: Piece) -> Piece | None:
    """The piece as it may be kept: footers without boilerplate, reviews without their authors; None: not at all."""
    if piece.zone == "footer":
        folded = fold(piece.text)
        return None if words(piece.text) < 3 or _BOILERPLATE.search(folded) else replace(piece, zone="")
    return piece


def without_author(text: str) -> str:
    """A patient's review without the name under it; "" when the text is nothing but a name."""
    text = _SIGNATURE.sub("", text).strip()
    names = text.split()
    is_name = len(names) <= 4 and not _SENTENCE_END.search(text.rstrip(".")) and all(n[:1].isupper() for n in names)
    return "" if is_name and not _ACRONYM.search(text) else text
