"""Captured text is data: it cannot run, hide, reorder or break the dossier."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest
import reports_world as world
import typst
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from ledger import Ledger
from reports import WrittenDossier, write_dossier
from reports.glyphs import clean, clean_all, printable
from reports.pdf import typeset

REFUSAL = "CMU refusée"
HOSTILE = {
    "typst markup": '#eval("1 + 1") #panic("x") #read("/etc/passwd") $x^2$ *gras* _it_ @ref <lbl> `raw` // c /* x */',
    "typst code": '"); #set page(width: 1cm); ("',
    "html": "<script>alert(1)</script> &amp; <b>gras</b>",
    "controls": "\x01\x07\x1b[31m rouge \x7f\x85",
    "right to left": "\u202erefusée tno\u202c \u2066x\u2069 \u200f",
    "emoji": "❌ 🚫 🤷🏽\u200d♀️ ✅",
    "scripts": "עברית العربية 中文 日本語 한국어 𝔘𝔫𝔦 \U000f0000",
    "stacked marks": "e" + "\u0301" * 300,
    "one long word": "W" * 5000,
    "noncharacters": "\ufffe\uffff\ufdd0\ufffd",
    "many lines": "\n" * 500,
}


def write(made: world.World, out: Path) -> WrittenDossier:
    return write_dossier(made.ledger, made.case_id, out, allow_incomplete=True, actor="x", now=world.NOW)


def text_of(written: WrittenDossier) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(written.pdf_path).pages).split())


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_wording(sqlite_ledger: Ledger, tmp_path: Path, kind: str) -> None:
    text = f"{HOSTILE[kind]} {REFUSAL} {HOSTILE[kind]}"
    content = world.as_json({"bio": text, "rpps": world.RPPS})
    made = world.build(
        sqlite_ledger,
        text=text,
        trigger=REFUSAL,
        content=content,
        kind="application/json",
        locator="/bio",
        name=text[:300],
    )
    written = write(made, tmp_path)
    assert REFUSAL in text_of(written)
    assert (written.path / "data/exhibits/piece-01-passage.txt").read_bytes().decode() == text


def test_markup_is_printed_as_it_is(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    text = f'#eval("1+1") *gras* $x$ {REFUSAL}'
    said = text_of(write(world.build(sqlite_ledger, text=text, trigger=REFUSAL), tmp_path))
    assert '#eval("1+1") *gras* $x$' in said


def test_a_megabyte_of_text(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    text = "Bonjour à tous. " * 33_000 + REFUSAL + " Merci de votre visite." * 22_000
    written = write(world.build(sqlite_ledger, text=text, trigger=REFUSAL), tmp_path)
    said = text_of(written)
    assert REFUSAL in said and "caractères avant" in said and "caractères après" in said
    assert len(PdfReader(written.pdf_path).pages) < 12
    assert (written.path / "data/exhibits/piece-01-passage.txt").stat().st_size > 1_000_000


def test_a_trigger_of_a_megabyte(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    text = f"{REFUSAL} " * 90_000
    said = text_of(write(world.build(sqlite_ledger, text=text.strip(), trigger=text.strip()), tmp_path))
    assert "caractères non reproduits" in said


def test_invisible_and_unprintable_characters_become_codes() -> None:
    assert clean("a\u202eb") == "a⟦U+202E forçage droite-gauche⟧b"
    assert clean("a\x00b\x07") == "a⟦U+0000⟧b⟦U+0007⟧"
    assert clean("CMU ❌\ufe0f") == "CMU ❌"
    assert clean("CMU ❌", plain=True) == "CMU ⟦U+274C⟧"
    assert clean("\ud800") == "⟦U+D800⟧"
    assert clean("a\r\nb\u2028c\td") == "a\nb\nc d"
    assert clean("e" + "\u0301" * 4).count("⟦U+0301⟧") == 2


def test_a_hash_stays_whole_and_a_long_word_does_not() -> None:
    digest = "0123456789abcdef" * 4
    assert clean(digest) == digest
    assert "\u200b" in clean("a" * 65)


def test_a_missing_font_falls_back_to_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def fail(model: dict[str, object], facts: bytes, at: object, template: str, files: object) -> bytes:
        asked.append("❌" in str(model))
        if len(asked) == 1:
            raise typst.TypstError('the text `"❌"` could not be displayed', "")
        return b"pdf"

    monkeypatch.setattr("reports.pdf._compile", fail)
    assert typeset({"x": "CMU ❌"}, b"{}", world.NOW) == b"pdf"
    assert asked == [True, False]


def test_the_fonts_draw_every_character_that_is_said_to_be_printable(tmp_path: Path) -> None:
    """Compiled under PDF/UA, which refuses a text without a glyph: an update of the wheel cannot lose one unnoticed."""
    chars = [chr(point) for point in sorted(printable()) if clean(chr(point)) == chr(point)]
    assert len(chars) > 6500
    source = '#set document(title: "x")\n#set text(font: ("Libertinus Serif", "DejaVu Sans Mono", "Noto Emoji"))\n'
    source += "#for row in json(bytes(sys.inputs.rows)) { for c in row { [#c ] } }"
    rows = [chars[at : at + 64] for at in range(0, len(chars), 64)]

    with resources.as_file(resources.files("reports").joinpath("data/fonts")) as fonts:
        typst.compile(
            source.encode(),
            format="pdf",
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=[str(fonts)]),
            sys_inputs={"rows": json.dumps(rows)},
            pdf_standards=["a-3a", "ua-1"],
            timestamp=world.NOW,
        )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.characters(), max_size=200))
def test_cleaned_text_holds_only_what_prints(text: str) -> None:
    for char in clean(text):
        assert char in "\n\u200b" or ord(char) in printable()


def test_cleaning_reaches_every_string() -> None:
    assert clean_all({"a": ["\x01", {"b": "\x02"}], "n": 3}) == {"a": ["⟦U+0001⟧", {"b": "⟦U+0002⟧"}], "n": 3}
