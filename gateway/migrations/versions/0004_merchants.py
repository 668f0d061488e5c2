"""Merchants' terms, links, rates, refunds, webhooks' health and payouts."""

from gateway.migrations.scripts import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add what a shop needs around an invoice."""
    run(revision)


def downgrade() -> None:
    """Refuse: a ledger is never unmade."""
    raise NotImplementedError("restore a backup instead")
