"""Check a PDF against what a machine can check of PDF/A-3a (ISO 19005-3), PDF/UA-1 (ISO 14289-1) and of our own rules.

It reads with pypdf, shares nothing with what writes the files, and names each rule that is broken. It is no veraPDF: it
judges neither colours nor glyph widths.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, ContentStream, DictionaryObject, IndirectObject, NullObject, StreamObject

STANDARD = frozenset(
    """
    Document Part Art Sect Div BlockQuote Caption TOC TOCI Index NonStruct Private P H H1 H2 H3 H4 H5 H6 L LI Lbl LBody
    Table TR TH TD THead TBody TFoot Span Quote Note Reference BibEntry Code Link Annot Ruby RB RT RP Warichu WT WP
    Figure Formula Form
    """.split()  # noqa: SIM905  one word a type reads better than a page of quotes
)
MARKS = {b"BDC", b"BMC"}
PAINTS = {b"Tj", b"TJ", b"'", b'"', b"Do", b"f", b"F", b"f*", b"S", b"s", b"B", b"b", b"B*", b"b*", b"sh", b"EI"}
FORBIDDEN_ACTIONS = {"/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/JavaScript", "/Hide", "/SetOCGState"}
MOST_DPI = 300.5
LONG = 3  # pages from which a document needs bookmarks


@dataclass(frozen=True)
class Node:
    """A structure element: its standard type, its dictionary, its elements in order."""

    kind: str
    entry: Any
    kids: tuple[Node, ...]

    def walk(self) -> Iterator[Node]:
        """It and everything below, in reading order."""
        yield self
        for kid in self.kids:
            yield from kid.walk()


class Opened:
    """A PDF and what the rules look at, each read once."""

    def __init__(self, data: bytes) -> None:
        """Raises what pypdf raises for what is no PDF."""
        self.data, self.reader = data, PdfReader(io.BytesIO(data))

    @cached_property
    def root(self) -> Any:
        return self.reader.trailer["/Root"].get_object()

    @cached_property
    def xmp(self) -> str:
        held = self.root.get("/Metadata")
        return held.get_object().get_data().decode("utf-8") if held is not None else ""

    @cached_property
    def tree(self) -> Node:
        roles = {str(k): str(v) for k, v in (self.root["/StructTreeRoot"].get("/RoleMap") or {}).items()}
        return self._node(self.root["/StructTreeRoot"], roles)

    def _node(self, entry: Any, roles: dict[str, str]) -> Node:
        kind = str(entry.get("/S", "/"))
        while kind in roles and kind[1:] not in STANDARD:
            kind = roles[kind]
        held = entry.get("/K", [])
        held = held.get_object() if isinstance(held, IndirectObject) else held
        kids = held if isinstance(held, ArrayObject) else [held]
        read = [one.get_object() if isinstance(one, IndirectObject) else one for one in kids]
        below = tuple(self._node(one, roles) for one in read if isinstance(one, DictionaryObject) and "/S" in one)
        return Node(kind[1:], entry, below)

    @cached_property
    def parents(self) -> dict[int, Any]:
        """The parent tree: what each key stands for."""
        found: dict[int, Any] = {}

        def walk(node: Any) -> None:
            numbers = node.get("/Nums", [])
            for at in range(0, len(numbers), 2):
                found[int(numbers[at])] = numbers[at + 1].get_object()
            for kid in node.get("/Kids", []):
                walk(kid.get_object())

        walk(self.root["/StructTreeRoot"]["/ParentTree"].get_object())
        return found

    @cached_property
    def fonts(self) -> list[Any]:
        """Every font of every page and of what is painted on it."""
        found: dict[int, Any] = {}

        def resources(held: Any, depth: int = 0) -> None:
            for font in (held.get("/Font") or {}).values():
                found.setdefault(id(font.get_object()), font.get_object())
            for one in (held.get("/XObject") or {}).values():
                inner = one.get_object().get("/Resources")
                if inner is not None and depth < 8:
                    resources(inner.get_object(), depth + 1)

        for page in self.reader.pages:
            resources(page["/Resources"].get_object())
        return list(found.values())

    def annotations(self) -> Iterator[tuple[int, Any]]:
        """(page from 1, annotation)."""
        for number, page in enumerate(self.reader.pages, 1):
            for one in page.get("/Annots") or []:
                yield number, one.get_object()


def _true(held: Any, name: str) -> bool:
    """Whether an entry is there and true: pypdf's booleans are all true to Python."""
    found = held.get(name)
    return bool(getattr(found, "value", found))


