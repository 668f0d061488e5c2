"""Signers' limits, cancels, policy with limits, lists and pauses."""

from gateway.migrations.scripts import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what lets money leave only where it may go."""
    run(revision)


def downgrade() -> None:
    """Refuse: a ledger is never unmade."""
    raise NotImplementedError("restore a backup instead")
