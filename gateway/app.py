"""The API's composition root: routers, refusals, request ids, health and metrics."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gateway import db
from gateway.accounts.routes import routes as accounts
from gateway.addresses.routes import routes as addresses
from gateway.book.routes import routes as book
from gateway.chain.routes import routes as chains
from gateway.checkout.routes import routes as checkout
from gateway.console.routes import routes as console
from gateway.deposits.routes import routes as deposits
from gateway.holds.routes import routes as holds
from gateway.inbox.routes import routes as inbox
from gateway.invoices.routes import routes as invoices
from gateway.links.routes import routes as links
from gateway.logs import configure_logs
from gateway.pauses.routes import routes as pauses
from gateway.payouts.routes import routes as payouts
from gateway.policy.routes import routes as policy
from gateway.prices.routes import routes as prices
from gateway.refunds.routes import routes as refunds
from gateway.sandbox.page import routes as sandbox_page
from gateway.sandbox.routes import routes as sandbox
from gateway.sending.routes import routes as transactions
from gateway.settlement.routes import routes as settlement
from gateway.shop.routes import routes as shop
from gateway.transfers.routes import routes as transfers
from gateway.treasury.routes import routes as treasury
from gateway.web import health, problems
from gateway.web.document import Gateway
from gateway.web.middleware import RequestIds
from gateway.webhooks.routes import routes as webhooks
from gateway.withdrawals.routes import routes as withdrawals

VERSION = "1"
GARBAGE_MAX = 10_000
"""Objects made before the collector looks for dead rings among them."""
# Looked through in this order: what is asked most comes first.
ROUTERS = (
    invoices,
    transfers,
    checkout,
    accounts,
    addresses,
    book,
    chains,
    deposits,
    inbox,
    withdrawals,
    payouts,
    transactions,
    policy,
    pauses,
    holds,
    prices,
    links,
    refunds,
    webhooks,
    settlement,
    treasury,
    console,
    shop,
    sandbox,
    sandbox_page,
    health.routes,
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the pool when the server ends."""
    yield
    db.close_engine()


def create_app() -> FastAPI:
    """Put the rooms together."""
    configure_logs()
    app = Gateway(
        title="Mizan",
        version=VERSION,
        summary="Deposits, transfers, payment links and withdrawals on EVM chains, on one ledger.",
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from a third party
        redoc_url=None,
    )
    problems.install(app)
    app.add_middleware(RequestIds)
    for routes in ROUTERS:
        app.include_router(routes)
    return app


app = create_app()
# The collector would look through all that was imported again and again: a tenth of a request.
gc.collect()
gc.freeze()
gc.set_threshold(GARBAGE_MAX, 20, 20)