Rule = Callable[[Opened], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    """Register a rule under its name."""

    def keep(found: Rule) -> Rule:
        RULES[name] = found
        return found

    return keep


def broken(data: bytes) -> list[str]:
    """« rule: what is wrong », of every rule that these bytes break."""
    opened = Opened(data)
    return [f"{name}: {what}" for name, check in RULES.items() for what in check(opened)]


@rule("file.header")
def _header(pdf: Opened) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.[0-7]\r?\n%[\x80-\xff]{4}", pdf.data):
        yield "no header of version 1.0 to 1.7 followed by four high bytes"
    if not pdf.data.rstrip(b"\r\n").endswith(b"%%EOF"):
        yield "something follows the end of the file"


@rule("file.open")
def _open(pdf: Opened) -> Iterator[str]:
    if "/Encrypt" in pdf.reader.trailer:
        yield "it is encrypted"
    if "/ID" not in pdf.reader.trailer:
        yield "the trailer has no ID"


@rule("xmp.identifies")
def _identifies(pdf: Opened) -> Iterator[str]:
    for name, value in (("pdfaid:part", "3"), ("pdfaid:conformance", "A"), ("pdfuaid:part", "1")):
        held = re.search(rf'<{name}>\s*([^<]*?)\s*<|\b{name}="([^"]*)"', pdf.xmp)
        if not held or (held.group(1) or held.group(2)) != value:
            yield f"the XMP does not say {name} = {value}"


@rule("title")
def _title(pdf: Opened) -> Iterator[str]:
    held = re.search(r"<dc:title[^>]*>.*?<rdf:li[^>]*>([^<]+)<", pdf.xmp, re.S)
    if not held:
        yield "the XMP has no title"
    information = pdf.reader.trailer.get("/Info")
    if held and information is not None and information.get_object().get("/Title") not in (None, _plain(held.group(1))):
        yield "two titles"
    if not _true(pdf.root.get("/ViewerPreferences") or {}, "/DisplayDocTitle"):
        yield "the viewer is not told to show the title"


def _plain(text: str) -> str:
    return (
        text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", '"')
        .replace("&apos;", "'")
        .replace("&amp;", "&")
    )


@rule("language")
def _language(pdf: Opened) -> Iterator[str]:
    if not str(pdf.root.get("/Lang", "")).lower().startswith("fr"):
        yield "the document does not say that it is in French"


@rule("colour.intent")
def _intent(pdf: Opened) -> Iterator[str]:
    intents = [one.get_object() for one in pdf.root.get("/OutputIntents") or []]
    wanted = [one for one in intents if one.get("/S") == "/GTS_PDFA1"]
    if len(wanted) != 1 or "/DestOutputProfile" not in wanted[0]:
        yield "no single output intent for PDF/A with its profile"
        return
    profile = wanted[0]["/DestOutputProfile"].get_object()
    if profile.get_data()[36:40] != b"acsp":
        yield "the profile is no ICC profile"


@rule("fonts")
def _fonts(pdf: Opened) -> Iterator[str]:
    if not pdf.fonts:
        yield "no font at all"
    for font in pdf.fonts:
        name = str(font.get("/BaseFont", font.get("/Subtype")))
        inner = font["/DescendantFonts"][0].get_object() if font.get("/Subtype") == "/Type0" else font
        descriptor = inner.get("/FontDescriptor")
        files = {"/FontFile", "/FontFile2", "/FontFile3"}
        if font.get("/Subtype") != "/Type3" and not (descriptor and files & set(descriptor.get_object())):
            yield f"{name} is not embedded"
        if "/ToUnicode" not in font:
            yield f"{name} has no map to Unicode"
        elif re.search(rb"<(?:0000|FEFF|FFFE)>\s*\r?\n", font["/ToUnicode"].get_object().get_data(), re.I):
            yield f"{name} maps a glyph to nothing"


@rule("quiet")
def _quiet(pdf: Opened) -> Iterator[str]:
    for number in range(1, len(pdf.reader.xref_objStm) + sum(map(len, pdf.reader.xref.values())) + 1):
        try:
            held = pdf.reader.get_object(number)
        except Exception:  # noqa: BLE001  a number that nothing stands for
            continue
        if not isinstance(held, DictionaryObject):
            continue
        if str(held.get("/S")) in FORBIDDEN_ACTIONS and "/K" not in held:
            yield f"object {number} does {held['/S']}"
        for name in ("/JS", "/JavaScript", "/AA", "/XFA"):
            if name in held:
                yield f"object {number} has {name}"
        if _true(held, "/Interpolate") or "/OPI" in held or "/Alternates" in held:
            yield f"object {number} is an image that may not be there"
    if _true(pdf.root.get("/AcroForm") or {}, "/NeedAppearances"):
        yield "fields need appearances"


@rule("attachments")
def _attachments(pdf: Opened) -> Iterator[str]:
    named = ((pdf.root.get("/Names") or {}).get("/EmbeddedFiles") or {}).get("/Names", [])
    held = [one.get_object() for one in named[1::2]]
    announced = [one.get_object() for one in pdf.root.get("/AF") or []]
    if len(held) != len(announced):
        yield "an embedded file is not announced to the document"
    for one in held:
        for name in ("/F", "/UF", "/AFRelationship", "/Desc"):
            if name not in one:
                yield f"an embedded file has no {name}"
        stream = one["/EF"]["/F"].get_object()
        if "/Subtype" not in stream or "/ModDate" not in stream.get("/Params", {}):
            yield "an embedded file has no type or date"


@rule("structure")
def _structure(pdf: Opened) -> Iterator[str]:
    marked = pdf.root.get("/MarkInfo") or {}
    if not _true(marked, "/Marked") or _true(marked, "/Suspects"):
        yield "the document is not marked as tagged"
    if [one.kind for one in pdf.tree.kids] != ["Document"]:
        yield "the structure does not begin with one Document"
    for node in pdf.tree.walk():
        if node.kind and node.kind not in STANDARD:
            yield f"{node.kind} is no standard type"
    for number, page in enumerate(pdf.reader.pages, 1):
        if page.get("/Tabs") != "/S" and page.get("/Annots"):
            yield f"page {number}: the order of tabs is not that of the structure"


@rule("headings")
def _headings(pdf: Opened) -> Iterator[str]:
    levels = [int(node.kind[1]) for node in pdf.tree.walk() if re.fullmatch(r"H[1-6]", node.kind)]
    if levels and levels[0] != 1:
        yield f"the first heading is of level {levels[0]}"
    for before, after in itertools.pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} follows one of level {before}"


