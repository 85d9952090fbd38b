"""`vigie demo`: the whole path on the practice platform, in an ordinary home that every other command can open.

It measures itself against what the platform knows it planted, and says what was missed as plainly as what was found.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crawler.browser import ChromiumMissing
from crawler.run import CrawlReport, CrawlSpec, Progress, crawl
from crawler.sandbox import PlantedPassage, Sandbox, SandboxServer
from crawler.settings import SOFTWARE
from detection import load_reader
from ledger import Ledger
from ledger.cases import CaseStatus, passages_of, statuses
from ledger.identities import confirm_identity
from ledger.models import Case, Event, Finding, Identification, Listing, Passage, Reviewer
from ledger.sealing.files import write_files
from ledger.sealing.openssl import OpensslMissing
from ledger.sealing.seals import make_seals
from ledger.sealing.stamping import stamp_due
from ledger.sealing.tokens import Authority
from monitor import console, jobs
from monitor.authorities import over_http
from monitor.clean_captures import Ways, second_due, visit_cases
from monitor.demo_register import load_demo_register
from monitor.local_authority import AuthorityServer, LocalAuthority
from monitor.naming import lookup_of
from monitor.settings import Settings, desk_secret
from reference.errors import VigieError
from reports import DossierRefused, write_dossier
from review.decide import cast
from review.people import add_reviewer

PLATFORMS = ("doctolib", "practice_site")
FLAGGED = ("refusal", "restriction", "deterrence")
CLEAR = "refusal"  # scripted reviewers decide plain refusals, and leave restrictions and obstacles to the visitor
SCRIPTED = ("camille", "sacha")
AUTHORITIES = ("practice-a", "practice-b")
STAMP_SECONDS = 15.0
VISITS = 3  # pages visited in a browser: each takes a few seconds
DELAY = 0.0  # seconds between requests to our own loopback platform


class DemoHomeTaken(VigieError):
    """The home already holds a ledger that the demo must not mix with."""


@dataclass(frozen=True)
class Score:
    """Planted wording against flagged passages: what was found, missed, and flagged without cause."""

    planted: int
    found: int
    missed: int
    false_alarms: int
    unreached: int  # planted where no page was served as one (blocked, login, error): nobody could have read it
    missed_examples: tuple[str, ...] = ()
    false_alarm_examples: tuple[str, ...] = ()


@dataclass
class DemoReport:
    """Every figure and path of a demo run."""

    home: Path
    listings_served: int
    seed: int
    captures: Counter[str] = field(default_factory=Counter)
    listings: int = 0
    passages: int = 0
    score: Score = Score(0, 0, 0, 0, 0)
    cases: Counter[str] = field(default_factory=Counter)
    register_people: int = 0
    identified: int = 0
    dossier: Path | None = None
    dossier_zip: Path | None = None
    dossier_pdf: Path | None = None
    dossiers_refused: list[str] = field(default_factory=list)
    seals: str = "absent"
    clean_captures: str = "absent"
    seconds: float = 0.0
    people: list[tuple[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report as one object for machines."""
        return {
            "home": str(self.home),
            "seed": self.seed,
            "listings_served": self.listings_served,
            "pages_seen": sum(self.captures.values()),
            "captures": dict(sorted(self.captures.items())),
            "blocked": self.blocked,
            "listings": self.listings,
            "passages": self.passages,
            **asdict(self.score),
            "cases": dict(sorted(self.cases.items())),
            "register_people": self.register_people,
            "identified": self.identified,
            "seals": self.seals,
            "clean_captures": self.clean_captures,
            "dossier": str(self.dossier) if self.dossier else None,
            "dossier_zip": str(self.dossier_zip) if self.dossier_zip else None,
            "dossier_pdf": str(self.dossier_pdf) if self.dossier_pdf else None,
            "dossiers_refused": self.dossiers_refused,
            "seconds": round(self.seconds, 1),
        }

    @property
    def blocked(self) -> int:
        """Pages that were a wall of some kind instead of a listing."""
        return sum(self.captures[kind] for kind in ("blocked", "login", "consent", "rate_limited"))

    def print(self) -> None:
        """The table a newcomer reads."""
        score = self.score
        rows = [
            ("Pages seen", str(sum(self.captures.values()))),
            ("  by outcome", ", ".join(f"{kind} {count}" for kind, count in sorted(self.captures.items()))),
            ("Blocked", str(self.blocked)),
            ("Listings", str(self.listings)),
            ("Passages", str(self.passages)),
            ("Planted wording found", f"{score.found} of {score.planted}"),
            ("Planted wording missed", str(score.missed)),
            ("  behind a wall or an error", str(score.unreached)),
            ("False alarms", str(score.false_alarms)),
            ("Cases", ", ".join(f"{kind} {count}" for kind, count in sorted(self.cases.items()))),
            ("Listings linked to the register", str(self.identified)),
            ("Seals", self.seals),
            ("Browser captures", self.clean_captures),
            ("Dossier", str(self.dossier or "none")),
            ("Time", f"{self.seconds:.0f} s"),
        ]
        console.table(f"Vigie demo in {self.home}", rows)


