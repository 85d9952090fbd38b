"""Every PDF that leaves keeps the rules of PDF/A-3a and PDF/UA-1 that can be checked here; each rule can be broken."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from pdf_rules import RULES, broken
from pdf_variants import VARIANTS, variants
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    BooleanObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)

from ledger import Ledger

SAMPLE = ("dossier-images", "dossier-incomplet", "dossier-signe", "lettre-mandate", "lettre-incomplete", "barometre")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A sample of the variants, once; `python -m benchmarks pdf` holds all of them to the rules."""
    folder = tmp_path_factory.mktemp("pdf")
    Ledger.open(folder / "empty").close()
    return dict(variants(folder, (folder / "empty/ledger.sqlite").read_bytes(), SAMPLE))


def test_the_sample_keeps_every_rule(made: dict[str, bytes]) -> None:
    assert set(made) == set(SAMPLE) < set(VARIANTS)
    assert {name: found for name, data in made.items() if (found := broken(data))} == {}


def test_the_variants_are_what_they_say(made: dict[str, bytes]) -> None:
    assert any(page.images for page in PdfReader(io.BytesIO(made["dossier-images"])).pages)
    assert b"/ByteRange" in made["dossier-signe"]
    assert len({bytes(data) for data in made.values()}) == len(made)


def _elements(writer: PdfWriter, kind: str) -> list[Any]:
    found = (writer.get_object(number) for number in range(1, len(writer._objects) + 1))
    return [one for one in found if isinstance(one, DictionaryObject) and one.get("/S") == kind]


def _no_marks(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/MarkInfo")] = DictionaryObject({NameObject("/Marked"): BooleanObject(False)})


def _no_language(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")


def _no_title(writer: PdfWriter) -> None:
    del writer.root_object["/ViewerPreferences"]


def _other_part(writer: PdfWriter) -> None:
    held = writer.root_object["/Metadata"].get_object()
    changed = StreamObject()
    changed.set_data(held.get_data().replace(b"<pdfuaid:part>1<", b"<pdfuaid:part>2<"))
    writer.root_object[NameObject("/Metadata")] = writer._add_object(changed)


def _no_intent(writer: PdfWriter) -> None:
    del writer.root_object["/OutputIntents"]


def _no_unicode(writer: PdfWriter) -> None:
    fonts = writer.pages[0]["/Resources"]["/Font"]
    del next(iter(fonts.values())).get_object()["/ToUnicode"]


def _script(writer: PdfWriter) -> None:
    action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    writer.root_object[NameObject("/OpenAction")] = writer._add_object(DictionaryObject(action))


def _unannounced(writer: PdfWriter) -> None:
    del writer.root_object["/AF"]


def _skipped_level(writer: PdfWriter) -> None:
    for one in _elements(writer, "/H2"):
        one[NameObject("/S")] = NameObject("/H4")


def _stray_cell(writer: PdfWriter) -> None:
    _elements(writer, "/TR")[0][NameObject("/S")] = NameObject("/P")


def _no_scope(writer: PdfWriter) -> None:
    for one in _elements(writer, "/TH"):
        one.pop("/A", None)


def _silent_figure(writer: PdfWriter) -> None:
    _elements(writer, "/Figure")[0][NameObject("/Alt")] = TextStringObject("image.png")


def _untagged(writer: PdfWriter) -> None:
    content = StreamObject()
    content.set_data(b"0 0 10 10 re f")
    writer.pages[0][NameObject("/Contents")] = writer._add_object(content)


def _hidden(writer: PdfWriter) -> None:
    one = next(page["/Annots"][0].get_object() for page in writer.pages if "/Annots" in page)
    one[NameObject("/F")] = NumberObject(2)


def _no_bookmarks(writer: PdfWriter) -> None:
    del writer.root_object["/Outlines"]


def _no_labels(writer: PdfWriter) -> None:
    del writer.root_object["/PageLabels"]


def _fine_image(writer: PdfWriter) -> None:
    for page in writer.pages:
        for one in (page["/Resources"].get("/XObject") or {}).values():
            if one.get_object().get("/Subtype") == "/Image":
                one.get_object()[NameObject("/Width")] = NumberObject(9000)


SPOILS: dict[str, Callable[[PdfWriter], None]] = {
    "structure": _no_marks,
    "language": _no_language,
    "title": _no_title,
    "xmp.identifies": _other_part,
    "colour.intent": _no_intent,
    "fonts": _no_unicode,
    "quiet": _script,
    "attachments": _unannounced,
    "headings": _skipped_level,
    "nesting": _stray_cell,
    "tables": _no_scope,
    "figures": _silent_figure,
    "content.tagged": _untagged,
    "annotations": _hidden,
    "bookmarks": _no_bookmarks,
    "page.labels": _no_labels,
    "images": _fine_image,
}


@pytest.mark.parametrize("rule", SPOILS)
def test_each_rule_can_be_broken(made: dict[str, bytes], rule: str) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(made["dossier-images"]))
    SPOILS[rule](writer)
    target = io.BytesIO()
    writer.write(target)
    assert rule in {found.split(":")[0] for found in broken(target.getvalue())}


def test_the_rules_of_the_file_itself(made: dict[str, bytes]) -> None:
    data = made["lettre-mandate"]
    assert [found.split(":")[0] for found in broken(data + b"\nplus")] == ["file.header"]
    writer = PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt("", "secret")
    target = io.BytesIO()
    writer.write(target)
    assert "file.open" in {found.split(":")[0] for found in broken(target.getvalue())}
    assert {*SPOILS, "file.header", "file.open"} == set(RULES)
