"""Invitation, second factor, recovery codes, one's own sessions: the way in, and the ways in that stay shut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from review_world import PASSWORD, SECRET, Browser, World
from sqlalchemy import select

from ledger import Ledger
from ledger.desk import DeskSession, Invitation, RecoveryCode, SecondFactor
from ledger.models import Event, Reviewer
from review import create_app, factor, gate, invite
from review.desk import SESSION_COOKIE

NEW = "cinq pommes vertes dans un panier"
Fresh = Callable[[], Browser]


@pytest.fixture
def fresh(world: World) -> Iterator[Fresh]:
    """Browsers of strangers on a desk that asks for the second factor."""
    app = create_app(world.ledger, secret=SECRET)
    yield lambda: Browser(app)


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found
    return found.group(1)


def key_of(page: str) -> str:
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page)
    assert found
    return found.group(1).replace(" ", "")


def now_code(secret: str, shift: int = 0) -> str:
    return factor.totp(secret, int(datetime.now(UTC).timestamp()) // factor.STEP + shift)


def join(world: World, browser: Browser, login: str = "dominique", role: str = "reviewer") -> tuple[str, list[str]]:
    """Invite, accept, enrol: the secret and the recovery codes."""
    with world.ledger.session() as session:
        token = invite.invite(session, login, "Dominique Neuve", role, "root")
    path = f"/invitation/{token}"
    form = {"password": NEW, "again": NEW, "csrf": csrf(browser.get(path).text)}
    page = browser.post(path, data=form).text
    secret = key_of(page)
    page = browser.post("/second-facteur", data={"code": now_code(secret, -1), "csrf": csrf(page)}).text
    codes = re.findall(r"<code>([A-Z2-7-]{29})</code>", page)
    return secret, codes


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
     (2000000000, "69279037"), (20000000000, "65353130")],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238(seconds: int, expected: str) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # « 12345678901234567890 », appendix B
    assert factor.totp(secret, seconds // 30, digits=8) == expected
    assert factor.totp(secret, seconds // 30) == expected[2:]


def test_an_invitation_leads_to_the_desk_and_serves_once(world: World, fresh: Fresh) -> None:
    browser = fresh()
    secret, codes = join(world, browser)
    assert len(codes) == factor.RECOVERY_CODES and browser.get("/file").status_code == 200
    with world.ledger.session() as session:
        person = session.scalars(select(Reviewer).where(Reviewer.login == "dominique")).one()
        assert person.password_hash.startswith("$argon2id$")
        held = session.get_one(SecondFactor, person.id)
        assert secret not in held.secret and held.confirmed_at is not None
        assert not {c.code_sha256 for c in session.scalars(select(RecoveryCode))} & set(codes)
        token_hash = session.scalars(select(Invitation.token_sha256)).one()
        kinds = set(session.scalars(select(Event.kind)))
    assert {"invitation.issued", "reviewer.added", "password.set", "factor.enrolled"} <= kinds and len(token_hash) == 64
    for path in ("/invitation/" + "x" * 43, f"/invitation/{token_hash}"):
        assert fresh().get(path).status_code == 404


def test_a_spent_or_old_or_withdrawn_link_opens_nothing(world: World, fresh: Fresh) -> None:
    with world.ledger.session() as session:
        tokens = [invite.invite(session, f"neuf{i}", "Neuf", "reviewer", "root") for i in range(3)]
        invite.accept(session, tokens[0], NEW)
        invite.revoke(session, 2, "root")
        session.get_one(Invitation, 3).expires_at = datetime.now(UTC) - timedelta(seconds=1)
    for token in tokens:
        assert fresh().get(f"/invitation/{token}").status_code == 404
        with world.ledger.session() as session, pytest.raises(invite.AccountRefused):
            invite.accept(session, token, NEW)


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [("court", "court", "15"), (NEW, NEW + "!", "diffèrent"), ("motdepasse12345", "motdepasse12345", "courant")]
)  # fmt: skip
def test_a_weak_password_keeps_the_link_good(world: World, fresh: Fresh, password: str, again: str, said: str) -> None:
    with world.ledger.session() as session:
        token = invite.invite(session, "neuf", "Neuf", "reviewer", "root")
    browser, path = fresh(), f"/invitation/{token}"
    form = {"password": password, "again": again, "csrf": csrf(browser.get(path).text)}
    answer = browser.post(path, data=form)
    assert answer.status_code == 400 and said in answer.text and password not in answer.text
    assert fresh().get(path).status_code == 200


def test_the_password_alone_opens_no_page(world: World, fresh: Fresh) -> None:
    secret, codes = join(world, fresh())
    browser = fresh()
    assert browser.sign_in("dominique", NEW).headers["location"] == "/code"
    half = browser.cookies[SESSION_COOKIE]
    for path in ("/", "/file", "/compte", "/aide", "/cas/1", "/captures/1"):
        assert browser.get(path, follow_redirects=False).headers["location"] == "/code", path
    # nor can the second factor be set up anew with the password alone
    assert browser.get("/second-facteur", follow_redirects=False).headers["location"] == "/code"
    token = csrf(browser.get("/code").text)
    browser.post("/second-facteur", data={"code": "000000", "csrf": token})
    for wrong in ("000000", "", "12345", "abcdef", now_code(secret, -5), codes[0][:-1] + "A"):
        if wrong != now_code(secret):
            browser.get("/code")
            assert browser.post("/code", data={"code": wrong, "csrf": token}).status_code in (401, 429)
    assert browser.get("/file", follow_redirects=False).headers["location"] == "/code"
    assert half == browser.cookies[SESSION_COOKIE]


def test_a_code_is_taken_once_and_the_session_gets_a_new_name(world: World, fresh: Fresh) -> None:
    secret, _ = join(world, fresh())
    code = now_code(secret)
    for expected in (303, 401):
        browser = fresh()
        browser.sign_in("dominique", NEW)
        half = browser.cookies[SESSION_COOKIE]
        answer = browser.post(
            "/code", data={"code": code, "csrf": csrf(browser.get("/code").text)}, follow_redirects=False
        )
        assert answer.status_code == expected
    assert half == browser.cookies[SESSION_COOKIE]  # the refused one; the accepted one was replaced:
    with world.ledger.session() as session:
        assert len(session.scalars(select(DeskSession).where(DeskSession.ended_at.is_not(None))).all()) >= 2


def test_a_recovery_code_opens_once(world: World, fresh: Fresh) -> None:
    _, codes = join(world, fresh())
    for code, expected in ((codes[3].lower(), 303), (codes[3], 401), (codes[4].replace("-", " "), 303)):
        browser = fresh()
        browser.sign_in("dominique", NEW)
        form = {"code": code, "csrf": csrf(browser.get("/code").text)}
        assert browser.post("/code", data=form, follow_redirects=False).status_code == expected, code
    assert "reste 8 sur 10" in browser.get("/compte").text


def test_codes_are_not_guessed_by_insisting(world: World, fresh: Fresh) -> None:
    secret, _ = join(world, fresh())
    browser = fresh()
    browser.sign_in("dominique", NEW)
    token = csrf(browser.get("/code").text)
    for _ in range(5):
        assert browser.post("/code", data={"code": "000000", "csrf": token}).status_code == 401
    assert browser.post("/code", data={"code": now_code(secret), "csrf": token}).status_code == 429


def test_a_person_without_a_factor_must_set_one_up(world: World, fresh: Fresh) -> None:
    browser = fresh()
    browser.sign_in("alix", PASSWORD)
    page = browser.get("/file")
    assert "Installer le second facteur" in page.text and "<svg" in page.text
    assert key_of(page.text) == key_of(browser.get("/second-facteur").text)  # reloading does not change the key
    answer = browser.post("/second-facteur", data={"code": "000000", "csrf": csrf(page.text)})
    assert answer.status_code == 401


def test_a_renewed_access_ends_sessions_and_the_old_factor(world: World, fresh: Fresh) -> None:
    browser = fresh()
    secret, _ = join(world, browser)
    with world.ledger.session() as session:
        token = invite.renew(session, invite.by_login(session, "dominique").id, "root")
    assert browser.get("/file", follow_redirects=False).status_code == 303
    again = "sept bateaux rouges sous la pluie"
    path = f"/invitation/{token}"
    form = {"password": again, "again": again, "csrf": csrf(browser.get(path).text)}
    page = browser.post(path, data=form).text
    assert key_of(page) != secret
    stranger = fresh()
    assert stranger.sign_in("dominique", NEW).status_code == 401


def test_sessions_are_listed_and_ended_one_or_all(world: World, fresh: Fresh) -> None:
    app = create_app(world.ledger, secret=SECRET, second_factor=False)
    first, second, other = Browser(app), Browser(app), Browser(app)
    for browser, login in ((first, "alix"), (second, "alix"), (other, "basile")):
        browser.sign_in(login)
    page = first.get("/compte").text
    assert page.count("Autre séance") == 1 and "Cette séance" in page
    with world.ledger.session() as session:
        ids = {row.token_sha256: row.id for row in session.scalars(select(DeskSession))}
    theirs = ids[gate.token_hash(other.cookies[SESSION_COOKIE])]
    assert first.post(f"/compte/seances/{theirs}/fermer", data={"csrf": csrf(page)}).status_code == 404
    mine = ids[gate.token_hash(second.cookies[SESSION_COOKIE])]
    first.post(f"/compte/seances/{mine}/fermer", data={"csrf": csrf(page)})
    assert second.get("/file", follow_redirects=False).status_code == 303
    assert first.get("/file").status_code == other.get("/file").status_code == 200
    first.post("/compte/seances/fermer", data={"csrf": csrf(page)})
    assert first.get("/file", follow_redirects=False).status_code == 303
    assert other.get("/file").status_code == 200


def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(world: World) -> None:
    app = create_app(world.ledger, secret=SECRET, second_factor=False)
    first, second = Browser(app), Browser(app)
    for browser in (first, second):
        browser.sign_in("alix")
    token = first.token()
    form = {"former": "wrong", "password": NEW, "again": NEW, "csrf": token}
    assert first.post("/compte/mot-de-passe", data=form).status_code == 401
    assert first.post("/compte/mot-de-passe", data={**form, "former": PASSWORD, "again": "x"}).status_code == 400
    assert first.post("/compte/mot-de-passe", data={**form, "former": PASSWORD}).status_code == 200
    assert second.get("/file", follow_redirects=False).status_code == 303
    assert Browser(app).sign_in("alix", PASSWORD).status_code == 401
    assert Browser(app).sign_in("alix", NEW).status_code == 303


def test_an_administrator_keeps_the_house(world: World) -> None:
    with world.ledger.session() as session:
        invite.accept(session, invite.invite(session, "chef", "Chef", "administrator", "root"), NEW)
    app = create_app(world.ledger, secret=SECRET, second_factor=False)
    chef, alix = Browser(app), Browser(app)
    chef.sign_in("chef", NEW)
    alix.sign_in("alix")
    token = csrf(chef.get("/personnes").text)
    page = chef.post(
        "/personnes/inviter", data={"login": "zoe", "display_name": "Zoé", "role": "editor", "csrf": token}
    )
    link = re.search(r"http://testserver(/invitation/[\w-]+)", page.text)
    assert link and Browser(app).get(link.group(1)).status_code == 200
    assert link.group(1) not in chef.get("/personnes").text  # shown once
    again = {"login": "zoe", "display_name": "Zoé", "role": "editor", "csrf": token}
    assert chef.post("/personnes/inviter", data=again).status_code == 400
    mine = world.people["alix"]
    chef.post(f"/personnes/{mine}/role", data={"role": "auditor", "csrf": token})
    assert alix.get("/file", follow_redirects=False).status_code == 303  # the new role asks for a new sign-in
    chef.post(f"/personnes/{mine}/fermer", data={"csrf": token})
    assert Browser(app).sign_in("alix").status_code == 401
    chef.post(f"/personnes/{mine}/rouvrir", data={"csrf": token})
    assert Browser(app).sign_in("alix").status_code == 303
    with world.ledger.session() as session:
        own = invite.by_login(session, "chef").id
    for path in (f"/personnes/{own}/fermer", f"/personnes/{own}/role"):
        answer = chef.post(path, data={"role": "editor", "csrf": token})
        assert answer.status_code == 400 and "toujours un administrateur" in answer.text


def test_a_ledger_opened_with_another_key_gives_no_code(sqlite_ledger: Ledger) -> None:
    world = World(sqlite_ledger)
    world.reviewers("alix")
    ours, theirs = gate.Gate(SECRET), gate.Gate(b"another secret of thirty-two bytes!!")
    with sqlite_ledger.session() as session:
        person = session.get_one(Reviewer, world.people["alix"])
        secret = factor.enrol(session, ours, person)
        assert not factor.check(session, theirs, person.id, now_code(secret))
        assert factor.check(session, ours, person.id, now_code(secret))
