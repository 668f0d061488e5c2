"""The database's history. Tables are written in SQL, one file per noun, under `sql/`."""

from importlib.resources import files

from alembic import command
from alembic.config import Config


def migrate(url: str, to: str = "head") -> None:
    """Bring the database at `url` to a version, the newest; safe to run at every start."""
    config = Config()
    config.set_main_option("script_location", str(files("gateway") / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, to)