@rule("nesting")
def _nesting(pdf: Opened) -> Iterator[str]:
    wanted = {
        "Table": {"TR", "THead", "TBody", "TFoot", "Caption"}, "THead": {"TR"}, "TBody": {"TR"}, "TFoot": {"TR"},
        "TR": {"TH", "TD"}, "L": {"LI", "L", "Caption"}, "LI": {"Lbl", "LBody"}, "TOC": {"TOCI", "TOC", "Caption"},
    }  # fmt: skip
    for node in pdf.tree.walk():
        for kid in node.kids:
            if node.kind in wanted and kid.kind not in wanted[node.kind]:
                yield f"{kid.kind} in {node.kind}"


@rule("tables")
def _tables(pdf: Opened) -> Iterator[str]:
    for table in (node for node in pdf.tree.walk() if node.kind == "Table"):
        rows = [node for node in table.walk() if node.kind == "TR"]
        heads = [cell for row in rows for cell in row.kids if cell.kind == "TH"]
        if not heads:
            yield "a table has no header cell"
        for cell in heads:
            if not any(one.get("/Scope") for one in _attributes(cell)):
                yield "a header cell has no scope"
        filled: dict[int, int] = {}
        for place, row in enumerate(rows):
            for cell in row.kids:
                wide, high = _span(cell, "/ColSpan"), _span(cell, "/RowSpan")
                for down in range(high):
                    filled[place + down] = filled.get(place + down, 0) + wide
        if len(set(filled.values())) > 1:
            yield f"a table whose rows have {sorted(set(filled.values()))} columns"


def _attributes(node: Node) -> list[Any]:
    held = node.entry.get("/A", ArrayObject())
    held = held.get_object()
    every = [one.get_object() for one in held] if isinstance(held, ArrayObject) else [held]
    return [one for one in every if isinstance(one, DictionaryObject)]


def _span(node: Node, name: str) -> int:
    return max((int(one.get(name, 1)) for one in _attributes(node)), default=1)


@rule("figures")
def _figures(pdf: Opened) -> Iterator[str]:
    for node in pdf.tree.walk():
        if node.kind in ("Figure", "Formula"):
            said = str(node.entry.get("/Alt", node.entry.get("/ActualText", ""))).strip()
            if len(said) < 3 or re.fullmatch(r"\S+\.(?:png|jpe?g|svg)", said):
                yield f"a figure says « {said} »"


