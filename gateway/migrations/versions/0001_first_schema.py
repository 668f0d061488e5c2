"""The first schema."""

from gateway.migrations.scripts import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything."""
    run(revision)


def downgrade() -> None:
    """Refuse: a ledger is never unmade."""
    raise NotImplementedError("restore a backup instead")
