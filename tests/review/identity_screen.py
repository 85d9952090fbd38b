"""An invented screen: what a page shows beside three people of a register. Nobody in it exists."""

from __future__ import annotations

from review.candidates import Candidate, Compared, Screen

ONE, OTHER = "99000000012", "99000000020"


def candidate(rpps: str, name: str, town: str) -> Candidate:
    place = Compared(
        "Lieu",
        "01000 Bourg-Fictif",
        town,
        *(("diffère", "autre commune") if "Ville" in town else ("concorde", "même adresse")),
    )
    return Candidate(rpps, name, (Compared("Nom", "Dr Camille Exemple", name, "concorde", ""), place), (town,))


SCREEN = Screen(
    shown=(("Nom affiché", "Dr Camille <Exemple>"), ("Commune", "Bourg-Fictif")),
    captured_on="2026-03-29",
    registry_date="2026-03-01",
    candidates=(
        candidate(ONE, "EXEMPLE Camille", "01000 Bourg-Fictif"),
        candidate("", "EXEMPLE Camille-Ancien", "01000 Bourg-Fictif"),
        candidate(OTHER, "EXEMPLE Camil", "69000 Ville-Fictive"),
    ),
)
