"""The merchant's console: what came in and went out, links, refunds, payouts, webhooks."""
