"""Put fields for signatures into a tagged PDF so that it stays PDF/A-3 and PDF/UA-1. It signs nothing.

A field that nobody sees may not be hidden (PDF/A) and must have a name and a place in the structure (PDF/UA): each
stands beyond the edge of the page, in a « Form » of the document's structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields

Entries: Any = generic.DictionaryObject  # their constructors bear no types
Number: Any = generic.NumberObject
AWAY = fields.InvisSigSettings(box_out_of_bounds=True)


def add_fields(writer: IncrementalPdfFileWriter, named: Mapping[str, str]) -> None:
    """An empty field for each name, with what a reader aloud says of it."""
    for name, said in named.items():
        spec = fields.SigFieldSpec(name, invis_sig_settings=AWAY, readable_field_name=said)
        fields.append_signature_field(writer, spec)
    root = writer.root
    if "/StructTreeRoot" not in root:
        return
    known = root["/AcroForm"]["/Fields"]
    for reference in (known.raw_get(place) for place in range(len(known))):
        if (name := str(reference.get_object()["/T"])) in named:
            _tag(writer, root["/StructTreeRoot"], reference, named[name])


def _tag(writer: IncrementalPdfFileWriter, tree: Any, reference: Any, said: str) -> None:
    """A « Form » at the end of the document that holds the field, known both ways."""
    field = reference.get_object()
    document = tree.raw_get("/K")
    if isinstance(document.get_object(), generic.ArrayObject):
        document = document.get_object().raw_get(0)
    page = field.raw_get("/P")
    holder = Entries(
        {
            pdf_name("/Type"): pdf_name("/OBJR"),
            pdf_name("/Obj"): reference,
            pdf_name("/Pg"): page,
        }
    )
    form = Entries(
        {
            pdf_name("/Type"): pdf_name("/StructElem"),
            pdf_name("/S"): pdf_name("/Form"),
            pdf_name("/P"): document,
            pdf_name("/Pg"): page,
            pdf_name("/Alt"): generic.TextStringObject(said),
            pdf_name("/K"): holder,
        }
    )
    made = writer.add_object(form)
    above = document.get_object()
    kids = above["/K"]
    kids.append(made)
    key = int(tree["/ParentTreeNextKey"])
    field[pdf_name("/StructParent")] = Number(key)
    tree[pdf_name("/ParentTreeNextKey")] = Number(key + 1)
    numbers = tree["/ParentTree"]["/Nums"]
    numbers.append(Number(key))
    numbers.append(made)
    for changed in (field, above, kids, tree, numbers):
        writer.update_container(changed)
