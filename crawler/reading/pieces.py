"""Join blocks into pieces a reader can judge alone: a paragraph, a list with what introduces it, a question with its
answer, a fragment with its heading. Boilerplate of footers is left out. It reads no tree and decides no stance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bs4 import Tag

from crawler.reading.blocks import Block, Walker
from crawler.reading.fields import field_of_heading
from crawler.reading.texts import fold, words

LONG_ANSWER = 1500  # characters: a longer answer is cut into pieces, each under its question
_MOST = 3000  # pieces of one page
_BOILERPLATE = re.compile(
    r"©|\bcopyright\b|tous droits|mentions legales|politique de confidentialite|plan du site|\bcookies?\b|"
    r"\b(?:realise|cree|propulse|concu|heberge) (?:par|avec)\b|conception"
)
_ACRONYM = re.compile(r"\b[A-Z](?:\.?[A-Z0-9]){1,}\b")
_SENTENCE_END = re.compile(r"[.!?…][»\"”)\s]*$")
_BULLET = re.compile(r"[-–—•*·►▪✓✗✘❌✅]")
_SIGNATURE = re.compile(
    r"(?:(?:^|\s+)[—–-]{1,2}\s*[^\W\d_][^\n]{0,50}|(?<=[»\"”])[^«»\"”\n]{1,50}"
    r"|(?<=[.!?…])\s+[A-ZÀ-Þ][\w'’-]+\s+[A-ZÀ-Þ]\.?)$"
)


@dataclass(frozen=True)
class Piece:
    """One passage-to-be. `headings`: level and text, innermost first; `zone`: the field its place imposes, or ""."""

    text: str
    locator: str
    headings: tuple[tuple[int, str], ...] = ()
    zone: str = ""


def read_pieces(root: Tag, leave_out: Iterable[int] = ()) -> list[Piece]:
    """The pieces of a subtree in document order, each locator once. `leave_out`: `id()`s of nodes read elsewhere."""
    walker = Walker(root, frozenset(leave_out))
    walker.walk(root, "", 0)
    kept: dict[str, Piece] = {}
    for piece in _assemble(walker.blocks):
        if piece.text and (kept_piece := _fit(piece)) is not None:
            kept.setdefault(kept_piece.locator, kept_piece)
    return list(kept.values())[:_MOST]


def _is_fragment(block: Block) -> bool:
    """A text that says nothing without its heading: « Non acceptée », « sur demande »."""
    return block.kind == "text" and words(block.text) <= 3 and not _ACRONYM.search(block.text)


def _introduces(block: Block, following: Block) -> bool:
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


def _join(first: Block, *others: Block, by: str = "\n") -> Block:
    text = by.join((first.text, *(other.text for other in others)))
    paths = tuple(dict.fromkeys(path for block in (first, *others) for path in block.paths))
    return replace(first, kind="text", text=text, paths=paths)


def _assemble(blocks: list[Block]) -> Iterator[Piece]:
    """Join what cannot be read apart, and put each piece under its headings."""
    over: list[Block] = []
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


def _is_split(block: Block, over: list[Block]) -> bool:
    """True for a list whose items stand alone: sentences, or names of motives."""
    if over and field_of_heading(over[-1].text) == "motive":
        return True
    return all(_SENTENCE_END.search(text) and words(text) > 6 for text, _ in block.items)


def _asks(block: Block) -> bool:
    """True for a question that stands as a paragraph of its own over its answer."""
    return block.kind == "text" and block.zone != "review" and block.text.endswith("?") and words(block.text) <= 30


def _introduced(block: Block, rest: list[Block]) -> list[Block]:
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


def _under_heading(heading: Block, rest: list[Block]) -> tuple[int, list[Block]]:
    """How many of the next blocks a heading takes with it, and what they become."""
    if heading.text.endswith("?"):
        answers: list[Block] = []
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


def _names(over: list[Block]) -> tuple[tuple[int, str], ...]:
    return tuple((heading.level, heading.text) for heading in reversed(over))


def _piece(block: Block, headings: tuple[tuple[int, str], ...]) -> Piece:
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
