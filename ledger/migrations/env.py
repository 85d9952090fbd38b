"""Alembic's entry: it runs the migrations on the engine the ledger hands over, and on nothing else."""

from alembic import context

from ledger.models import Base

MIGRATION_LOCK = 0x76696769  # « vigi »: any number nobody else uses on this database

engine = context.config.attributes["engine"]

with engine.begin() as connection:
    # Whoever comes second waits here, then finds the tables made.
    sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=sqlite, transactional_ddl=True
    )
    context.run_migrations()
