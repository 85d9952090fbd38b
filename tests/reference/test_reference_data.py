"""Walk the data folder: a new entry is tested by being there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reference import Profession, Reference, fold, load, load_reference
from reference.loader import DATA, RULES

REFERENCE = load_reference()
FILES = sorted(DATA.glob("*.yaml"))


def entries() -> Iterator[tuple[str, str, object]]:
    for name in RULES:
        for code, entry in getattr(REFERENCE, name).items():
            yield name, code, entry


ENTRIES = list(entries())
IDS = [f"{name}:{code}" for name, code, _ in ENTRIES]


def words(text: str) -> str:
    """Folded words in a row; « C.M.U. » and « CMU » are the same."""
    return f" {fold(text.replace('.', ''))} "


def test_every_file_of_the_folder_is_read() -> None:
    assert {path.stem for path in FILES} == set(RULES)


@pytest.mark.parametrize(("name", "code", "entry"), ENTRIES, ids=IDS)
def test_every_entry_has_a_source_and_french_words(name: str, code: str, entry: object) -> None:
    assert str(getattr(entry, "source", "")).strip()
    label = getattr(entry, "label", "") or getattr(entry, "title", "") or getattr(entry, "name", "")
    assert label and label == label.strip()
    assert "'" not in label, "typographic apostrophes in what people read"


@pytest.mark.parametrize("profession", REFERENCE.professions.values(), ids=list(REFERENCE.professions))
def test_every_name_and_example_leads_back_to_its_profession(profession: Profession) -> None:
    names = (profession.code, profession.label, *profession.aliases)
    for form in (*names, *profession.examples, *(name.replace(" ", "-") for name in names)):
        for written in (form, form.upper(), f"  {form} "):
            assert REFERENCE.profession_of(written) is profession, written
    assert (profession.order is None) == (profession.code_of_ethics == ())


def test_names_belong_to_one_profession() -> None:
    owner: dict[str, str] = {}
    for profession in REFERENCE.professions.values():
        for alias in profession.aliases:
            assert owner.setdefault(fold(alias), profession.code) == profession.code
        folded = [fold(alias) for alias in profession.aliases]
        assert len(folded) == len(set(folded)), f"{profession.code}: one alias written twice"


@pytest.mark.parametrize("code", list(REFERENCE.benefits))
def test_benefit_examples_name_it_and_false_friends_are_ambiguous(code: str) -> None:
    benefit = REFERENCE.benefits[code]
    spellings = [words(spelling) for spelling in benefit.spellings]
    ambiguous = [words(spelling) for spelling in benefit.ambiguous]
    for example in benefit.examples:
        assert any(spelling in words(example) for spelling in spellings), example
    for text in benefit.false_friends:
        assert any(spelling in words(text) for spelling in ambiguous), text
    assert bool(benefit.ambiguous) == bool(benefit.false_friends)


def test_the_guide_is_complete() -> None:
    assert set(REFERENCE.benefits) == {"C2S", "ACS", "AME", "generic"}
    fields = {"presentation", "instructions", "motive", "payment", "faq", "hours", "banner", "review"}
    assert set(REFERENCE.fields) == fields
    ordered = sorted(REFERENCE.stances.values(), key=lambda stance: -stance.severity)
    assert [stance.code for stance in ordered] == [
        "refusal",
        "restriction",
        "deterrence",
        "acceptance",
        "neutral",
        "none",
    ]
    assert [stance.code for stance in ordered if stance.flagged] == ["refusal", "restriction", "deterrence"]
    assert {reason.decision for reason in REFERENCE.verdict_reasons.values()} == {"confirm", "dismiss", "doubt"}
    assert [field.code for field in REFERENCE.fields.values() if not field.own_words] == ["review"]


def test_departments() -> None:
    kinds = [department.kind for department in REFERENCE.departments.values()]
    assert kinds.count("department") == 101
    assert len({department.region for department in REFERENCE.departments.values()}) == 18 + 1
    for department in REFERENCE.departments.values():
        for prefix in department.postcodes:
            found = REFERENCE.department_of(prefix.ljust(5, "0"))
            assert found is department
        for postcode in department.shared:
            assert REFERENCE.department_of(postcode) not in (None, department)
            assert department in REFERENCE.neighbours_of(postcode)


@pytest.mark.parametrize(
    ("postcode", "code"),
    [
        ("01000", "01"),
        (" 75013 ", "75"),
        ("20000", "2A"),
        ("20090", "2A"),
        ("20137", "2A"),
        ("20200", "2B"),
        ("20620", "2B"),
        ("97110", "971"),
        ("97133", "977"),
        ("97150", "978"),
        ("97400", "974"),
        ("97600", "976"),
        ("98800", "988"),
        ("98000", None),  # Monaco
        ("00100", None),
        ("1000", None),
        ("750130", None),
        ("2A004", None),
        ("７５０１３", None),
        ("", None),
    ],
)
def test_department_of(postcode: str, code: str | None) -> None:
    found = REFERENCE.department_of(postcode)
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Ostéopathe, masseur-kinésithérapeute", "masseur_kinesitherapeute"),
        ("Médecin généraliste (conventionné secteur 1)", "medecin_generaliste"),
        ("Cardiologue et médecin vasculaire", "cardiologue"),
        ("Sage-femme, sexologue", "sage_femme"),
        ("Médecin, chirurgien-dentiste", None),
        ("Sexologue", None),
        ("Nutritionniste", None),
        ("Docteur", None),
        ("Centre de santé", None),
        ("Secrétaire", None),
        ("", None),
        (",;/ ()", None),
    ],
)
def test_profession_of(text: str, code: str | None) -> None:
    found = REFERENCE.profession_of(text)
    assert (found.code if found else None) == code


def test_orders_of_the_law() -> None:
    levels = {order.code: order.level for order in REFERENCE.orders.values()}
    assert levels == {
        "medecins": "departmental",
        "chirurgiens_dentistes": "departmental",
        "sages_femmes": "departmental",
        "masseurs_kinesitherapeutes": "departmental",
        "infirmiers": "departmental",
        "pedicures_podologues": "regional",
        "pharmaciens": "regional",
    }
    assert REFERENCE.order_of("orthodontiste") is REFERENCE.orders["chirurgiens_dentistes"]
    assert REFERENCE.order_of("osteopathe") is None
    assert REFERENCE.order_of("no such profession") is None


def test_articles_cite_themselves_and_ethics_is_marked() -> None:
    assert REFERENCE.articles["CSP-L1110-3"].citation == "article\u00a0L.\u00a01110-3 du code de la santé publique"
    assert REFERENCE.articles["CP-225-1"].citation == "article\u00a0225-1 du code pénal"
    ethics = {article for order in REFERENCE.orders.values() for article in order.code_of_ethics}
    assert ethics == {article.id for article in REFERENCE.articles.values() if article.role == "ethics"}
    for article in REFERENCE.articles.values():
        assert article.id.startswith(f"{article.code}-{article.number}")
        if article.version_date and article.repealed_on:
            assert article.version_date < article.repealed_on


def test_the_reference_cannot_be_changed_and_is_read_once() -> None:
    assert load_reference() is REFERENCE
    again: Reference = load(Path(DATA))
    assert again.professions == REFERENCE.professions and again is not REFERENCE
    with pytest.raises(TypeError):
        REFERENCE.benefits["X"] = REFERENCE.benefits["C2S"]  # type: ignore[index]
