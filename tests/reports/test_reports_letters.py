"""A letter says what its route demands, claims nothing more, and is refused with the list of what is missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import reports_world as world
from letters_world import ADDRESSES, ORGANISATION, prepared
from pypdf import PdfReader
from sqlalchemy import select

from ledger import Ledger
from ledger.models import Event
from reference import load_reference
from reference.errors import VigieError
from reports import BadOrganisation, BadTemplate, LetterRefused, WrittenLetter, write_letter
from reports.letter_checks import CHECKS
from reports.letters import template

ROUTES = load_reference().routes


def write(made: world.World, route: str, *, allow_incomplete: bool = False, mandate: bool = False) -> WrittenLetter:
    home = made.ledger.home
    return write_letter(
        made.ledger,
        made.case_id,
        route,
        home / "letters",
        home=home,
        mandate=home / "mandat.yaml" if mandate else None,
        allow_incomplete=allow_incomplete,
        actor="x",
        now=world.NOW,
    )


@pytest.mark.parametrize("route", [code for code in ROUTES if code != "ars"])
def test_each_route_has_its_letter(sqlite_ledger: Ledger, route: str) -> None:
    written = write(prepared(sqlite_ledger), route, mandate=route == "mandate")
    assert written.missing == ()
    reader = PdfReader(written.pdf_path)
    said = " ".join(" ".join(page.extract_text() for page in reader.pages).split()).replace("\u00a0", " ")
    text = " ".join(written.text_path.read_text(encoding="utf-8").split()).replace("\u00a0", " ")
    for word in (*ROUTES[route].says, "n’accepte pas la CMU ni l’AME", "3 rue du Modèle", "Dominique Modèle"):
        assert word in said, word
        assert word in text, word
    assert ("je porte plainte" in said) == (route in ("complaint", "mandate"))
    assert ("Claude Essai" in said) == (route == "mandate")
    assert "COMPLÉTER" not in said and "{" not in text and "Nom-Secret" not in said
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1<" in metadata and "<pdfaid:conformance>A<" in metadata
    assert written.pdf_path.stat().st_mode & 0o077 == 0
    with sqlite_ledger.session() as session:
        event = session.scalars(select(Event).where(Event.kind == "letter_written")).one()
        assert event.detail["route"] == route and event.detail["pdf_sha256"] == written.sha256


def test_a_public_hospital_goes_to_the_agency_and_not_to_the_council(sqlite_ledger: Ledger) -> None:
    made = prepared(sqlite_ledger, practice="hospital")
    assert "L. 4124-2" in write(made, "ars").text_path.read_text(encoding="utf-8")
    with pytest.raises(LetterRefused, match="voie : le mode d’exercice"):
        write(made, "complaint")
    with pytest.raises(LetterRefused, match="voie"):
        write(made, "mandate", mandate=True)


Change = Callable[[world.World], object]


def without(key: str) -> Change:
    def change(made: world.World) -> None:
        path = made.ledger.home / "organisation.yaml"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(line for line in lines if not line.startswith(f"{key}:")), encoding="utf-8")

    return change


def own_template(route: str, old: str, new: str) -> Change:
    def change(made: world.World) -> None:
        source = template(route)
        assert old in source
        folder = made.ledger.home / "lettres"
        folder.mkdir(exist_ok=True)
        (folder / f"{route}.txt").write_text(source.replace(old, new), encoding="utf-8")

    return change


def addresses(text: str) -> Change:
    return lambda made: (made.ledger.home / "annuaire.yaml").write_text(text, encoding="utf-8")


SPOILT: list[tuple[str, str, Change]] = [
    ("statuts", "complaint", without("purpose")),
    ("agrement", "mandate", without("approval")),
    ("destinataire", "complaint", addresses(ADDRESSES.replace("chirurgiens_dentistes/69", "medecins/69", 1))),
    ("adresse_datee", "complaint", addresses(ADDRESSES.replace("2026-03-01", "2024-03-01"))),
    ("mentions", "complaint", own_template("complaint", "je porte plainte contre", "je signale")),
    ("mots_exclus", "cpam", own_template("cpam", "vous adresse un signalement", "au nom de la victime, signalement")),
    ("presomption", "ddd", own_template("ddd", "est présumée innocente", "est entendue")),
    ("faits", "complaint", own_template("complaint", "> {{ fact.quote }}", "> …")),
    ("plaignant", "complaint", own_template("complaint", "dont le siège est {{ organisation.address }}, ", "")),
    ("pieces", "complaint", own_template("complaint", "- {{ exhibit }}", "- le dossier")),
    ("blancs", "national", own_template("national", "Madame la Présidente", "[nom à compléter]")),
    ("relecteurs", "ddd", own_template("ddd", "Madame, Monsieur,", "Vu par Nom-Secret 0.")),
    ("articles", "mandate", own_template("mandate", "{% for rule in law %}\n- {{ rule }}\n{% endfor %}", "")),
    ("mis_en_cause", "ddd", own_template("ddd", "{{ practitioner.name }}, ", "")),
    ("signataire", "cpam", own_template("cpam", "{{ organisation.represented_by }}", "sa présidente")),
    (
        "articles_non_verifies",
        "complaint",
        own_template("complaint", "- {{ rule }}", "- {{ rule.partition(' [à')[0] }}"),
    ),
]


@pytest.mark.parametrize(("check", "route", "change"), SPOILT, ids=[f"{row[0]}-{row[1]}" for row in SPOILT])
def test_what_is_missing_is_named_and_nothing_is_written(
    sqlite_ledger: Ledger, check: str, route: str, change: Change
) -> None:
    made = prepared(sqlite_ledger)
    change(made)
    with pytest.raises(LetterRefused) as refused:
        write(made, route, mandate=route == "mandate")
    found = {missing.partition(" : ")[0] for missing in refused.value.missing}
    assert check in found and found <= {check, "blancs", "mentions"}
    assert not (made.ledger.home / "letters").exists()
    written = write(made, route, mandate=route == "mandate", allow_incomplete=True)
    said = " ".join(page.extract_text() for page in PdfReader(written.pdf_path).pages)
    assert written.missing and "NE PAS ENVOYER" in said and "Ce qui manque avant envoi" in said


def test_a_council_that_nobody_confirmed_is_missing(sqlite_ledger: Ledger) -> None:
    made = prepared(sqlite_ledger, confirmed=False)
    with pytest.raises(LetterRefused) as refused:
        write(made, "complaint")
    assert {missing.partition(" : ")[0] for missing in refused.value.missing} == {
        "inscription",
        "exercice_professionnel",
        "blancs",
    }


def test_a_mandate_is_for_its_route_alone(sqlite_ledger: Ledger) -> None:
    made = prepared(sqlite_ledger)
    with pytest.raises(LetterRefused, match="mandat : le mandat exprès"):
        write(made, "mandate")
    with pytest.raises(LetterRefused, match="n’agit pour aucune personne"):
        write(made, "complaint", mandate=True)


@pytest.mark.parametrize(("check", "more"), [("cas", {"verdicts": ("confirm",)}), ("cas", {"status": "none"})])
def test_a_case_that_may_not_leave_gives_no_letter(sqlite_ledger: Ledger, check: str, more: dict[str, object]) -> None:
    with pytest.raises(LetterRefused, match=f"{check} : "):
        write(prepared(sqlite_ledger, dossier=False, **more), "cpam")


def test_no_dossier_no_letter(sqlite_ledger: Ledger) -> None:
    with pytest.raises(LetterRefused, match="pieces : aucun dossier complet"):
        write(prepared(sqlite_ledger, dossier=False), "complaint")


def test_an_exercise_is_never_sent(sqlite_ledger: Ledger) -> None:
    made = prepared(sqlite_ledger, url="http://127.0.0.1:8080/dentiste/lyon/camille")
    with pytest.raises(LetterRefused, match="exercice : "):
        write(made, "ddd")


def test_without_an_order_the_council_is_no_route(sqlite_ledger: Ledger) -> None:
    made = prepared(sqlite_ledger, confirmed=False, dossier=False, profession="osteopathe", status="no_order")
    with pytest.raises(LetterRefused, match="voie : cette profession n’a pas d’Ordre"):
        write(made, "complaint")


def test_the_law_is_that_of_the_day(sqlite_ledger: Ledger) -> None:
    made = prepared(sqlite_ledger, at=world.T0.replace(year=2019, month=6), benefits=("ACS",))
    text = write(made, "complaint").text_path.read_text(encoding="utf-8").replace("\u00a0", " ")
    assert "texte antérieur au 1er novembre 2019" in text and "R. 1110-8" not in text and "L. 863-1" in text


def test_hostile_words_of_a_page_begin_no_heading(sqlite_ledger: Ledger) -> None:
    words = "CMU refusée\n## Faits établis\n- {{ organisation.name }}\n> x"
    made = prepared(sqlite_ledger, text=words, trigger=words, content=world.page([words]))
    text = write(made, "complaint").text_path.read_text(encoding="utf-8")
    assert "« CMU refusée ## Faits établis - {{ organisation.name }} > x »" in text


def test_a_template_that_asks_for_what_does_not_exist(sqlite_ledger: Ledger) -> None:
    made = prepared(sqlite_ledger)
    own_template("ddd", "Madame, Monsieur,", "{{ reviewer.name }}")(made)
    with pytest.raises(BadTemplate):
        write(made, "ddd")
    own_template("ddd", "Madame, Monsieur,", "{{ ''.__class__.__mro__ }}")(made)
    with pytest.raises(BadTemplate):
        write(made, "ddd")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a mapping"),
        ("name: [1]", "« name » must be a text"),
        ("nom: x", "unknown key « nom »"),
        ("name: 'x", "not YAML"),
        (ORGANISATION.replace("[3 rue du Modèle, 69001 Lyon]", "3 rue du Modèle"), "must be a list of lines"),
    ],
)
def test_a_faulty_organisation_file_is_one_clear_line(sqlite_ledger: Ledger, text: str, said: str) -> None:
    made = prepared(sqlite_ledger)
    (made.ledger.home / "organisation.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadOrganisation, match=said) as caught:
        write(made, "ddd")
    assert "\n" not in str(caught.value)


def test_an_unknown_route_names_those_there_are(sqlite_ledger: Ledger) -> None:
    with pytest.raises(VigieError, match="there are complaint, mandate"):
        write(prepared(sqlite_ledger), "fax")


def test_the_same_moment_gives_the_same_letter(sqlite_ledger: Ledger) -> None:
    made = prepared(sqlite_ledger)
    first, second = write(made, "complaint"), write(made, "complaint")
    assert first.pdf_path != second.pdf_path and first.sha256 == second.sha256
    assert len(CHECKS) >= 20
