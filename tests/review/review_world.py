"""A small invented world for the desk: a few practices, captures with real bytes in the store, people's browsers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from ledger import Ledger, text_key
from ledger.models import Capture, Case, Crawl, Finding, Listing, ListingView, Passage
from ledger.warc import Exchange, to_warc_gz
from reference import load_reference
from review import decide, people, words

PASSWORD = "quatre chevaux bleus au galop"
SECRET = b"a secret for tests, 32 bytes or more"
START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
NAMES = ("Dr Camille Exemple", "Dr Sacha Modèle", "Cabinet des Trois Fictions", "Dr Noa Invention")
REFUSAL = "Cabinet au 2e étage, sans ascenseur.\nLes patients CMU ne sont pas acceptés.\nParking devant l’entrée."
TRIGGER = "patients CMU ne sont pas acceptés"
WELCOME = "Tiers payant pour les bénéficiaires de la CMU."
MODEL_VERSION = "rules-9.9.9+deadbeef"
CONFIDENCE = 0.8731


def fitting(decision: str) -> dict[str, str]:
    """The first reason, and stance when there must be one, that goes with a decision."""
    reference = load_reference()
    stance = words.flagged_stances(reference)[0].code if decision == "confirm" else ""
    return {"reason": words.reasons_for(reference, decision)[0].code, "stance": stance}


def exchange(
    body: str, url: str = "https://exemple.test/dr", content_type: str = "text/html; charset=utf-8"
) -> Exchange:
    """An answer with that body, as the crawler would have kept it."""
    return Exchange(
        url=url,
        method="GET",
        request_headers=(("User-Agent", "vigie"),),
        request_body=b"",
        status=200,
        reason="OK",
        response_headers=(("Content-Type", content_type),),
        body=body.encode(),
        captured_at=START,
        ip_address="127.0.0.1",
    )


@dataclass
class World:
    """Rows made by hand, the way the crawler and the reader would leave them."""

    ledger: Ledger
    people: dict[str, int] = field(default_factory=dict)
    made: int = 0

    def reviewers(self, *logins: str, role: str = "reviewer") -> None:
        """People who may sign in with `PASSWORD`."""
        with self.ledger.session() as session:
            for login in logins:
                person = people.add_reviewer(session, login, login.capitalize() + " Relecteur", PASSWORD, role)
                self.people[login] = person.id

    def capture(self, body: str, content_type: str = "text/html; charset=utf-8", hours: int = 0) -> int:
        """A stored capture with that body."""
        url = f"https://exemple.test/dr-{self.made}"
        data = to_warc_gz(exchange(body, url, content_type))
        with self.ledger.session() as session:
            crawl = Crawl(platform="doctolib", kind="live", started_at=START, software="vigie 0.1.0", settings={})
            session.add(crawl)
            session.flush()
            row = Capture(
                crawl_id=crawl.id,
                url=url,
                captured_at=START + timedelta(hours=hours),
                status=200,
                outcome="page",
                content_type=content_type,
                body_sha256=exchange(body).body_sha256,
                body_size=len(body),
                warc_sha256=self.ledger.store.put(data),
                warc_size=len(data),
            )
            session.add(row)
            session.flush()
            return row.id

    def case(self, text: str = REFUSAL, trigger: str = TRIGGER, body: str = "", welcome: str = WELCOME) -> int:
        """A case on a new listing: one flagged passage, one welcoming one, one plain one."""
        name = NAMES[self.made % len(NAMES)]
        self.made += 1
        capture_id = self.capture(body or f"<h1>{name}</h1><p>{text}</p>")
        with self.ledger.session() as session:
            listing = Listing(
                platform="doctolib", key=f"k{self.made}", url="https://exemple.test", first_capture_id=capture_id
            )
            session.add(listing)
            session.flush()
            common: dict[str, Any] = {"listing_id": listing.id, "capture_id": capture_id, "parser_version": "1"}
            session.add(
                ListingView(
                    **common,
                    display_name=name,
                    is_organisation="Cabinet" in name,
                    speciality="Médecin généraliste",
                    street="3 rue des Lilas",
                    postcode="01000",
                    city="Bourg-Fictif",
                    signals={},
                )
            )
            texts = [("presentation", text), ("payment", welcome), ("faq", "Parlez-vous anglais ? Oui.")]
            passages = [
                Passage(**common, field=field, locator=f"/{field}", text=words, text_key=text_key(words))
                for field, words in texts
                if words
            ]
            session.add_all(passages)
            session.flush()
            start = text.find(trigger) if trigger else 0
            flagged = self._finding(passages[0], "refusal", trigger, start)
            session.add(flagged)
            if welcome:
                session.add(self._finding(passages[1], "acceptance", welcome, 0))
            session.flush()
            case = Case(listing_id=listing.id, text_key=passages[0].text_key, opened_at=START, finding_id=flagged.id)
            session.add(case)
            session.flush()
            return case.id

    def cast(self, case_id: int, login: str, decision: str, note: str = "") -> None:
        """A verdict straight into the ledger."""
        with self.ledger.session() as session:
            decide.cast(session, case_id, self.people[login], decision, **fitting(decision), note=note)

    def settle(self) -> None:
        """Make every ballot final, as two minutes would."""
        with self.ledger.session() as session:
            decide.settle_due(session, datetime.now(UTC) + 2 * decide.UNDO)

    @staticmethod
    def _finding(passage: Passage, stance: str, trigger: str, start: int) -> Finding:
        return Finding(
            passage_id=passage.id,
            version=MODEL_VERSION,
            created_at=START,
            stance=stance,
            flagged=stance == "refusal",
            benefits=["C2S"],
            trigger=trigger,
            start=start,
            end=start + len(trigger),
            confidence=CONFIDENCE,
            reasons=["Le passage nomme la CMU et dit que ces patients ne sont pas reçus (règle refus.verbe)."],
            context=[],
        )


class Browser(TestClient):
    """One person's browser: keeps cookies, knows its CSRF token."""

    def token(self, path: str = "/compte") -> str:
        """The token of the forms on that page."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get(path).text)
        assert found
        return found.group(1)

    def sign_in(self, login: str, password: str = PASSWORD) -> Any:
        """Fill in the sign-in form."""
        form = {"login": login, "password": password, "csrf": self.token("/connexion")}
        return self.post("/connexion", data=form, follow_redirects=False)

    def vote(self, case_id: int, decision: str, note: str = "", **changed: str) -> Any:
        """Send a verdict as the form would."""
        form = {"decision": decision, **fitting(decision), "note": note, "csrf": self.token(), **changed}
        return self.post(f"/cas/{case_id}/avis", data=form, follow_redirects=False)
