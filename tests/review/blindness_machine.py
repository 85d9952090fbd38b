"""Two desks that differ in what the others decide, and observers who must not be able to tell them apart.

Both desks are laid out once; each story begins by putting their databases back as they were, and asks the application
without sockets or threads (`direct_client`), so that ten thousand stories can be told.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import tempfile
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType

from argon2 import PasswordHasher
from direct_client import Answer, Direct, same_thread
from hypothesis import strategies as st
from review_world import SECRET, World
from sqlalchemy import event, select

from ledger import Ledger
from ledger.desk import OPEN_SEATS, Docket
from ledger.models import Capture
from review import create_app, decide, invite, people, rights
from review.decide import Choice

CASES = 3
OBSERVER, THIRD = "basile", "eva"  # a reviewer and an adjudicator, who look and do not vote
OTHERS = ("alix", "dominique", "camille")  # camille settles splits
STAFF = {"adele": "administrator", "edith": "editor", "auguste": "auditor"}
DECISIONS = (
    Choice("confirm", "refuses_beneficiaries"),
    Choice("dismiss", "legal_notice"),
    Choice("doubt", "legal_question"),
)
SECRET_NOTE = "remarque-secrète-"
ACTS = (
    "vote", "settle", "undo", "recuse", "remark", "look", "control", "assign", "dossier", "identity", "close",
    "read", "read", "read", "observe", "observer votes", "sign in again",
)  # fmt: skip
AGE = 1200  # seconds a layout serves: its sessions end after an hour without a request
_CHANGING = re.compile(r'name="csrf" value="[0-9a-f]+"|vigie_seance=[\w-]+|\d\d:\d\d:\d\d \(heure de Paris\)')
# What the observer's search may say of what they have decided is empty here; each filter must stay mute.
SEARCHES = ("?q=cmu", "?etat=confirmed", "?formule=refusal", "?prestation=C2S", "?plateforme=doctolib")


def story() -> st.SearchStrategy[list[tuple[str, int, int]]]:
    """A list of acts, each with a case and a number, which says who acts or what is read."""
    act = st.tuples(st.sampled_from(ACTS), st.integers(0, CASES - 1), st.integers(0, 999))
    return st.lists(act, min_size=4, max_size=14)


@cache
def _empty_ledger() -> bytes:
    """A migrated ledger without rows: copying it is faster than migrating for each desk."""
    with tempfile.TemporaryDirectory() as folder:
        Ledger.open(Path(folder)).close()
        return (Path(folder) / "ledger.sqlite").read_bytes()


class Desk:
    """One desk and its people; `shift` is 0 where the others agree and 1 where they never do."""

    def __init__(self, home: Path, shift: int, loop: asyncio.AbstractEventLoop) -> None:
        home.mkdir()
        (home / "ledger.sqlite").write_bytes(_empty_ledger())
        ledger = Ledger.open(home)
        ledger.engine.dispose()  # connections made from here on do not wait for the disk
        event.listen(ledger.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        self.world, self.shift, self.count = World(ledger), shift, 0
        self.cases = [self.world.case() for _ in range(CASES)]
        self.world.reviewers("alix", "dominique", OBSERVER)
        self.world.reviewers("camille", THIRD, role="adjudicator")
        for login, role in STAFF.items():
            self.world.reviewers(login, role=role)
        app = create_app(ledger, secret=SECRET, second_factor=False)
        self.browsers = {login: Direct(app, loop) for login in (OBSERVER, THIRD, *STAFF)}
        for login, browser in self.browsers.items():
            browser.sign_in(login)
        with ledger.session() as session:
            self.captures = list(session.scalars(select(Capture.id)))
        self.cookies = {login: dict(browser.cookies) for login, browser in self.browsers.items()}
        self.kept = sqlite3.connect(":memory:")
        with sqlite3.connect(home / "ledger.sqlite") as live:
            live.backup(self.kept)
        live.close()
        self.live = sqlite3.connect(home / "ledger.sqlite")

    def begin(self) -> None:
        """Everything as it was laid out."""
        self.world.ledger.engine.dispose()
        self.kept.backup(self.live)
        self.count = 0
        for login, browser in self.browsers.items():
            browser.cookies = dict(self.cookies[login])

    def close(self) -> None:
        self.live.close()
        self.kept.close()
        self.world.ledger.close()

    def other_votes(self, case: int, who: int) -> None:
        # On one desk the others agree on each case, on the other they never do.
        choice = DECISIONS[(case + who * self.shift) % len(DECISIONS)]
        self.count += 1
        note = f"{SECRET_NOTE}{self.count}-{self.shift}"
        try:
            with self.world.ledger.session() as session:
                person = self.world.people[OTHERS[who]]
                decide.place(session, self.cases[case], person, Choice(choice.decision, choice.reason, note=note))
        except (decide.NotAllowed, decide.AlreadyVoted, decide.CaseClosed):
            pass

    def all_open(self) -> bool:
        """Whether no case waits for a third person or is decided."""
        with self.world.ledger.session() as session:
            return session.scalar(select(Docket.case_id).where(Docket.stage != OPEN_SEATS).limit(1)) is None

    def read(self, login: str, paths: list[str]) -> dict[str, Answer]:
        """What the person gets at those addresses, less what differs between any two visits."""
        browser, seen = self.browsers[login], {}
        for path in paths:
            answer = browser.get(path)
            kept = {
                name: value for name, value in answer.headers.items() if name not in ("set-cookie", "content-length")
            }
            body = answer.body if path.endswith(".gz") else _CHANGING.sub("", answer.text).encode()
            seen[path] = Answer(answer.status, kept, body)
        return seen

    def addresses(self) -> list[str]:
        """Every address of the table of rights, filled in; a route added later is among them."""
        found: list[str] = []
        for (method, path), rule in rights.TABLE.items():
            if method != "GET" or rule.level is not rights.Level.FULL:  # the doors show a new secret each time
                continue
            if "{capture_id}" in path:
                found += [path.replace("{capture_id}", str(number)) for number in self.captures]
            elif "{" in path:
                found += [re.sub(r"\{\w+\}", str(number), path) for number in self.cases]
            else:
                found.append(path)
        return found + [f"/recherche{query}" for query in SEARCHES]


class Twins:
    """The two desks, in one throw-away folder; they live through any number of stories.

    Whoever looks reads every address when `whole`, else the case pages, the queue and four more in turn.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self.whole, self.asked = whole, 0

    def __enter__(self) -> Twins:
        self.stack = ExitStack()
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.stack.callback(shutil.rmtree, self.folder)
        self.loop = asyncio.new_event_loop()
        self.stack.callback(self.loop.close)
        self.stack.callback(setattr, people, "_hasher", people._hasher)
        self.stack.callback(people._decoy.cache_clear)
        people._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        people._decoy.cache_clear()
        self.stack.enter_context(same_thread())
        self.desks: list[Desk] = []
        self.layouts = 0
        self._lay_out()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for desk in self.desks:
            desk.close()
        self.stack.close()

    def _lay_out(self) -> None:
        for desk in self.desks:
            desk.close()
        self.layouts += 1
        self.desks = [Desk(self.folder / f"{self.layouts}-{shift}", shift, self.loop) for shift in (0, 1)]
        self.addresses = self.desks[0].addresses()
        self.made = time.monotonic()

    def play(self, acts: list[tuple[str, int, int]]) -> None:
        """Begin anew; carry out each act on both desks; compare what is seen whenever someone looks, and at the end."""
        if time.monotonic() - self.made > AGE:
            self._lay_out()
        for desk in self.desks:
            desk.begin()
        for act, case, who in acts:
            if act == "read":
                self.compare([self.addresses[who % len(self.addresses)]])
            elif act == "observe":
                self.look(who)
            elif act == "observer votes":
                self.observer_votes(case, who)
            else:
                for desk in self.desks:
                    carry_out(desk, act, case, who)
        self.look(sum(who for _, _, who in acts))

    def observer_votes(self, case: int, number: int) -> None:
        """The observer decides, sees the same answer on both desks, and takes it back; when they may not, no matter."""
        form = {"decision": "dismiss", "reason": "legal_notice"}
        place = f"/cas/{self.desks[0].cases[case]}/avis"
        first, second = (desk.browsers[OBSERVER].post(place, **form) for desk in self.desks)
        assert (first.status, _CHANGING.sub("", first.text)) == (second.status, _CHANGING.sub("", second.text))
        if first.status == 303:
            self.look(number, OBSERVER)  # a ballot of one's own shows nothing of the others' either
            answers = {desk.browsers[OBSERVER].post("/avis/annuler").status for desk in self.desks}
            assert answers == {303}, answers

    def look(self, number: int, *who: str) -> None:
        """Compare the case pages, the queue and four addresses more from `number` on; all of them when `whole`."""
        turned = [self.addresses[(number + step * 7) % len(self.addresses)] for step in range(4)]
        paths = [*(f"/cas/{case}" for case in self.desks[0].cases), "/file", *turned]
        self.compare(self.addresses if self.whole else list(dict.fromkeys(paths)), *who)

    def compare(self, paths: list[str], *who: str) -> None:
        """The reviewer reads the same bytes on both desks; the adjudicator too, while no case is theirs to know."""
        unsplit = all(desk.all_open() for desk in self.desks)
        for login in who or ((OBSERVER, THIRD) if unsplit else (OBSERVER,)):
            first, second = (desk.read(login, paths) for desk in self.desks)
            self.asked += len(first) + len(second)
            for path, answer in first.items():
                assert answer == second[path], (login, path)
                assert SECRET_NOTE not in answer.text, (login, path)


