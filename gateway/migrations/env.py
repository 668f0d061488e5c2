"""Alembic's entry: one connection, one transaction, no autogenerate without the tables we map."""

from alembic import context
from sqlalchemy import create_engine, pool

from gateway import db

target_metadata = db.Base.metadata


def run() -> None:
    """Migrate the database that `sqlalchemy.url` or the settings name."""
    url = context.config.get_main_option("sqlalchemy.url") or db.url()
    engine = create_engine(db.driver(url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
