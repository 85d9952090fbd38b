"""Typeset what leaves: PDF/A-3a and PDF/UA-1, tagged. No network, no fonts of the machine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import typst

from ledger.models import Json
from reports.glyphs import clean_all

NO_GLYPH = "could not be displayed"


def typeset(
    model: Json,
    facts: bytes,
    at: datetime,
    template: str = "dossier.typ",
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> bytes:
    """The PDF, the same bytes for the same arguments. `facts` go into it, where the template attaches them; `files`
    are the images it may read, and nothing else can be read.

    A character the fonts lack would make a PDF that loses text, so the compiler refuses it; then everything beyond
    Latin is printed as its code. That happens only when the shipped fonts are missing or have changed.
    """
    try:
        return _compile(clean_all(model), facts, at, template, files)
    except typst.TypstError as error:
        if NO_GLYPH not in str(error):
            raise
    return _compile(clean_all(model, plain=True), facts, at, template, files)


def _compile(model: Json, facts: bytes, at: datetime, template: str, files: Mapping[str, bytes]) -> bytes:
    room = resources.files("reports")
    with (
        resources.as_file(room.joinpath("data/fonts")) as fonts,
        tempfile.TemporaryDirectory(prefix="vigie-typst-") as nothing,
    ):
        for name, data in files.items():
            (Path(nothing) / name).write_bytes(data)
        compiler = typst.Compiler(
            room.joinpath(f"templates/{template}").read_bytes(),
            root=Path(nothing),  # the template can read no other file
            font_paths=typst.Fonts(include_system_fonts=False, font_paths=[fonts]),
            sys_inputs={"model": json.dumps(model), "facts": facts.decode()},
            package_path=Path(nothing),
            package_cache_path=Path(nothing),
        )
        compiled = compiler.compile(format="pdf", pdf_standards=["a-3a", "ua-1"], timestamp=at)
    if not isinstance(compiled, bytes):
        raise TypeError("the compiler gave no single PDF")
    return compiled
