"""The pages say what they should, escape what they must, and leave an event for each view."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from review_world import TRIGGER, WELCOME, Browser, World
from sqlalchemy import select

from ledger.models import Capture, Event
from review import words
from review.app import POLICY
from review.neutral import REPLAY_POLICY

Opener = Callable[[str], Browser]
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\" ' {{ 7*7 }} \u202eCMU"


def test_the_case_page_tells_the_whole_story(world: World, visit: Opener) -> None:
    case_id = world.case()
    page = visit("alix").get(f"/cas/{case_id}").text
    for said in (
        "Dr Camille Exemple", "Médecin généraliste", "3 rue des Lilas, 01000 Bourg-Fictif",
        f"<mark>{TRIGGER}</mark>", "Cabinet au 2e étage", "Le passage nomme la CMU", WELCOME,
        "1 autre passage de la même page", "Parlez-vous anglais",
        "29 mars 2026 à 01:30:00 (heure de Paris)", "2026-03-29T00:30:00Z", "https://exemple.test/dr-1",
        "Scellé et horodatage", "Pas encore scellé", "Visites par un navigateur", "Aucune", "1 capture",
    ):  # fmt: skip
        assert said in page.replace("\u00a0", " ").replace("\u202f", " "), said
    with world.ledger.session() as session:
        capture = session.scalars(select(Capture)).one()
        assert capture.body_sha256 and capture.body_sha256 in page and capture.warc_sha256 in page


def test_a_listing_without_acceptance_says_so(world: World, visit: Opener) -> None:
    page = visit("alix").get(f"/cas/{world.case(welcome='')}").text
    assert "Aucune formule d’accueil" in page


def test_an_unchanged_revisit_counts_as_seen_again(world: World, visit: Opener) -> None:
    case_id = world.case()
    with world.ledger.session() as session:
        first = session.scalars(select(Capture)).one()
        again = {c.key: getattr(first, c.key) for c in Capture.__table__.columns if c.key not in ("id", "warc_sha256")}
        again["captured_at"] = first.captured_at.replace(month=7)
        session.add(Capture(**again | {"revisit_of_id": first.id}))
    alix = visit("alix")
    page = alix.get(f"/cas/{case_id}").text.replace("\u00a0", " ")
    assert "29 juillet 2026 à 02:30:00 (heure de Paris)" in page and "2 captures" in page
    again_page = alix.get(f"/captures/{first.id + 1}")
    assert "Contenu inchangé" in again_page.text and "<iframe" in again_page.text
    assert alix.get(f"/captures/{first.id + 1}/rejeu").status_code == 200


def test_hostile_words_stay_words(world: World, visit: Opener) -> None:
    case_id = world.case(text=EVIL, trigger="CMU", body=f"<p>{EVIL}</p>")
    alix = visit("alix")
    for path in ("/file", f"/cas/{case_id}", "/captures/1"):
        page = alix.get(path).text
        assert "<script>alert" not in page and "<img src=x" not in page and "{{ 7*7 }}" in page, path
    alix.vote(case_id, "confirm", note=EVIL)
    assert "<script>alert" not in alix.get(f"/cas/{case_id}").text


def test_every_view_and_verdict_is_an_event(world: World, visit: Opener) -> None:
    case_id = world.case()
    alix = visit("alix")
    alix.get(f"/cas/{case_id}")
    alix.get("/captures/1")
    alix.get("/captures/1/capture.warc.gz")
    alix.vote(case_id, "dismiss")
    alix.post("/deconnexion", data={"csrf": alix.token()})
    with world.ledger.session() as session:
        kinds = [e.kind for e in session.scalars(select(Event).where(Event.actor == "alix").order_by(Event.id))]
    assert kinds == [
        "reviewer.signed_in", "case.viewed", "capture.viewed", "capture.downloaded", "ballot.cast",
        "verdict.cast", "reviewer.signed_out",
    ]  # fmt: skip


def test_after_the_vote_comes_the_next_case_and_at_the_end_the_queue(world: World, visit: Opener) -> None:
    first, second = world.case(), world.case()
    alix = visit("alix")
    step = alix.vote(first, "doubt")
    assert step.headers["location"] == f"/cas/suivant?apres={first}&fait={first}"
    step = alix.get(step.headers["location"], follow_redirects=False)
    assert step.headers["location"] == f"/cas/{second}?fait={first}"
    assert "Avis enregistré" in alix.get(step.headers["location"]).text
    alix.vote(second, "doubt")
    step = alix.get(f"/cas/suivant?apres={second}&fait={second}", follow_redirects=False)
    assert step.headers["location"] == f"/file?fait={second}"
    assert "Rien ne vous attend" in alix.get("/file").text


def test_a_refused_form_comes_back_with_what_was_written(world: World, visit: Opener) -> None:
    case_id = world.case()
    answer = visit("alix").vote(case_id, "confirm", note="ma longue note", span="mots absents")
    assert answer.status_code == 400 and "ma longue note" in answer.text and "tels quels" in answer.text


def test_headers_guard_every_answer(world: World, visit: Opener) -> None:
    case_id = world.case()
    alix = visit("alix")
    for path in ("/connexion", "/file", f"/cas/{case_id}", "/captures/1", "/nulle-part", "/static/desk.css"):
        headers = alix.get(path).headers
        assert headers["content-security-policy"] == POLICY and "unsafe" not in POLICY, path
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
    page = alix.get(f"/cas/{case_id}").text
    assert "style=" not in page and "<style" not in page and " onclick" not in page


def test_the_replay_has_its_own_policy(world: World, visit: Opener) -> None:
    world.case()
    answer = visit("alix").get("/captures/1/rejeu")
    assert answer.headers["content-security-policy"] == REPLAY_POLICY
    policy = {part.strip() for part in REPLAY_POLICY.split(";")}
    assert {"sandbox", "default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"} <= policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_file_comes_as_it_was_stored_or_not_at_all(world: World, visit: Opener) -> None:
    world.case()
    alix = visit("alix")
    answer = alix.get("/captures/1/capture.warc.gz")
    with world.ledger.session() as session:
        address = session.scalars(select(Capture.warc_sha256)).one()
    assert address and hashlib.sha256(answer.content).hexdigest() == address
    assert "attachment" in answer.headers["content-disposition"]
    path = world.ledger.store.path(address)
    path.chmod(0o644)
    path.write_bytes(b"other bytes")
    for tail in ("/rejeu", "/capture.warc.gz"):
        assert alix.get(f"/captures/1{tail}").status_code == 409
    assert "altéré" in alix.get("/captures/1").text
    path.unlink()
    assert "manque" in alix.get("/captures/1").text


def test_a_capture_that_is_no_page_is_text_only(world: World, visit: Opener) -> None:
    capture_id = world.capture('{"cmu": "<script>no</script>"}', "application/json")
    alix = visit("alix")
    page = alix.get(f"/captures/{capture_id}").text
    assert "<iframe" not in page and "&lt;script&gt;no" in page
    assert alix.get(f"/captures/{capture_id}/rejeu").status_code == 404


def test_the_demo_notice_is_on_every_page(world: World) -> None:
    from review_world import SECRET

    from review import create_app

    page = Browser(create_app(world.ledger, secret=SECRET, demo_notice="Données <inventées>")).get("/connexion").text
    assert "Données &lt;inventées&gt;" in page


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox sous Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36", "Chrome sous Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge sous Windows"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36", "Chrome sous Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", "Safari sous iOS"),
        ("curl/8", "curl/8"),
        ("", ""),
    ],
)
def test_a_session_is_known_by_its_browser(agent: str, said: str) -> None:
    assert words.browser(agent) == said
