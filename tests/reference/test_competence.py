"""Where a complaint goes: every profession in every department, against a table written apart from the data."""

from __future__ import annotations

import pytest

from reference import competence, load_reference, practice_of

REFERENCE = load_reference()
METROPOLE = {
    "ARA": "01 03 07 15 26 38 42 43 63 69 73 74",
    "BFC": "21 25 39 58 70 71 89 90",
    "BRE": "22 29 35 56",
    "CVL": "18 28 36 37 41 45",
    "GES": "08 10 51 52 54 55 57 67 68 88",
    "HDF": "02 59 60 62 80",
    "IDF": "75 77 78 91 92 93 94 95",
    "NOR": "14 27 50 61 76",
    "NAQ": "16 17 19 23 24 33 40 47 64 79 86 87",
    "OCC": "09 11 12 30 31 32 34 46 48 65 66 81 82",
    "PAC": "04 05 06 13 2A 2B 83 84",
    "PDL": "44 49 53 72 85",
}
REGION = {department: region for region, list_ in METROPOLE.items() for department in list_.split()}
OVERSEAS = ("971", "972", "973", "974", "976")
DEPARTMENTS = (*REGION, *OVERSEAS)
DEPARTMENTAL = {
    "medecin_generaliste": "medecins",
    "chirurgien_dentiste": "chirurgiens_dentistes",
    "sage_femme": "sages_femmes",
    "infirmier": "infirmiers",
    "masseur_kinesitherapeute": "masseurs_kinesitherapeutes",
}
WITHOUT = ("psychologue", "osteopathe", "orthophoniste", "orthoptiste", "dieteticien")
PROFESSIONS = (*DEPARTMENTAL, "pedicure_podologue", "pharmacien", *WITHOUT)
ETHICS = {
    "medecin_generaliste": {"R4127-7", "R4127-47", "R4127-53"},
    "chirurgien_dentiste": {"R4127-211", "R4127-232"},
    "sage_femme": {"R4127-305", "R4127-328"},
    "infirmier": {"R4312-11", "R4312-12"},
    "masseur_kinesitherapeute": {"R4321-58", "R4321-92", "R4321-98"},
    "pedicure_podologue": {"R4322-36"},
    "pharmacien": {"R4235-6"},
}


def expected_council(profession: str, department: str) -> str:
    """The key that the table gives."""
    if profession in WITHOUT:
        return ""
    if profession == "pedicure_podologue":
        if department in OVERSEAS or REGION[department] == "IDF":
            return "CIROPP-IDF-OM"
        return "CIROPP-PACAC" if REGION[department] == "PAC" else f"CROPP-{REGION[department]}"
    if profession == "pharmacien":
        return "CCOP-E" if department in OVERSEAS else f"CROP-{REGION[department]}"
    if profession == "masseur_kinesitherapeute" and department in ("974", "976"):
        return "CIROMK-974-976"
    if profession == "infirmier" and department in ("27", "76"):
        return "CIDOI-27-76"
    return f"{DEPARTMENTAL[profession]}/{department}"


def test_the_table_has_1212_cells() -> None:
    assert len(set(DEPARTMENTS)) == 101 and len(set(PROFESSIONS)) == 12
    assert {code for code, one in REFERENCE.departments.items() if one.kind == "department"} == set(DEPARTMENTS)


def test_every_cell_is_routed_as_the_table_says() -> None:
    wrong = []
    for profession in PROFESSIONS:
        for department in DEPARTMENTS:
            found = competence(REFERENCE, profession, department)
            ordered = profession not in WITHOUT
            ethics = {code.removeprefix("CSP-") for code in found.code_of_ethics}
            if (
                found.council != expected_council(profession, department)
                or found.routes[0] != ("complaint" if ordered else "cpam")
                or ("ddd" in found.routes, "ars" in found.routes) != (True, False)
                or bool(found.body) is not ordered
                or ethics != ETHICS.get(profession, set())
                or found.others[:2] != (f"cpam/{department}", "ddd")
                or found.copies != (4 if ordered else 0)
                or not found.source
            ):
                wrong.append((profession, department, found))
    assert not wrong, wrong[:3]


@pytest.mark.parametrize("profession", WITHOUT)
def test_without_an_order_there_is_no_complaint(profession: str) -> None:
    found = competence(REFERENCE, profession, "69")
    assert found.order == found.council == found.body == ""
    assert found.routes == ("cpam", "ddd", "platform", "practitioner")


@pytest.mark.parametrize("profession", ["medecin_generaliste", "chirurgien_dentiste", "sage_femme"])
def test_a_public_hospital_takes_another_route(profession: str) -> None:
    assert practice_of(REFERENCE, "S", "SA01") == "hospital"
    found = competence(REFERENCE, profession, "69", "hospital")
    assert found.routes[0] == "ars" and {"complaint", "mandate"} == set(found.barred)
    assert not {"complaint", "mandate"} & set(found.routes)


def test_other_practices_change_nothing() -> None:
    assert practice_of(REFERENCE, "L", "SA07") == "liberal" and practice_of(REFERENCE, "S", "SA05") == "salaried"
    assert practice_of(REFERENCE, "", "") == "unknown"
    for practice in ("liberal", "salaried", "unknown"):
        assert competence(REFERENCE, "medecin_generaliste", "69", practice).routes[0] == "complaint"
    assert competence(REFERENCE, "infirmier", "69", "hospital").routes[0] == "complaint"


def test_what_was_not_verified_says_so() -> None:
    assert not competence(REFERENCE, "medecin_generaliste", "69").verified
    assert competence(REFERENCE, "masseur_kinesitherapeute", "974").verified
    assert all(council.source and council.read_on for council in REFERENCE.councils.values())


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        competence(REFERENCE, "boulanger", "69")
