"""`vigie person …`: accounts from the command line, for the first administrator and for the day nobody can sign in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import func, select

from ledger import Ledger
from monitor import console
from monitor.settings import load_settings
from reference.errors import VigieError


class BadMail(VigieError):
    """The digest cannot be sent as asked."""


app = typer.Typer(name="person", help="Accounts of the desk: invite, list, close, change a role.", no_args_is_help=True)

HomeOption = Annotated[Path | None, typer.Option("--home", help="Where evidence and ledger live (VIGIE_HOME).")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
LoginArgument = Annotated[str, typer.Argument(help="The name the person signs in with.")]
RoleOption = Annotated[str, typer.Option(help="reviewer, adjudicator, editor, administrator or auditor.")]
AddressOption = Annotated[str, typer.Option("--address", help="Where the desk is reached.")]
ACTOR = "operator"
LOOPBACK = "http://127.0.0.1:8080"


@app.command()
def invite(
    login: LoginArgument,
    name: Annotated[str, typer.Option("--name", help="The name shown on the desk.")],
    role: RoleOption = "reviewer",
    address: AddressOption = LOOPBACK,
    home: HomeOption = None,
) -> None:
    """Print a link, valid 72 hours and once, by which the person chooses a password and sets up the second factor."""
    from review import invite as accounts

    with _ledger(home).session() as session:
        token = accounts.invite(session, login, name, role, ACTOR)
    console.out.print(_link(address, token), markup=False, highlight=False, soft_wrap=True)


@app.command()
def renew(login: LoginArgument, address: AddressOption = LOOPBACK, home: HomeOption = None) -> None:
    """End a person's sessions and print a link by which they make password and second factor anew."""
    from review import invite as accounts

    with _ledger(home).session() as session:
        token = accounts.renew(session, accounts.by_login(session, login).id, ACTOR)
    console.out.print(_link(address, token), markup=False, highlight=False, soft_wrap=True)


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the accounts: role, second factor, open sessions."""
    from dataclasses import asdict

    from review import invite as accounts

    with _ledger(home).session() as session:
        people = accounts.everyone(session)
    for person in people:
        if json:
            console.say_json(asdict(person))
            continue
        state = "closed" if person.disabled_at else "open"
        factor = "second factor" if person.has_factor else "no second factor"
        line = f"{person.login:20} {person.role:14} {state:7} {factor:17} {person.sessions} sessions"
        console.out.print(f"{line}  {person.display_name}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def role(
    login: LoginArgument, role: Annotated[str, typer.Argument(help="The new role.")], home: HomeOption = None
) -> None:
    """Give a person another role; their sessions end."""
    from review import invite as accounts

    with _ledger(home).session() as session:
        accounts.change_role(session, accounts.by_login(session, login).id, role, ACTOR)
    console.out.print(f"{login}: {role}", markup=False, highlight=False)


@app.command()
def close(login: LoginArgument, home: HomeOption = None) -> None:
    """Close an account at once: sessions and seats end, what the person decided stands."""
    from review import invite as accounts

    with _ledger(home).session() as session:
        accounts.disable(session, accounts.by_login(session, login).id, ACTOR)
    console.out.print(f"{login}: closed", markup=False, highlight=False)


@app.command()
def reopen(login: LoginArgument, home: HomeOption = None) -> None:
    """Open a closed account again."""
    from review import invite as accounts

    with _ledger(home).session() as session:
        accounts.enable(session, accounts.by_login(session, login).id, ACTOR)
    console.out.print(f"{login}: open", markup=False, highlight=False)


@app.command()
def digest(
    login: LoginArgument,
    to: Annotated[str, typer.Option("--to", help="The person’s e-mail address; it is not kept.")] = "",
    send: Annotated[bool, typer.Option("--send", help="Send it over the mail server of the alerts.")] = False,
    address: AddressOption = LOOPBACK,
    home: HomeOption = None,
) -> None:
    """Tell a person what is new: the text alone, with --to the whole e-mail (text and HTML), with --send sent."""
    from datetime import UTC, datetime

    from ledger.desk import Assignment
    from monitor.alerts import deliver
    from review import inbox
    from review import invite as accounts
    from review.standing import is_live

    settings = load_settings(home=home)
    if send and not to:
        raise BadMail("--send needs --to: where the e-mail goes")
    with Ledger.open(settings.home, settings.database_url).session() as session:
        person = accounts.by_login(session, login)
        kept = select(func.count()).where(Assignment.reviewer_id == person.id, is_live(datetime.now(UTC)))
        told = inbox.news(session, person.id, person.role)
        made = inbox.digest(told, person.display_name, session.scalar(kept) or 0, address)
    if not to:
        sys.stdout.write(made.text)
        return
    try:
        mail = made.message(settings.alerts.mail_from, to)
    except ValueError as error:
        raise BadMail(f"--to: {error}") from error
    if send:
        deliver(settings.alerts, mail)
        console.out.print(f"{login}: sent", markup=False, highlight=False)
    else:
        sys.stdout.write(mail.as_string())


@app.command("end-sessions")
def end_sessions(login: LoginArgument, home: HomeOption = None) -> None:
    """End all sessions of a person."""
    from ledger import events
    from review import gate
    from review import invite as accounts

    with _ledger(home).session() as session:
        person = accounts.by_login(session, login)
        ended = gate.end_sessions(session, person.id)
        events.record(session, "session.ended", "reviewer", person.id, ACTOR, sessions=ended)
    console.out.print(f"{login}: {ended} sessions ended", markup=False, highlight=False)


def _ledger(home: Path | None) -> Ledger:
    settings = load_settings(home=home)
    return Ledger.open(settings.home, settings.database_url)


def _link(address: str, token: str) -> str:
    return f"{address.rstrip('/')}/invitation/{token}"
