"""Around the case: search that betrays nothing, views, assignment, inbox, feed, exports, quality, samples, dossiers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from review_world import SECRET, START, Browser, World
from sqlalchemy import select

from ledger import docket
from ledger.desk import Assignment, Docket, DossierRequest, ReadMark, SampleAnswer
from ledger.models import Capture, Event, Listing, ListingView
from reference import load_reference
from review import create_app, inbox, sampling, search
from review.decide import Choice

REFERENCE = load_reference()
Opener = Callable[[str], Browser]


@pytest.fixture
def house(world: World) -> Opener:
    """One person of each role beside the voters."""
    world.reviewers("adele", role="administrator")
    world.reviewers("edith", role="editor")
    world.reviewers("aude", role="auditor")
    app = create_app(world.ledger, secret=SECRET, second_factor=False)

    def browser(login: str) -> Browser:
        made = Browser(app)
        assert made.sign_in(login).status_code == 303
        return made

    return browser


def numbers(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'class="row" href="/cas/(\d+)"', page)]


def test_words_and_filters_find_what_the_page_shows(world: World, house: Opener) -> None:
    ids = [world.case() for _ in range(4)]
    other = world.case(text="Bénéficiaires de l’AME : voyez l’hôpital.", trigger="AME")
    adele = house("adele")
    for query, expected in (
        ("", [other, *ids[::-1]]), ("q=sacha", [ids[1]]), ("q=MODÈLE+bourg", [ids[1]]), ("q=hôpital", [other]),
        ("q=hopi", [other]), ("q=introuvable", []), ("departement=01&q=noa", [ids[3]]), ("departement=75", []),
        ("plateforme=doctolib&formule=refusal&q=ame", [other]), ("prestation=AME", []),
        ("prestation=C2S&q=sacha", [ids[1]]),
        ("etat=open&q=trois", [ids[2]]), ("etat=confirmed", []),
        ("depuis=2026-03-29&jusque=2026-03-29&q=noa", [ids[3]]),
        ("depuis=2026-03-30", []), ("depuis=nonsense&q=noa", [ids[3]]), ("q=%25", [other, *ids[::-1]]),
    ):  # fmt: skip
        assert numbers(adele.get(f"/recherche?{query}").text) == expected, query


def test_a_voter_s_search_knows_nothing_of_what_others_or_the_machine_think(world: World, house: Opener) -> None:
    ids = [world.case() for _ in range(3)]
    basile = house("basile")
    paths = [
        f"/recherche?{q}" for q in ("", "q=cmu", "etat=confirmed", "etat=second", "formule=refusal", "prestation=C2S")
    ]
    paths += [path.replace("?", ".csv?") for path in paths] + ["/nouveautes"]
    before = [re.sub(r'value="[0-9a-f]{64}"', "", basile.get(path).text) for path in paths]
    assert numbers(before[4]) == []
    world.cast(ids[0], "alix", "confirm")
    world.cast(ids[1], "alix", "dismiss")
    assert [re.sub(r'value="[0-9a-f]{64}"', "", basile.get(path).text) for path in paths] == before
    world.cast(ids[0], "basile", "confirm")
    world.cast(ids[1], "basile", "doubt")
    assert numbers(basile.get("/recherche?etat=confirmed").text) == [ids[0]]
    assert numbers(basile.get("/recherche?formule=refusal").text) == [ids[1], ids[0]]
    assert numbers(basile.get("/recherche?etat=split").text) == []  # told only when it is closed


@pytest.mark.parametrize(
    "cell", ["=1+1", "+33", "-2", "@SUM(A1)", "\t=1", "\r=1", " =cmd|' /C calc'!A0", "\u00a0=1", "\ufeff=1"]
)
def test_no_exported_cell_begins_a_formula(cell: str) -> None:
    assert search.safe_cell(cell).startswith("'")
    assert search.safe_cell("Dr =Égal") == "Dr =Égal"


def test_the_export_is_read_back_and_is_an_event(world: World, house: Opener) -> None:
    world.case(text='=HYPERLINK("http://evil.test";"CMU")', trigger="CMU")
    answer = house("aude").get("/recherche.csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert len(rows) == 2 and rows[1][6].startswith("'=HYPERLINK")
    with world.ledger.session() as session:
        event = session.scalars(select(Event).where(Event.kind == "search.exported")).one()
    assert (event.actor, event.detail["rows"]) == ("aude", 1)


def test_views_are_kept_and_are_one_s_own(world: World, house: Opener) -> None:
    alix, basile = house("alix"), house("basile")
    form = {"name": "Lyon <b>", "query": "q=lyon&departement=69&evil=1", "csrf": alix.token()}
    page = alix.post("/vues", data=form).text
    assert "Lyon &lt;b&gt;" in page and "/recherche?q=lyon&amp;departement=69" in page and "evil" not in page
    assert "Lyon" not in basile.get("/recherche").text
    assert basile.post("/vues/1/supprimer", data={"csrf": basile.token()}).status_code == 404
    assert "Lyon" not in alix.post("/vues/1/supprimer", data={"csrf": alix.token()}).text


def test_bulk_assignment_gives_free_seats_alone(world: World, house: Opener) -> None:
    ids = [world.case() for _ in range(5)]
    world.cast(ids[0], "alix", "confirm")  # alix has voted there
    adele, alix = house("adele"), house("alix")
    form = {"reviewer_id": str(world.people["alix"]), "query": "", "number": "3", "csrf": adele.token()}
    assert "3 cas confiés" in adele.post("/attribution", data=form).text
    with world.ledger.session() as session:
        given = session.scalars(select(Assignment.case_id).where(Assignment.kind == "bulk")).all()
    assert len(given) == 3 and ids[0] not in given
    assert [n for n in numbers(alix.get("/file").text) if n in given][:3] == list(given)
    for wrong in ("aude", "adele"):
        assert adele.post("/attribution", data={**form, "reviewer_id": str(world.people[wrong])}).status_code == 400


def test_a_wording_that_goes_and_comes_back_is_told(world: World, house: Opener) -> None:
    case_id = world.case()
    world.cast(case_id, "alix", "confirm")
    looked_again(world, case_id, 24)
    alix = house("alix")
    assert "retirée" in alix.get("/nouveautes").text and "nouveau" in alix.get("/nouveautes").text
    assert "retirée" not in house("basile").get("/nouveautes").text  # not his case yet
    page = alix.get(f"/cas/{case_id}").text
    assert "Formule retirée" in page and "formule absente" in page
    assert "nouveau</span>" not in alix.post("/nouveautes/lu", data={"csrf": alix.token()}).text
    with world.ledger.session() as session:
        told = inbox.news(session, world.people["alix"], "reviewer")
        made = inbox.digest(told, "Alix", 3, "https://desk.test/")
        session.get_one(ReadMark, world.people["alix"]).read_at = START
        fresh = inbox.digest(inbox.news(session, world.people["alix"], "reviewer"), "<Alix>", 0, "https://desk.test")
    for words in (made.text, made.html):
        assert "3\u00a0cas vous sont confiés" in words and "Rien de nouveau" in words and "Exemple" not in words
    assert fresh.subject == "Vigie : 1\u00a0nouveauté" and "- cas nº 1 : la formule a été retirée (" in fresh.text
    assert (
        'href="https://desk.test/cas/1"' in fresh.html and "&lt;Alix&gt;" in fresh.html and "<Alix>" not in fresh.html
    )
    assert not re.search(r"<(?:img|script|link|iframe)|url\(|Exemple", fresh.html)  # nothing is loaded, nobody is named
    mail = fresh.message("vigie@desk.test", "alix@desk.test")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "retirée" in mail.get_body(("plain",)).get_content() and mail["Auto-Submitted"] == "auto-generated"
    with pytest.raises(ValueError):
        fresh.message("vigie@desk.test", "alix@desk.test\nBcc: other@desk.test")


def looked_again(world: World, case_id: int, hours: int) -> None:
    """The page, captured again without the wording."""
    again = world.capture("<p>rien</p>", hours=hours)
    with world.ledger.session() as session:
        row = session.get_one(Docket, case_id)
        first = session.get_one(Capture, session.get_one(Listing, row.listing_id).first_capture_id)
        old = session.scalars(select(ListingView).where(ListingView.capture_id == first.id)).one()
        columns = {c.key: getattr(old, c.key) for c in ListingView.__table__.columns if c.key != "id"}
        session.execute(  # `capture` is evidence: a new row, at the address of the first
            Capture.__table__.insert().values(
                **{
                    c.key: getattr(session.get_one(Capture, again), c.key)
                    for c in Capture.__table__.columns
                    if c.key not in ("id", "url")
                },
                url=first.url,
            )
        )
        newest = session.scalars(select(Capture.id).order_by(Capture.id.desc())).first()
        session.add(ListingView(**{**columns, "capture_id": newest}))
        session.flush()
        docket.refresh(session, REFERENCE, [case_id])


def test_the_feed_names_nobody_and_dies_with_its_key(world: World, house: Opener) -> None:
    case_id = world.case()
    for login in ("alix", "basile"):
        world.cast(case_id, login, "confirm")
    alix = house("alix")
    link = re.compile(r"http://testserver(/flux/[\w-]+)")
    first = link.search(alix.post("/nouveautes/flux", data={"csrf": alix.token()}).text)
    assert first
    stranger = Browser(alix.app)
    answer = stranger.get(first.group(1))
    assert answer.headers["content-type"].startswith("application/atom+xml")
    tree = ElementTree.fromstring(answer.text)
    assert f"Cas nº {case_id}" in answer.text and "Exemple" not in answer.text and len(tree) == 4
    alix.post("/nouveautes/flux", data={"csrf": alix.token()})
    assert stranger.get(first.group(1)).status_code == 404


def test_figures_for_those_who_do_not_vote(world: World, house: Opener) -> None:
    ids = [world.case() for _ in range(12)]
    for number, case_id in enumerate(ids):
        world.cast(case_id, "alix", "confirm" if number % 2 else "dismiss")
        world.cast(case_id, "basile", "confirm" if number % 3 else "dismiss")
    adele = house("adele")
    adele.post(f"/cas/{ids[0]}/temoin", data={"decision": "confirm", "csrf": adele.token()})
    page = adele.get("/qualite").text
    assert (
        "α de Krippendorff" in page and "12\u00a0cas" in page and "0 sur 1 aux témoins" in page and "style=" not in page
    )
    assert "alix et basile" in page
    assert "Cas confirmés" in adele.get("/tableau").text
    for login in ("alix", "camille"):
        assert house(login).get("/qualite").status_code == house(login).get("/tableau").status_code == 403


def test_haste_and_monotony_are_noticed(world: World) -> None:
    from review import decide
    from review.quality import quality

    for _ in range(30):
        case_id = world.case()
        with world.ledger.session() as session:
            now = datetime.now(UTC)
            person = world.people["alix"]
            session.add(
                Assignment(case_id=case_id, reviewer_id=person, kind="batch", rank=1, given_at=now, opened_at=now)
            )
            session.flush()
            decide.place(session, case_id, person, Choice("dismiss", "legal_notice"), now)
    world.settle()
    with world.ledger.session() as session:
        alix = next(one for one in quality(session).people if one.login == "alix")
    assert len(alix.warnings) == 2 and "30 décisions identiques" in alix.warnings[1]


def test_a_monthly_draw_bounds_what_is_missed(world: World, house: Opener) -> None:
    for _ in range(4):
        case_id = world.case()
        world.cast(case_id, "alix", "dismiss")
        world.cast(case_id, "basile", "dismiss")
    adele, camille = house("adele"), house("camille")
    for kind in ("dismissed", "unflagged"):
        form = {"kind": kind, "csrf": adele.token()}
        assert adele.post("/qualite/tirage", data=form, follow_redirects=False).status_code == 303
        assert adele.post("/qualite/tirage", data=form).status_code == 409
    assert adele.post("/qualite/tirage", data={"kind": "all", "csrf": adele.token()}).status_code == 409
    answered = 0
    while found := re.search(r'action="(/echantillon/\d+)"', camille.get("/echantillon").text):
        said = "yes" if answered == 0 else "no"
        assert camille.post(found.group(1), data={"said": said, "csrf": camille.token()}).status_code == 200
        assert camille.post(found.group(1), data={"said": said, "csrf": camille.token()}).status_code == 409
        answered += 1
    with world.ledger.session() as session:
        results = {one.kind: one for one in sampling.results(session)}
        assert len(session.scalars(select(SampleAnswer)).all()) == answered == 8
    assert results["dismissed"].population == 4 and results["unflagged"].size == 4  # the welcoming passages
    assert sum(one.missed for one in results.values()) == 1
    assert "598" in adele.get("/qualite").text


def test_an_editor_asks_for_the_dossier_of_a_confirmed_case(world: World, house: Opener) -> None:
    yes, no = world.case(), world.case()
    for login in ("alix", "basile"):
        world.cast(yes, login, "confirm")
        world.cast(no, login, "dismiss")
    edith = house("edith")
    assert "Demander le dossier" in edith.get(f"/cas/{yes}").text
    assert edith.post(f"/cas/{no}/dossier", data={"csrf": edith.token()}).status_code == 409
    for _ in range(2):
        assert "demandé" in edith.post(f"/cas/{yes}/dossier", data={"csrf": edith.token()}).text
    with world.ledger.session() as session:
        assert [row.case_id for row in session.scalars(select(DossierRequest))] == [yes]
        assert START.year == 2026
    page = house("aude").get("/journal?genre=dossier.requested").text
    assert "edith" in page and f"case {yes}" in page
