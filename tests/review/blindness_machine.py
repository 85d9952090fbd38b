"""Two desks that differ in what the others decide, and one observer who must not be able to tell them apart."""

from __future__ import annotations

import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from argon2 import PasswordHasher
from hypothesis import strategies as st
from review_world import SECRET, Browser, World
from sqlalchemy import select

from ledger import Ledger
from ledger.models import Capture
from review import create_app, decide, people
from review.decide import Choice

CASES = 3
OBSERVER = "basile"
OTHERS = ("alix", "dominique", "camille")  # camille settles splits
DECISIONS = (
    Choice("confirm", "refuses_beneficiaries"),
    Choice("dismiss", "legal_notice"),
    Choice("doubt", "legal_question"),
)
SECRET_NOTE = "remarque-secrète-"
ACTS = ("vote", "settle", "undo", "comment", "look", "observe", "observer votes", "staff", "sign in again")
_CHANGING = re.compile(r'name="csrf" value="[0-9a-f]+"|vigie_seance=[\w-]+|\d\d:\d\d:\d\d \(heure de Paris\)')


def story() -> st.SearchStrategy[list[tuple[str, int, int]]]:
    """A list of acts, each with a case and a person's number."""
    act = st.tuples(st.sampled_from(ACTS), st.integers(0, CASES - 1), st.integers(0, len(OTHERS) - 1))
    return st.lists(act, min_size=4, max_size=10)


@cache
def _empty_ledger() -> bytes:
    """A migrated ledger without rows: copying it is faster than migrating for each story."""
    with tempfile.TemporaryDirectory() as folder:
        Ledger.open(Path(folder)).close()
        return (Path(folder) / "ledger.sqlite").read_bytes()


class Desk:
    """One desk and its people; `shift` is 0 where the others agree and 1 where they never do."""

    def __init__(self, home: Path, shift: int) -> None:
        home.mkdir()
        (home / "ledger.sqlite").write_bytes(_empty_ledger())
        self.world, self.shift = World(Ledger.open(home)), shift
        self.cases = [self.world.case() for _ in range(CASES)]
        self.world.reviewers("alix", "dominique", OBSERVER)
        self.world.reviewers("camille", role="adjudicator")
        self.world.reviewers("adele", role="administrator")
        self.app = create_app(self.world.ledger, secret=SECRET, second_factor=False)
        self.observer = Browser(self.app)
        self.observer.sign_in(OBSERVER)
        self.staff = Browser(self.app)
        self.staff.sign_in("adele")
        self.count = 0

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

    def everything(self, voted: set[int]) -> dict[str, Any]:
        """All that the observer can read, by every route, of what they have not decided."""
        blind = [number for number in self.cases if number not in voted]
        paths = [
            "/file",
            "/cas/suivant",
            "/cas/avance",
            "/recherche",
            "/recherche?q=cmu",
            "/recherche.csv",
            "/nouveautes",
        ]
        paths += [
            "/recherche?etat=confirmed",
            "/recherche?formule=refusal",
            "/tableau",
            "/qualite",
            "/journal",
            "/compte",
        ]
        paths += ["/dossiers", "/echantillon", "/personnes"] + [f"/cas/{number}" for number in blind]
        with self.world.ledger.session() as session:
            paths += [f"/captures/{number}" for number in session.scalars(select(Capture.id))]
        seen = {}
        for path in paths:
            answer = self.observer.get(path, follow_redirects=False)
            headers = {name: value for name, value in answer.headers.items() if name not in ("date", "set-cookie")}
            headers.pop("content-length", None)
            seen[path] = (answer.status_code, headers, _CHANGING.sub("", answer.text))
        return seen


class Twins:
    """The two desks, in one throw-away folder."""

    def __enter__(self) -> Twins:
        self.folder = Path(tempfile.mkdtemp())
        self.kept = people._hasher
        people._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        people._decoy.cache_clear()
        self.desks = [Desk(self.folder / str(shift), shift) for shift in (0, 1)]
        self.voted: set[int] = set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for desk in self.desks:
            desk.world.ledger.close()
        people._hasher = self.kept
        people._decoy.cache_clear()
        shutil.rmtree(self.folder)

    def play(self, acts: list[tuple[str, int, int]]) -> None:
        """Carry out each act on both desks; compare what the observer sees whenever they look, and at the end."""
        for act, case, who in acts:
            if act == "observe":
                self.compare()
            elif act == "observer votes":
                self.observer_votes(case)
            else:
                for desk in self.desks:
                    carry_out(desk, act, case, who)
        self.compare()

    def observer_votes(self, case: int) -> None:
        """The observer decides; from then on that case is theirs to know, and is no longer compared."""
        answers = {desk.observer.vote(desk.cases[case], "dismiss").status_code for desk in self.desks}
        assert len(answers) == 1, answers
        self.voted.add(self.desks[0].cases[case])
        if answers == {303}:
            for desk in self.desks:  # what is known of a decided case shows in lists: the story goes on without it
                with desk.world.ledger.session() as session:
                    decide.undo(session, desk.world.people[OBSERVER])
            self.voted.discard(self.desks[0].cases[case])

    def compare(self) -> None:
        first, second = (desk.everything(self.voted) for desk in self.desks)
        for path, answer in first.items():
            assert answer == second[path], path
            assert SECRET_NOTE not in answer[2], path


def carry_out(desk: Desk, act: str, case: int, who: int) -> None:
    """One act of the others; what it changes differs between the desks, what the observer sees must not."""
    if act == "vote":
        desk.other_votes(case, who)
    elif act == "settle":
        desk.world.settle()
    elif act == "undo":
        try:
            with desk.world.ledger.session() as session:
                decide.undo(session, desk.world.people[OTHERS[who]])
        except decide.NothingToUndo:
            pass
    elif act in ("look", "staff"):
        desk.staff.get(f"/cas/{desk.cases[case]}")
    elif act == "comment":
        form = {"text": f"{SECRET_NOTE}{desk.shift}", "csrf": desk.staff.token()}
        desk.staff.post(f"/cas/{desk.cases[case]}/commentaire", data=form)
    elif act == "sign in again":
        desk.observer.sign_in(OBSERVER)