def _advance(advance: Callable[[int, int | None], None], step: Progress) -> None:
    advance(step.captures, None)


def _crawl_all(settings: Settings, server: SandboxServer, quiet: bool) -> list[CrawlReport]:
    """Crawl both shapes of the practice platform over HTTP, as `vigie crawl` would."""
    reports = []
    for platform in PLATFORMS:
        spec = CrawlSpec(
            home=settings.home,
            database_url=settings.database_url,
            platform=platform,
            start_urls=tuple(server.start_urls(platform)),
            limit=None,
            allow_hosts=(server.host,),
            delay_seconds=DELAY,
            contact=settings.contact,
        )
        with console.progress(f"crawl {platform}", quiet) as advance:
            reports.append(crawl(spec, partial(_advance, advance)))
    return reports


def score(ledger: Ledger, version: str, truth: Sequence[PlantedPassage]) -> Score:
    """Compare the flagged passages with what was planted, listing by listing, on the wording itself."""
    by_key: dict[str, list[tuple[str, bool, str]]] = defaultdict(list)
    with ledger.session() as session:
        query = (
            select(Listing.key, Passage.text, Finding.flagged, Finding.trigger)
            .join(Passage, Passage.listing_id == Listing.id)
            .join(Finding, Finding.passage_id == Passage.id)
            .where(Finding.version == version)
        )
        for key, text, flagged, trigger in session.execute(query):
            by_key[key.split("/", 1)[-1] if "/sites/" in key else key].append((text, flagged, trigger))
    found = missed = unreached = planted_total = 0
    missed_texts: list[str] = []
    guilty: dict[str, list[str]] = defaultdict(list)
    for planted in truth:
        if planted.stance not in FLAGGED:
            continue
        planted_total += 1
        guilty[planted.listing_key].append(" ".join(planted.text.split()))
        holding = [
            flagged
            for text, flagged, _ in by_key.get(planted.listing_key, [])
            if " ".join(planted.text.split()) in " ".join(text.split())
        ]
        if not holding:
            unreached += 1
        elif any(holding):
            found += 1
        else:
            missed += 1
            missed_texts.append(f"{planted.stance}: {planted.text}")
    false_texts = [
        f"{trigger} ← {text}"
        for key, passages in by_key.items()
        for text, flagged, trigger in passages
        if flagged and not any(wording in " ".join(text.split()) for wording in guilty.get(key, []))
    ]
    unique_false = list(dict.fromkeys(false_texts))
    return Score(
        planted_total, found, missed, len(unique_false), unreached, tuple(missed_texts[:20]), tuple(unique_false[:20])
    )


