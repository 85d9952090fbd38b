"""Who may do what: one table of routes, which `review.desk.authorise` asks. It shows no page and decides no case.

A route that is not in the table is closed to everybody. `standing` names what must hold between the person and the case
(`review.standing`): it is checked here before the route's own code runs, and again under the lock where something is
written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How far a person must have come."""

    ANYONE = "anyone"  # no session
    PASSWORD = "password"  # signed in, second factor still to be shown
    FULL = "full"


EVERYONE = frozenset({"reviewer", "adjudicator", "editor", "administrator", "auditor"})
VOTING = frozenset({"reviewer", "adjudicator"})
SIGHTED = EVERYONE - VOTING
CONTROL = frozenset({"administrator", "auditor"})
ADMINISTRATOR = frozenset({"administrator"})
EDITOR = frozenset({"editor"})
IDENTIFYING = frozenset({"editor", "adjudicator"})


@dataclass(frozen=True)
class Rule:
    """Who may use one route. `own` says whose things it touches; `standing` what must hold on its case."""

    roles: frozenset[str] = EVERYONE
    level: Level = Level.FULL
    own: str = "nothing of anybody’s"  # or: self | own ballot | own row
    standing: str = ""  # a property of `review.standing.Standing`
    state: str = "any"  # of the case, in words; the test holds `standing` to it


ANYONE = Rule(level=Level.ANYONE)
HALF = Rule(level=Level.PASSWORD, own="self")
SELF = Rule(own="self")
VOTES = Rule(roles=VOTING)
IDENTIFIES = Rule(roles=IDENTIFYING, standing="may_identify", state="confirmed")

TABLE: dict[tuple[str, str], Rule] = {
    ("GET", "/connexion"): ANYONE,
    ("POST", "/connexion"): ANYONE,
    ("GET", "/invitation/{token}"): ANYONE,
    ("POST", "/invitation/{token}"): ANYONE,
    ("GET", "/code"): HALF,
    ("POST", "/code"): HALF,
    ("GET", "/second-facteur"): HALF,
    ("POST", "/second-facteur"): HALF,
    ("POST", "/deconnexion"): HALF,
    ("GET", "/"): Rule(),
    ("GET", "/aide"): Rule(),
    ("GET", "/compte"): SELF,
    ("POST", "/compte/mot-de-passe"): SELF,
    ("POST", "/compte/codes"): SELF,
    ("POST", "/compte/seances/{session_id}/fermer"): Rule(own="own row"),
    ("POST", "/compte/seances/fermer"): SELF,
    ("GET", "/personnes"): Rule(roles=CONTROL),
    ("POST", "/personnes/inviter"): Rule(roles=ADMINISTRATOR),
    ("POST", "/personnes/invitations/{invitation_id}/retirer"): Rule(roles=ADMINISTRATOR),
    ("POST", "/personnes/{reviewer_id}/role"): Rule(roles=ADMINISTRATOR),
    ("POST", "/personnes/{reviewer_id}/fermer"): Rule(roles=ADMINISTRATOR),
    ("POST", "/personnes/{reviewer_id}/rouvrir"): Rule(roles=ADMINISTRATOR),
    ("POST", "/personnes/{reviewer_id}/renouveler"): Rule(roles=ADMINISTRATOR),
    ("POST", "/personnes/{reviewer_id}/seances"): Rule(roles=ADMINISTRATOR),
    ("GET", "/journal"): Rule(roles=CONTROL),
    ("GET", "/file"): VOTES,
    ("GET", "/cas/suivant"): VOTES,
    ("GET", "/cas/avance"): VOTES,
    ("GET", "/cas/{case_id}"): Rule(),
    ("POST", "/cas/{case_id}/avis"): Rule(roles=VOTING, standing="may_vote", state="open, or split for the third"),
    ("POST", "/avis/annuler"): Rule(roles=VOTING, own="own ballot"),
    ("POST", "/cas/{case_id}/commentaire"): Rule(standing="may_comment", state="any, once one has decided"),
    ("POST", "/cas/{case_id}/dossier"): Rule(roles=EDITOR, state="confirmed"),
    ("GET", "/cas/{case_id}/identite"): IDENTIFIES,
    ("POST", "/cas/{case_id}/identite"): IDENTIFIES,
    ("POST", "/cas/{case_id}/temoin"): Rule(roles=ADMINISTRATOR),
    ("GET", "/dossiers"): Rule(roles=SIGHTED),
    ("GET", "/tableau"): Rule(roles=SIGHTED),
    ("GET", "/qualite"): Rule(roles=CONTROL),
    ("POST", "/qualite/tirage"): Rule(roles=ADMINISTRATOR),
    ("GET", "/echantillon"): VOTES,
    ("POST", "/echantillon/{item_id}"): VOTES,
    ("GET", "/recherche"): Rule(),
    ("GET", "/recherche.csv"): Rule(),
    ("POST", "/vues"): SELF,
    ("POST", "/vues/{view_id}/supprimer"): Rule(own="own row"),
    ("POST", "/attribution"): Rule(roles=ADMINISTRATOR),
    ("GET", "/nouveautes"): SELF,
    ("POST", "/nouveautes/lu"): SELF,
    ("POST", "/nouveautes/flux"): SELF,
    ("GET", "/flux/{key}"): ANYONE,
    ("GET", "/visites/{visit_id}/image/{place}"): Rule(),
    ("GET", "/captures/{capture_id}"): Rule(),
    ("GET", "/captures/{capture_id}/rejeu"): Rule(),
    ("GET", "/captures/{capture_id}/capture.warc.gz"): Rule(),
}


def rule_for(method: str, path: str) -> Rule | None:
    """The rule of that route, by method and path template; None when it is not in the table. HEAD reads like GET."""
    return TABLE.get(("GET" if method == "HEAD" else method, path))
