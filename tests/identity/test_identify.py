"""Who a page shows: linked on a well-formed number alone, and a French reason for every abstention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import VERSION, Shown, Status, identify
from reference import load_reference

NUMBER = "10001234565"  # invented; its check digit holds
PERSON = "Dr Ysaline Quervaux"


@pytest.mark.parametrize(
    "shown",
    [NUMBER, "1000 1234 565", "10.00.12.34.56.5", "100 0123 4565", f"  {NUMBER}\u00a0", f"RPPS : {NUMBER}"],
)
def test_a_well_formed_number_links(shown: str) -> None:
    identity = identify(Shown(display_name=PERSON, profession="medecin_generaliste", rpps=shown))
    assert (identity.status, identity.rpps, identity.version) == (Status.LINKED, NUMBER, VERSION)
    assert identity.reasons == ("Numéro RPPS affiché sur la page, bien formé, non confronté au registre.",)


@pytest.mark.parametrize(
    ("rpps", "reason"),
    [
        ("", "n’affiche pas de numéro RPPS"),
        ("   ", "n’affiche pas de numéro RPPS"),
        ("10001234566", "clé de contrôle est fausse"),
        ("1000123456", "a 10 chiffres au lieu de 11"),
        ("810001234565", "forme nationale"),
        ("810001234566", "a 12 chiffres au lieu de 11"),
        ("00000000000", "numéro de remplissage"),
        ("1000123456X", "ne contient pas que des chiffres"),
        ("１０００１２３４５６５", "ne contient pas que des chiffres"),
        ("non communiqué", "ne contient pas que des chiffres"),
        ("10001234565 10001234565", "a 22 chiffres"),
    ],
)
def test_a_missing_or_bad_number_abstains_with_its_reason(rpps: str, reason: str) -> None:
    identity = identify(Shown(display_name=PERSON, profession="dentiste", rpps=rpps))
    assert (identity.status, identity.rpps) == (Status.NONE, "")
    assert reason in identity.reasons[0]


def test_an_adeli_number_is_mentioned_and_never_links() -> None:
    identity = identify(Shown(display_name=PERSON, profession="pedicure_podologue", adeli="759312345"))
    assert identity.status is Status.NONE
    assert "ADELI" in identity.reasons[1]


@pytest.mark.parametrize(
    "name",
    [
        "Cabinet médical des Tilleuls",
        "Secrétariat du Dr Ysaline Quervaux",
        "Mme Ysaline Quervaux, secrétaire",
        "Centre de santé Simone Orval",
        "Maison de santé pluriprofessionnelle",
        "Service de radiologie",
        "SERVICE DES URGENCES",
        "Pharmacie du Marché",
        "SELARL Quervaux",
        "Dr Quervaux et associés",
        "Pôle santé du Lac",
        "Accueil",
        "Dr Quervaux - Cabinet de la Gare",
        "Équipe de soins",
        "Hôpital Saint-Orval",
        "Infirmières du Port",
    ],
)
def test_a_house_a_service_or_a_secretary_is_never_a_person(name: str) -> None:
    identity = identify(Shown(display_name=name, profession="medecin_generaliste", rpps=NUMBER))
    assert (identity.status, identity.rpps) == (Status.ORGANISATION, "")
    assert identity.reasons


def test_the_platform_says_organisation() -> None:
    identity = identify(Shown(display_name=PERSON, is_organisation=True, rpps=NUMBER))
    assert (identity.status, identity.rpps) == (Status.ORGANISATION, "")


@pytest.mark.parametrize(
    "name",
    [
        "Dr Maison",
        "Mme le Dr Ysaline Quervaux",
        "Pr Dr Oscar Vélin",
        "M. Oscar Vélin",
        "Dr Oscar M. Vélin",
        "VÉLIN Oscar",
    ],
)
def test_a_person_stays_a_person(name: str) -> None:
    assert identify(Shown(display_name=name, profession="orl", rpps=NUMBER)).status is Status.LINKED


@pytest.mark.parametrize(
    "name",
    ["Dr Oscar Vélin et Dr Ysaline Quervaux", "Drs Vélin Quervaux", "Dr Vélin & Dr Quervaux", "Dr Vélin / Dr Quervaux"],
)
def test_several_people_are_ambiguous(name: str) -> None:
    identity = identify(Shown(display_name=name, profession="orl", rpps=NUMBER))
    assert (identity.status, identity.rpps) == (Status.AMBIGUOUS, "")


@pytest.mark.parametrize("name", ["", "  ", "Dr", "M. X", "—"])
def test_no_name_no_link(name: str) -> None:
    assert identify(Shown(display_name=name, profession="orl", rpps=NUMBER)).status is Status.NONE


@pytest.mark.parametrize("code", [p.code for p in load_reference().professions.values() if p.order is None])
def test_a_profession_without_order(code: str) -> None:
    identity = identify(Shown(display_name=PERSON, profession=code, rpps=NUMBER))
    assert (identity.status, identity.rpps) == (Status.NO_ORDER, "")
    assert load_reference().professions[code].label in identity.reasons[0]


@pytest.mark.parametrize("profession", ["", "alchimiste"])
def test_an_unknown_profession_links_and_says_that_the_order_is_unknown(profession: str) -> None:
    identity = identify(Shown(display_name=PERSON, profession=profession, rpps=NUMBER))
    assert identity.status is Status.LINKED
    assert "l’Ordre compétent reste à établir" in identity.reasons[1]


@given(
    st.builds(
        Shown,
        display_name=st.text(max_size=60),
        is_organisation=st.booleans(),
        profession=st.sampled_from(["", "x", *load_reference().professions]),
        rpps=st.one_of(st.text(max_size=20), st.from_regex(r"[0-9 .]{0,16}", fullmatch=True)),
        adeli=st.text(max_size=12),
    )
)
def test_any_page_gives_an_answer_with_a_reason(shown: Shown) -> None:
    identity = identify(shown)
    assert identity.reasons and all(identity.reasons)
    assert (identity.status is Status.LINKED) == bool(identity.rpps)
    assert identity == identify(shown)