def carry_out(desk: Desk, act: str, case: int, who: int) -> None:
    """One act of the others; what it changes differs between the desks, what the observers see must not."""
    who %= len(OTHERS)
    number, staff = desk.cases[case], desk.browsers[list(STAFF)[who]]
    if act == "vote":
        desk.other_votes(case, who)
    elif act == "settle":
        desk.world.settle()
    elif act in ("undo", "recuse"):
        try:
            with desk.world.ledger.session() as session:
                person = desk.world.people[OTHERS[who]]
                _ = decide.undo(session, person) if act == "undo" else decide.recuse(session, number, person)
        except (decide.NothingToUndo, decide.NotAllowed, decide.AlreadyVoted, decide.CaseClosed):
            pass
    elif act == "look":
        staff.get(f"/cas/{number}")
    elif act == "remark":
        staff.post(f"/cas/{number}/commentaire", text=f"{SECRET_NOTE}{desk.shift}")
    elif act == "control":
        desk.browsers["adele"].post(f"/cas/{number}/temoin", decision=DECISIONS[who].decision)
    elif act == "assign":
        given = {"reviewer_id": str(desk.world.people[OTHERS[who]]), "query": "q=cmu", "number": "1"}
        desk.browsers["adele"].post("/attribution", **given)
    elif act in ("dossier", "identity"):
        desk.browsers["edith"].post(f"/cas/{number}/{'dossier' if act == 'dossier' else 'identite'}", rpps="aucune")
    elif act == "close":
        with desk.world.ledger.session() as session:
            invite.disable(session, desk.world.people[OTHERS[who]], "adele")
    elif act == "sign in again":
        desk.browsers[OBSERVER].sign_in(OBSERVER)
