"""The named checks of a dossier's files: a PDF that lasts and that everybody can read, exhibits that are whole."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from pypdf.generic import ContentStream, DictionaryObject

from reports.package import Package

Check = Callable[[Package], Iterator[str]]
MOST_DPI = 300
BOOKMARKS = (
    "Ce qui a été constaté",
    "Chronologie",
    "Le professionnel",
    "L’autorité à saisir",
    "Les règles de droit en cause",
    "Les limites",
    "Vérifier ce dossier",
    "Bordereau des pièces",
)


def pdf_archival(package: Package) -> Iterator[str]:
    """PDF/A-3a is declared."""
    metadata = _metadata(package)
    if "<pdfaid:part>3<" not in metadata or "<pdfaid:conformance>A<" not in metadata:
        yield "le PDF ne se déclare pas PDF/A-3a"


def pdf_accessible(package: Package) -> Iterator[str]:
    """PDF/UA-1 is declared, the document is tagged, in French, and shows its title."""
    root = _root(package)
    tagged = "/StructTreeRoot" in root and root.get("/MarkInfo", {}).get("/Marked")
    titled = root.get("/ViewerPreferences", {}).get("/DisplayDocTitle")
    if "<pdfuaid:part>1<" not in _metadata(package) or not tagged or not titled or root.get("/Lang") != "fr-FR":
        yield "le PDF ne remplit pas PDF/UA-1 (balises, langue, titre)"


def pdf_bookmarks(package: Package) -> Iterator[str]:
    """The sections are bookmarks."""
    titles = [str(entry["/Title"]) for entry in package.reader.outline if isinstance(entry, dict)]
    missing = [wanted for wanted in BOOKMARKS if not any(wanted in title for title in titles)]
    yield from (f"le signet « {title} » manque" for title in missing)


def pdf_fonts(package: Package) -> Iterator[str]:
    """Every font is in the file."""
    for page in package.reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():  # type: ignore[attr-defined]
            held = font.get_object()
            inner = held["/DescendantFonts"][0].get_object() if "/DescendantFonts" in held else held
            if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(inner.get("/FontDescriptor", {}).get_object()):
                yield "une police n’est pas incorporée au PDF"
                return


def pdf_images(package: Package) -> Iterator[str]:
    """No image is printed at more than 300 dots an inch."""
    for number, page in enumerate(package.reader.pages, 1):
        for width, inches in _images(page):
            if width / inches > MOST_DPI + 0.5:
                yield f"une image de la page {number} dépasse {MOST_DPI} points par pouce"


def pdf_quiet(package: Package) -> Iterator[str]:
    """The document runs nothing and calls nothing."""
    root = _root(package)
    if {"/OpenAction", "/AA"} & set(root) or b"/JavaScript" in package.pdf or b"/Launch" in package.pdf:
        yield "le PDF contient une action"


def pdf_facts(package: Package) -> Iterator[str]:
    """The facts inside the PDF are the ones beside it."""
    if package.reader.attachments.get("facts.json") != [package.facts]:
        yield "les faits joints au PDF ne sont pas ceux du dossier"


def exhibits_whole(package: Package) -> Iterator[str]:
    """Every file of an exhibit has the fingerprint that the list prints, and its length."""
    for exhibit in package.contents.exhibits:
        for file in exhibit.files:
            data = package.read(file.name)
            if hashlib.sha256(data).hexdigest() != file.sha256 or len(data) != file.size:
                yield f"le fichier {file.name} n’a pas l’empreinte annoncée"


def exhibits_open(package: Package) -> Iterator[str]:
    """Every web archive unpacks to its end."""
    for exhibit in package.contents.exhibits:
        for file in exhibit.files:
            if file.name.endswith(".gz") and not _unpacks(package.read(file.name)):
                yield f"le fichier {file.name} ne se décompresse pas"


def list_complete(package: Package) -> Iterator[str]:
    """The list of exhibits names every file, with its fingerprint."""
    listed = {(row["name"], row["sha256"]) for exhibit in package.model["exhibits"] for row in exhibit["files"]}
    for exhibit in package.contents.exhibits:
        for file in exhibit.files:
            if (file.name.removeprefix("exhibits/"), file.sha256) not in listed:
                yield f"le bordereau ne porte pas {file.name}"


def facts_agree(package: Package) -> Iterator[str]:
    """The facts and the PDF name the same dossier, the same wordings and the same exhibits."""
    facts = package.plain_facts
    same = facts["reference"] == package.model["reference"] and len(facts["wordings"]) == len(package.model["parts"])
    if not same or len(facts["exhibits"]) != len(package.model["exhibits"]):
        yield "les faits et le PDF ne disent pas la même chose"


def facts_readable(package: Package) -> Iterator[str]:
    """The facts are JSON in UTF-8 with one final line end."""
    try:
        json.loads(package.facts.decode("utf-8"))
    except ValueError:
        yield "facts.json n’est pas lisible"
    if not package.facts.endswith(b"}\n"):
        yield "facts.json ne se termine pas par une fin de ligne"


def chronology_told(package: Package) -> Iterator[str]:
    """The chronology has a line for each capture, or says how many it leaves out."""
    if not package.model["chronology"] or not package.model["plot"]["alt"]:
        yield "la chronologie manque"


def proofs_told(package: Package) -> Iterator[str]:
    """The state of each proof is told, absence too."""
    if {proof["state"] for proof in package.model["proofs"]} - {"absent", "en attente", "présent"}:
        yield "l’état d’une preuve n’est pas dit"
    if not package.model["proofs"]:
        yield "l’état des preuves manque"


def _unpacks(data: bytes) -> bool:
    """Whether these bytes are whole gzip members, one after the other."""
    held = bool(data)
    while data:
        member = zlib.decompressobj(31)
        try:
            member.decompress(data)
        except zlib.error:
            return False
        held, data = member.eof, member.unused_data if member.eof else b""
    return held


def _root(package: Package) -> Any:
    return package.reader.trailer["/Root"]


def _metadata(package: Package) -> str:
    return str(_root(package)["/Metadata"].get_data().decode("utf-8", "replace"))


def _images(page: Any) -> Iterator[tuple[int, float]]:
    """Width in dots and in inches of every image painted on a page, by the matrix in force."""
    objects = page["/Resources"].get("/XObject", {})
    images = {name: one.get_object() for name, one in objects.items() if one.get_object().get("/Subtype") == "/Image"}
    if not images:
        return
    scale, stack = 1.0, []
    content = page.get_contents()
    stream = content if isinstance(content, ContentStream) else ContentStream(content, page.pdf)
    for operands, operator in stream.operations:
        if operator == b"q":
            stack.append(scale)
        elif operator == b"Q":
            scale = stack.pop() if stack else 1.0
        elif operator == b"cm":
            scale *= (float(operands[0]) ** 2 + float(operands[1]) ** 2) ** 0.5
        elif operator == b"Do" and operands[0] in images and isinstance(images[operands[0]], DictionaryObject):
            yield int(images[operands[0]]["/Width"]), max(scale, 1e-6) / 72


CHECKS: dict[str, Check] = {
    "pdf_archivable": pdf_archival,
    "pdf_accessible": pdf_accessible,
    "pdf_signets": pdf_bookmarks,
    "pdf_polices": pdf_fonts,
    "pdf_images": pdf_images,
    "pdf_inerte": pdf_quiet,
    "pdf_faits_joints": pdf_facts,
    "pieces_intactes": exhibits_whole,
    "archives_lisibles": exhibits_open,
    "bordereau_complet": list_complete,
    "faits_concordants": facts_agree,
    "faits_lisibles": facts_readable,
    "chronologie_dite": chronology_told,
    "preuves_dites": proofs_told,
}
