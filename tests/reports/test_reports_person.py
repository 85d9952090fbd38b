"""One dossier a practitioner: each confirmed wording of one person, quoted to the byte, and nobody else's name."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import reports_world as world
from pypdf import PdfReader
from sqlalchemy import select

from ledger import Ledger, text_key
from ledger.councils import confirm_council
from ledger.models import Case, Identification, Listing, ListingView, Reviewer, Verdict
from ledger.sending_tables import DossierCase
from reference import load_reference
from reports import DossierRefused, WrittenDossier, write_dossier
from reports.lint import NAMES, lint
from reports.locate import locate_in_page
from reports.package import Package
from reports.recheck import squeeze

SECOND = "Patients AME : merci de vous adresser à l’hôpital."
CANARY = "Canari-Interdit"


def write(made: world.World, out: Path, **more: Any) -> WrittenDossier:
    return write_dossier(made.ledger, made.case_id, out, actor="operateur-canari", now=world.NOW, **more)


def second_case(made: world.World, *, rpps: str = world.RPPS, status: str = "linked", confirm: int = 2) -> int:
    """Another listing on another platform, with another wording."""
    ledger, at = made.ledger, world.T0 + timedelta(days=5)
    answer = world.exchange(world.page([SECOND], rpps), at, "https://cabinet-essai.vigie-essai.fr/infos")
    capture = world.capture(ledger, answer, platform="practice_site")
    with ledger.session() as session:
        listing = Listing(platform="practice_site", key="cabinet", url=answer.url, first_capture_id=capture)
        session.add(listing)
        session.flush()
        view = ListingView(
            listing_id=listing.id,
            capture_id=capture,
            parser_version="essai/1",
            display_name="Dr C. Exemple",
            profession=world.dentist(),
            postcode="69003",
            city="Lyon",
            rpps=rpps,
        )
        session.add(view)
        session.flush()
        session.add(
            Identification(
                listing_id=listing.id,
                view_id=view.id,
                version="i",
                created_at=at,
                status=status,
                rpps=rpps,
                reasons=["r"],
            )
        )
        number = listing.id
    finding = world.passage(ledger, number, capture, SECOND, trigger=SECOND[:-1], benefits=("AME",))
    with ledger.session() as session:
        case = Case(listing_id=number, text_key=text_key(SECOND), opened_at=at, finding_id=finding)
        session.add(case)
        session.flush()
        for person in session.scalars(select(Reviewer).limit(confirm)):
            reason = "refuses_beneficiaries"
            session.add(
                Verdict(
                    case_id=case.id,
                    reviewer_id=person.id,
                    decided_at=at,
                    decision="confirm",
                    reason=reason,
                    stance="deterrence",
                )
            )
        world.confirm_person(session, case.id, rpps=rpps)
        return case.id


def facts_of(written: WrittenDossier) -> Any:
    return json.loads((written.path / "data/facts.json").read_bytes())


def text_of(pdf: Path) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(pdf).pages).split()).replace("\u00a0", " ")


def test_two_listings_of_one_person_are_one_dossier(ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(ledger)
    other = second_case(made)
    written = write(made, tmp_path)
    assert written.cases == (made.case_id, other)
    said = text_of(written.pdf_path)
    for word in (
        "Formule 1",
        "Formule 2",
        "La formule 2",
        "merci de vous adresser à l’hôpital",
        "pièce nº 2",
        "Chronologie",
    ):
        assert word in said, word
    facts = facts_of(written)
    assert [one["stance"] for one in facts["wordings"]] == ["refusal", "deterrence"]
    assert [exhibit["captures"] for exhibit in facts["exhibits"]] == [["C1"], ["C2"]]
    with ledger.session() as session:
        assert session.scalars(select(DossierCase.case_id).order_by(DossierCase.case_id)).all() == [made.case_id, other]


@pytest.mark.parametrize("more", [{"rpps": "81000000026"}, {"status": "ambiguous"}, {"confirm": 1}])
def test_another_person_or_an_open_case_stays_out(sqlite_ledger: Ledger, tmp_path: Path, more: dict[str, Any]) -> None:
    made = world.build(sqlite_ledger)
    second_case(made, **more)
    written = write(made, tmp_path)
    assert written.cases == (made.case_id,) and "l’hôpital" not in text_of(written.pdf_path)


def test_every_quotation_is_found_by_its_bytes_with_stock_tools(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    second_case(made)
    written = write(made, tmp_path)
    for wording in facts_of(written)["wordings"]:
        place = wording["wording"]["located"]
        held = (written.path / "data" / place["file"]).read_bytes()[place["start"] : place["end"]]
        assert hashlib.sha256(held).hexdigest() == place["sha256"]
        assert held.decode() == wording["wording"]["trigger"]
        assert "-page." in place["file"]


@pytest.mark.parametrize(
    ("content", "kind", "bytes_of"),
    [
        ("<p>Ici pas de CMU !</p>", "text/html", "pas de CMU"),
        ("<p>Ici pas <b>de</b>&nbsp;CMU&nbsp;!</p>", "text/html", "pas <b>de</b>&nbsp;CMU"),
        ("<p>é pas de<br>\n CMU</p>", "text/html", "pas de<br>\n CMU"),
        ('{"a": "<p>\\u00e9 pas de\\nCMU</p>"}', "application/json", "pas de\\nCMU"),
        ('<script>x = {"a": "pas d\\u0065 CMU"}</script>', "text/html", "pas d\\u0065 CMU"),
        ("<i data-x='pas de &#67;MU'>x</i>", "text/html", "pas de &#67;MU"),
        ("<p>pas</p><!-- x --><p>de CMU</p>", "text/html", "pas</p><!-- x --><p>de CMU"),
    ],
)
def test_a_quotation_is_located_in_the_source(content: str, kind: str, bytes_of: str) -> None:
    for data, charset in ((content.encode(), "utf-8"), (content.encode("cp1252"), "windows-1252")):
        answer = world.exchange(data, world.T0, kind=f"{kind}; charset={charset}")
        found = locate_in_page(answer, "page", "pas de CMU")
        assert found is not None and data[found.start : found.end].decode(charset) == bytes_of


def test_a_byte_order_mark_does_not_shift_the_place() -> None:
    data = b"\xef\xbb\xbf" + "<p>é pas de&nbsp;CMU</p>".encode()
    found = locate_in_page(world.exchange(data, world.T0, kind="text/html"), "page", "pas de CMU")
    assert found is not None and data[found.start : found.end] == b"pas de&nbsp;CMU"


def test_what_is_not_in_one_stretch_is_not_located() -> None:
    for content in ("<p>pas de</p> mot <p>CMU</p>", "", "<p>Pas De cmu</p>"):
        assert locate_in_page(world.exchange(content.encode(), world.T0, kind="text/html"), "p", "pas de CMU") is None
    assert squeeze("pas de CMU") == "pasdeCMU"


def test_the_council_that_was_confirmed_is_the_one_told(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    assert "à confirmer auprès de l’Ordre avant tout envoi" in text_of(write(made, tmp_path / "a").pdf_path)
    with sqlite_ledger.session() as session:
        confirm_council(
            session,
            made.case_id,
            council="chirurgiens_dentistes/01",
            practice="liberal",
            answered_on=date(2026, 3, 15),
            how="la réponse du conseil par courriel",
            actor="x",
        )
    written = write(made, tmp_path / "b")
    said = text_of(written.pdf_path)
    assert "(Ain)" in said and "confirmée le 15 mars 2026, d’après la réponse du conseil par courriel" in said
    assert facts_of(written)["authority"]["key"] == "chirurgiens_dentistes/01"


def test_the_same_ledger_builds_the_same_bytes_after_letters_and_views(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    second_case(made)
    first, second = write(made, tmp_path / "a"), write(made, tmp_path / "b")
    assert first.zip_path.read_bytes() == second.zip_path.read_bytes()


def many(made: world.World, count: int) -> None:
    """The same wording on as many different pages, a day apart."""
    for number in range(1, count):
        extra = f"Fermé le {number}. " * 40
        answer = world.exchange(world.page([world.WORDING, extra]), world.T0 + timedelta(days=number))
        again = world.capture(made.ledger, answer)
        world.passage(made.ledger, made.listing_id, again, world.WORDING, trigger=world.TRIGGER)


def test_twenty_exhibits_are_written_in_ten_seconds_of_work(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    many(made, 20)
    began = time.process_time()
    written = write(made, tmp_path)
    assert time.process_time() - began < 10
    assert len(facts_of(written)["exhibits"]) == 20 and written.complete
    outline = [entry["/Title"] for entry in PdfReader(written.pdf_path).outline if isinstance(entry, dict)]
    assert any("Bordereau" in title for title in outline) and any("Chronologie" in title for title in outline)
    links = [
        a
        for page in PdfReader(written.pdf_path).pages
        for a in page.get("/Annots", [])
        if a.get_object()["/Subtype"] == "/Link"
    ]
    assert len(links) > 40  # the contents and every citation of an exhibit


def packaged(made: world.World, monkeypatch: pytest.MonkeyPatch, out: Path) -> Package:
    """What the checks are given for this world."""
    kept: list[Package] = []

    def keep(package: Package) -> tuple[()]:
        files = {file.name: package.read(file.name) for one in package.contents.exhibits for file in one.files}
        kept.append(replace(package, read=files.__getitem__))
        return ()

    monkeypatch.setattr("reports.dossier.lint", keep)
    write(made, out)
    monkeypatch.undo()
    return kept[0]


def spoilt(package: Package, change: Callable[[dict[str, Any]], None]) -> Package:
    """The package with its model changed."""
    model = json.loads(json.dumps(package.model))
    change(model)
    return replace(package, model=model)


def test_at_least_32_checks_each_of_its_own_name_and_none_finds_fault_with_a_whole_dossier(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = packaged(world.build(sqlite_ledger), monkeypatch, tmp_path)
    assert len(NAMES) == len(set(NAMES)) >= 32 and lint(package) == ()


def test_a_spoilt_dossier_is_found_out_by_the_check_of_that_name(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = world.build(sqlite_ledger, others=["Le tiers payant est pratiqué pour la C2S."])
    package = packaged(made, monkeypatch, tmp_path)
    contents, assembly = package.contents, package.contents.assembly
    part, shown = assembly.parts[0], assembly.person.main.shown
    exhibit, located = contents.exhibits[0], next(iter(contents.quotes.values()))
    assert located is not None

    def parts(**changes: Any) -> Package:
        return replace(
            package, contents=replace(contents, assembly=replace(assembly, parts=(replace(part, **changes),)))
        )

    def seen(**changes: Any) -> Package:
        file = replace(part.file, shown=replace(shown, **changes))
        person = replace(assembly.person, files=(file,))
        changed = replace(assembly, person=person, parts=(replace(part, file=file),))
        return replace(package, contents=replace(contents, assembly=changed))

    def rule(**changes: Any) -> Package:
        return parts(rules=tuple(replace(one, article=replace(one.article, **changes)) for one in part.rules))

    def quoted(**changes: Any) -> Package:
        return replace(
            package, contents=replace(contents, quotes={key: replace(located, **changes) for key in contents.quotes})
        )

    def kept(**changes: Any) -> Package:
        return replace(package, contents=replace(contents, exhibits=(replace(exhibit, **changes),)))

    def key(**changes: Any) -> Package:
        return parts(file=replace(part.file, key=replace(part.file.key, **changes)))

    reader = package.read
    spoils: dict[str, Package] = {
        "deux_relecteurs": parts(file=replace(part.file, votes=part.file.votes[:1])),
        "avis_dates": parts(
            file=replace(
                part.file, votes=(replace(part.file.votes[0], decided_at=world.T0 - timedelta(1)), *part.file.votes)
            )
        ),
        "numero_bien_forme": seen(rpps="81000000019"),
        "numero_non_contredit": seen(rpps_shown="81000000026"),
        "personne_physique": seen(is_organisation=True),
        "nom_affiche": seen(display_name=" "),
        "raisons_de_l_identite": seen(reasons=()),
        "principe_cite": parts(rules=tuple(one for one in part.rules if one.article.role != "principle")),
        "deontologie_citee": parts(rules=tuple(one for one in part.rules if one.kind != "ethics")),
        "droit_du_jour": rule(repealed_on=date(2020, 1, 1)),
        "droit_non_verifie_marque": spoilt(
            package, lambda model: [one.update(verified=True) for one in model["law"]] and None
        ),
        "sources_du_droit": spoilt(package, lambda model: model["law"][0].update(source=" ")),
        "citations_situees": replace(package, contents=replace(contents, quotes={})),
        "citations_exactes": quoted(start=located.start + 1),
        "pieces_citees": spoilt(
            package, lambda model: model.update(parts=[], identity={}, chronology=[["a", "b", ""]])
        ),
        "citations_existantes": spoilt(package, lambda model: model["parts"][0].update(exhibit="9")),
        "numerotation": kept(number=2),
        "passages_exacts": replace(package, read=lambda name: b"autre" if "-passage" in name else reader(name)),
        "faveur_dite": parts(file=replace(part.file, acceptances=(part.file.key,))),
        "retrait_dit": parts(assessment=replace(part.assessment, withdrawn=True)),
        "aucun_relecteur": spoilt(package, lambda model: model.update(software="vu par Nom-Secret 0")),
        "aucun_autre_professionnel": replace(
            spoilt(package, lambda model: model.update(software="Dr Autre Personne")), others=("Dr Autre Personne",)
        ),
        "aucun_patient": key(field="review"),
        "aucun_numero_interne": spoilt(package, lambda model: model.update(software="capture nº 12")),
        "aucune_accusation": spoilt(package, lambda model: model.update(software="ce dentiste a commis une faute")),
        "exercice_marque": replace(package, contents=replace(contents, assembly=replace(assembly, exercise=True))),
        "pdf_archivable": replace(package, pdf=package.pdf.replace(b"<pdfaid:part>3<", b"<pdfaid:part>2<")),
        "pdf_accessible": replace(package, pdf=package.pdf.replace(b"<pdfuaid:part>1<", b"<pdfuaid:part>7<")),
        "pdf_faits_joints": replace(package, facts=package.facts.replace(b"C1", b"C9")),
        "pdf_inerte": replace(package, pdf=package.pdf + b"\n% /JavaScript"),
        "pieces_intactes": replace(package, read=lambda name: reader(name) + b"x"),
        "archives_lisibles": replace(package, read=lambda name: b"x" if name.endswith(".gz") else reader(name)),
        "bordereau_complet": spoilt(package, lambda model: model["exhibits"][0].update(files=[])),
        "faits_concordants": spoilt(package, lambda model: model.update(reference="VIGIE-0")),
        "faits_lisibles": replace(package, facts=package.facts.rstrip()),
        "chronologie_dite": spoilt(package, lambda model: model.update(chronology=[])),
        "preuves_dites": spoilt(package, lambda model: model.update(proofs=[])),
    }
    for name, bad in spoils.items():
        try:
            found = {finding.check for finding in lint(bad)}
        except (KeyError, ValueError, IndexError):  # what is spoilt so far that a later check cannot read it
            from reports import checks, checks_files

            found = {name} if list((checks.CHECKS | checks_files.CHECKS)[name](bad)) else set()
        assert name in found, name
    assert len(spoils) >= 32


def test_a_name_that_may_not_leave_refuses_the_dossier_in_any_case(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    made = world.build(sqlite_ledger)
    with sqlite_ledger.session() as session:
        session.add(Reviewer(login="tarifs", display_name="Tarifs et paiement", password_hash="x", created_at=world.T0))
    for allow in (False, True):
        with pytest.raises(DossierRefused, match="relecteur"):
            write(made, tmp_path / "out", allow_incomplete=allow)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("seed", range(6))
def test_canaries_never_leave(sqlite_ledger: Ledger, tmp_path: Path, seed: int) -> None:
    """Names of reviewers, another practitioner and a patient on the same page, notes and operators: none is told."""
    review = f"Merci au docteur, signé {CANARY}-patient-{seed}"
    made = world.build(
        sqlite_ledger, others=[review, f"Dr {CANARY}-confrere-{seed}"], verdicts=("confirm", "dismiss", "confirm")
    )
    world.passage(
        sqlite_ledger,
        made.listing_id,
        made.capture_id,
        review,
        stance="acceptance",
        trigger="Merci au docteur",
        field="review",
        locator="p:nth-of-type(2)",
    ) if seed % 2 else None
    with sqlite_ledger.session() as session:
        for person in session.scalars(select(Reviewer)):
            person.login, person.display_name = f"{CANARY}-login-{person.id}", f"{CANARY}-nom-{person.id}"
        other = Listing(
            platform="doctolib", key=f"{CANARY}-cle", url=f"https://x.fr/{CANARY}", first_capture_id=made.capture_id
        )
        session.add(other)
        session.flush()
        session.add(
            ListingView(
                listing_id=other.id,
                capture_id=made.capture_id,
                parser_version="1",
                display_name=f"Dr {CANARY}-confrere-{seed}",
            )
        )
    try:
        written = write(made, tmp_path)
    except DossierRefused as refused:
        assert seed % 2 and "avis d’un patient" in str(refused)
        return
    assert seed % 2 == 0
    assert CANARY not in text_of(written.pdf_path)
    for path in written.path.rglob("*"):  # the exhibits are the pages as received: they are not ours to change
        if path.is_file() and "exhibits" not in path.parts and path.suffix != ".wacz":
            held = path.read_bytes()
            assert CANARY.encode() not in held and b"operateur-canari" not in held, path
    for reader in PdfReader(written.pdf_path).attachments.values():
        assert CANARY.encode() not in reader[0]


def test_reference_has_checks_for_every_word_of_the_law() -> None:
    reference = load_reference()
    for article in reference.articles.values():
        assert article.source and isinstance(article.verified, bool)