def _people(ledger: Ledger) -> list[tuple[str, str]]:
    """Two scripted reviewers and one seat for the visitor, with passwords made for this home alone."""
    people = []
    with ledger.session() as session:
        for login, name in (
            ("camille", "Camille (démonstration)"),
            ("sacha", "Sacha (démonstration)"),
            ("vous", "Vous"),
        ):
            password = "demo-" + secrets.token_urlsafe(12)
            add_reviewer(session, login, name, password, "reviewer")
            people.append((login, password))
    return people


def _decide(ledger: Ledger, version: str) -> None:
    """Two scripted reviewers vote on the clear cases; the doubtful ones stay in the queue for people."""
    with ledger.session() as session:
        voters = list(session.scalars(select(Reviewer).where(Reviewer.login.in_(SCRIPTED))))
        for case in session.scalars(select(Case).order_by(Case.id)):
            passage = passages_of(session, case)[0]
            finding = session.scalars(
                select(Finding).where(Finding.passage_id == passage.id, Finding.version == version)
            ).one()
            if finding.stance != CLEAR:
                continue
            for voter in voters:
                cast(
                    session,
                    case.id,
                    voter.id,
                    "confirm",
                    "refuses_beneficiaries",
                    finding.stance,
                    "Décision scriptée de la démonstration.",
                )


def _confirm_identities(ledger: Ledger) -> None:
    """The same two reviewers confirm, each before the desk's own screen, the person that the register was linked to."""
    look_up = lookup_of(ledger.home)
    with ledger.session() as session:
        voters = session.scalars(select(Reviewer.id).where(Reviewer.login.in_(SCRIPTED)).order_by(Reviewer.id)).all()
        newest = select(func.max(Identification.id)).group_by(Identification.listing_id)
        linked = select(Identification.listing_id, Identification.rpps).where(
            Identification.id.in_(newest), Identification.status == "linked"
        )
        known = {row.listing_id: row.rpps for row in session.execute(linked)}
        for case in _confirmed(session):
            screen = look_up(session, case.listing_id)
            rpps = known.get(case.listing_id, "")
            if screen is None or rpps not in {one.rpps for one in screen.candidates if one.rpps}:
                continue
            day, kept = screen.registry_date, screen.as_json()
            for voter in voters:
                confirm_identity(session, case.id, voter, rpps=rpps, registry_date=day, screen=kept)


def _write_first_dossier(ledger: Ledger, report: DemoReport, out: Path) -> None:
    """Write the dossier of the first confirmed case that can leave; keep the reasons of those that cannot."""
    with ledger.session() as session:
        ordered = _confirmed(session)
    for allow_incomplete in (False, True):  # until its second visit, a case of the demo is « à compléter »
        if _write_one(ledger, report, out, ordered[:10], allow_incomplete=allow_incomplete):
            return


def _confirmed(session: Session) -> list[Case]:
    """The confirmed cases, those of identified people first."""
    state = statuses(session)
    known = set(session.scalars(select(Identification.listing_id).where(Identification.status == "linked").distinct()))
    confirmed = [
        case for case in session.scalars(select(Case).order_by(Case.id)) if state[case.id] is CaseStatus.CONFIRMED
    ]
    return sorted(confirmed, key=lambda case: (case.listing_id not in known, case.id))


def _write_one(ledger: Ledger, report: DemoReport, out: Path, cases: Sequence[Case], *, allow_incomplete: bool) -> bool:
    """Write the dossier of the first of these cases that can be written; True when one was."""
    for case in cases:
        try:
            written = write_dossier(ledger, case.id, out, allow_incomplete=allow_incomplete, actor="demo")
        except DossierRefused as error:
            report.dossiers_refused.append(str(error))
            continue
        report.dossier, report.dossier_zip, report.dossier_pdf = written.path, written.zip_path, written.pdf_path
        return True
    return False


