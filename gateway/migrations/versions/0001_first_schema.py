"""The first schema: every file under sql/, in order."""

from importlib.resources import files

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything; exec_driver_sql, because plpgsql is full of colons and percent signs."""
    connection = op.get_bind()
    folder = files("gateway.migrations") / "sql"
    for script in sorted(folder.iterdir(), key=lambda file: file.name):
        cursor = connection.connection.cursor()
        cursor.execute(script.read_text().encode())


def downgrade() -> None:
    """Refuse: a ledger is never unmade."""
    raise NotImplementedError("restore a backup instead")