@rule("content.tagged")
def _content(pdf: Opened) -> Iterator[str]:
    """What is painted stands in a marked content that is an artifact or that the structure knows."""
    for number, page in enumerate(pdf.reader.pages, 1):
        known = pdf.parents.get(int(page.get("/StructParents", -1)), [])
        stack: list[bool] = []
        content = page.get_contents()
        operations = ContentStream(content, pdf.reader).operations if content is not None else []
        for operands, operator in operations:
            if operator in MARKS:
                held = operands[1] if len(operands) > 1 and isinstance(operands[1], DictionaryObject) else {}
                at = held.get("/MCID")
                if at is not None and (int(at) >= len(known) or isinstance(known[int(at)], NullObject)):
                    yield f"page {number}: marked content {at} is in no structure"
                stack.append(operands[0] == "/Artifact" or at is not None or any(stack))
            elif operator == b"EMC":
                if not stack:
                    yield f"page {number}: a marked content ends that did not begin"
                else:
                    stack.pop()
            elif operator in PAINTS and not any(stack):
                yield f"page {number}: {operator.decode()} outside of any marked content"
                break
        if stack:
            yield f"page {number}: a marked content does not end"


@rule("annotations")
def _annotations(pdf: Opened) -> Iterator[str]:
    """Printed, never hidden, with words for a reader aloud, and in the structure: links in a Link, fields in a Form."""
    for number, one in pdf.annotations():
        kind = str(one.get("/Subtype"))
        flags = int(one.get("/F", 0))
        if not flags & 4 or flags & (1 | 2 | 32 | 256):
            yield f"page {number}: {kind} with flags {flags}"
        owner = pdf.parents.get(int(one.get("/StructParent", -1)))
        wanted = {"/Link": "/Link", "/Widget": "/Form"}.get(kind, "/Annot")
        if owner is None or owner.get("/S") != wanted:
            yield f"page {number}: {kind} is not in a {wanted[1:]} of the structure"
        if kind == "/Widget":
            if not str(one.get("/TU", "")).strip():
                yield f"page {number}: a field has no name to be read aloud"
        elif not str(one.get("/Contents", "")).strip():
            yield f"page {number}: {kind} has no words"


@rule("bookmarks")
def _bookmarks(pdf: Opened) -> Iterator[str]:
    headings = [node for node in pdf.tree.walk() if node.kind == "H1"]
    if len(pdf.reader.pages) >= LONG and len(headings) > 1:
        outline = [one for one in pdf.reader.outline if not isinstance(one, list)]
        if len(outline) < len(headings):
            yield f"{len(headings)} headings of the first level and {len(outline)} bookmarks"


@rule("page.labels")
def _labels(pdf: Opened) -> Iterator[str]:
    if "/PageLabels" not in pdf.root:
        yield "the pages have no labels"
    elif pdf.reader.page_labels != [str(number) for number in range(1, len(pdf.reader.pages) + 1)]:
        yield "the labels of the pages are not the numbers printed on them"


@rule("images")
def _images(pdf: Opened) -> Iterator[str]:
    """No image is finer than 300 dots an inch where it is painted."""
    for number, page in enumerate(pdf.reader.pages, 1):
        for wide, high, across, down in _painted(pdf, page["/Resources"].get_object(), page.get_contents()):
            if wide / across * 72 > MOST_DPI or high / down * 72 > MOST_DPI:
                yield f"page {number}: {wide} × {high} dots on {across:.0f} × {down:.0f} points"


def _painted(
    pdf: Opened, resources: Any, content: Any, matrix: tuple[float, float, float, float] = (1, 0, 0, 1)
) -> Iterator[tuple[int, int, float, float]]:
    """(dots across, dots down, points across, points down) of each image, through the forms that paint it."""
    objects = {name: one.get_object() for name, one in (resources.get("/XObject") or {}).items()}
    if not objects or content is None:
        return
    stack: list[tuple[float, float, float, float]] = []
    for operands, operator in ContentStream(content, pdf.reader).operations:
        if operator == b"q":
            stack.append(matrix)
        elif operator == b"Q" and stack:
            matrix = stack.pop()
        elif operator == b"cm":
            a, b, c, d = (float(one) for one in operands[:4])
            e, f, g, h = matrix
            matrix = (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)
        elif operator == b"Do" and isinstance(held := objects.get(operands[0]), StreamObject):
            if held.get("/Subtype") == "/Image":
                e, f, g, h = matrix
                yield (
                    int(held["/Width"]),
                    int(held["/Height"]),
                    max((e * e + f * f) ** 0.5, 0.01),
                    max((g * g + h * h) ** 0.5, 0.01),
                )
            elif "/Resources" in held:
                yield from _painted(pdf, held["/Resources"].get_object(), held, matrix)