def _seal(ledger: Ledger) -> str:
    """Seal the runs and have two practice authorities stamp them; without openssl the recorded state is « absent »."""
    make_seals(ledger, SOFTWARE)
    with ExitStack() as stack:
        authorities: list[Authority] = []
        try:
            for name in AUTHORITIES:
                folder = Path(stack.enter_context(TemporaryDirectory()))
                local = LocalAuthority(folder, name)
                server = AuthorityServer(name, local.certificates, local.answer)
                authorities.append(stack.enter_context(server).authority)
        except OpensslMissing:
            authorities.clear()
        stamp_due(ledger, authorities, over_http(STAMP_SECONDS), wanted=len(AUTHORITIES))
    write_files(ledger)
    with ledger.session() as session:
        states = set(session.scalars(select(Event.kind).where(Event.kind.startswith("seal_"))))
    return "absent" if "seal_absent" in states else "present" if "seal_present" in states else "pending"


def _visit(ledger: Ledger, settings: Settings, host: str, quiet: bool) -> str:
    """Visit the first pages of confirmed cases in a clean browser; what became of it in words. No clock is asked."""
    with ledger.session() as session:
        ordered = [case.id for case in _confirmed(session)][:VISITS]
    ways = Ways(settings.contact, (host,), DELAY)
    try:
        with console.progress("visit", quiet) as advance:
            done = visit_cases(ledger, ways, ordered, actor="demo", on_visit=lambda kept: advance(kept.id, None)).visits
    except ChromiumMissing as missing:
        return f"absent: {missing}"
    if not done:
        return "absent: no case was confirmed"
    seconds = [at for case in ordered if (at := second_due(ledger, case)) is not None]
    told = f"{len(done)} page{'s' if len(done) > 1 else ''} visited once"
    return f"{told}; the second visits are due from {min(seconds):%Y-%m-%d %H:%M} UTC on" if seconds else told


def free_home(wanted: Path) -> Path:
    """`wanted`, or the first of `wanted-2`, `wanted-3`… without a ledger: a demo never mixes with an earlier one."""
    home, number = wanted, 1
    while (home / "ledger.sqlite").exists():
        number += 1
        home = wanted.with_name(f"{wanted.name}-{number}")
    return home


def run_demo(settings: Settings, *, listings: int, seed: int, quiet: bool) -> DemoReport:
    """Serve, crawl, read, decide, write. Raises `DemoHomeTaken` when the home holds a ledger already."""
    if (settings.home / "ledger.sqlite").exists():
        raise DemoHomeTaken(f"{settings.home} holds a ledger already: name another with --home, or remove it")
    began = time.monotonic()
    report = DemoReport(home=settings.home, listings_served=listings, seed=seed)
    ledger = Ledger.open(settings.home, settings.database_url)
    sandbox = Sandbox(seed=seed, listings=listings)
    with SandboxServer(sandbox) as server:
        for one in _crawl_all(settings, server, quiet):
            report.captures.update(one.captures)
            report.passages += one.passages
            report.listings += one.listings
        report.register_people = load_demo_register(settings.home, sandbox)
        reader = load_reader()
        with console.progress("read", quiet) as advance:
            jobs.detect(ledger, reader, advance)
        report.score = score(ledger, reader.version, list(sandbox.truth()))
        report.people = _people(ledger)
        _decide(ledger, reader.version)
        _confirm_identities(ledger)
        report.clean_captures = _visit(ledger, settings, server.host, quiet)
    report.seals = _seal(ledger)
    _write_first_dossier(ledger, report, settings.home / "dossiers")
    with ledger.session() as session:
        report.cases = Counter(str(status) for status in statuses(session).values())
        report.identified = len(
            list(session.scalars(select(Identification.id).where(Identification.status == "linked")))
        )
    report.seconds = time.monotonic() - began
    ledger.close()
    return report


def serve_demo(settings: Settings, report: DemoReport, port: int) -> None:
    """Serve the desk and say how to sign in."""
    from monitor.desk import serve_desk

    visitor = next((person for person in report.people if person[0] == "vous"), None)
    if visitor:
        console.out.print(f"Sign in as {visitor[0]} with the password {visitor[1]}", markup=False, highlight=False)
    ledger = Ledger.open(settings.home, settings.database_url)
    serve_desk(ledger, desk_secret(settings.home), port, "Démonstration : praticiens inventés.")
