"""The payer's pages alone, for a server process of the page tests."""

from fastapi import FastAPI

from gateway.checkout.routes import routes
from gateway.web import problems

app = FastAPI()
problems.install(app)
app.include_router(routes)
