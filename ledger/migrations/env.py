"""Alembic's entry: it runs the migrations on the engine the ledger hands over, and on nothing else."""

from alembic import context

from ledger.models import Base

engine = context.config.attributes["engine"]

with engine.begin() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    context.run_migrations()
