"""Finality by amount, native drivers, the inbox, sweeps by economics."""

from gateway.migrations.scripts import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what the watcher needs to see everything."""
    run(revision)


def downgrade() -> None:
    """Refuse: a ledger is never unmade."""
    raise NotImplementedError("restore a backup instead")
