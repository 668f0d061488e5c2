"""The pages alone, of payers, operators and merchants, for a server process of the page tests."""

from fastapi import FastAPI

from gateway.checkout.routes import routes
from gateway.console.routes import routes as console
from gateway.sandbox.page import routes as sandbox
from gateway.shop.routes import routes as shop
from gateway.web import problems

app = FastAPI()
problems.install(app)
app.include_router(routes)
app.include_router(console)
app.include_router(shop)
app.include_router(sandbox)
