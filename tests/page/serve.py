"""The payer's and the operators' pages alone, for a server process of the page tests."""

from fastapi import FastAPI

from gateway.checkout.routes import routes
from gateway.console.routes import routes as console
from gateway.web import problems

app = FastAPI()
problems.install(app)
app.include_router(routes)
app.include_router(console)
