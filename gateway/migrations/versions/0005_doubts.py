"""What a watcher no longer trusts, and wishes of payers that came twice."""

from gateway.migrations.scripts import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add what the second reading of watcher and merchants found missing."""
    run(revision)


def downgrade() -> None:
    """Refuse: a ledger is never unmade."""
    raise NotImplementedError("restore a backup instead")
