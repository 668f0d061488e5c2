"""The merchant's console over HTTP. It needs no script; a change is a form of a session."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from gateway.console import sessions
from gateway.errors import BadRequest, GatewayError, NotFound, Unauthorized
from gateway.settlement.routes import settlement_report
from gateway.shop import export, once, pages, show
from gateway.shop.actions import ACTIONS
from gateway.shop.forms import FORMS
from gateway.shop.listings import LISTINGS, TABS
from gateway.shop.questions import Form, Sent, Typed
from gateway.shop.visit import SEE_OTHER, Acting, Cookies, Fields, Language, Visit, Visiting
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

HOME = "/shop"
CSV = "text/csv; charset=utf-8"

routes = router(HOME, "shop")


@routes.get("", include_in_schema=False)
def home(request: Request, session: Tx, words: Language, cookie: Cookies = None) -> Response:
    """Show the first list the key may read, or the form to sign in."""
    merchant = sessions.merchant_of(session, cookie)
    if merchant is None:
        return pages.html(request, "sign_in.html", words, title=words.plain("title"), problem=None)
    visit = Visit(request, session, merchant, words)
    first = next((name for name in TABS if visit.may(LISTINGS[name].scope)), TABS[0])
    return show.guarded(visit, lambda: show.listing_page(visit, first))


@routes.get("/static/{name}", include_in_schema=False)
def static(name: Text) -> Response:
    """Serve the console's own style and script."""
    found = pages.static_file(name)
    if found is None:
        raise NotFound("no such file")
    return found


@routes.post("/sign-in", include_in_schema=False)
def sign_in(
    request: Request, session: Tx, words: Language, fields: Fields, site: sessions.Site = None
) -> Response:
    """Begin a session with a merchant's key."""
    sessions.check_site(site)
    try:
        cookie = sessions.sign_in_merchant(session, fields.get("key", ""))
    except Unauthorized:
        title = words.plain("title")
        return pages.html(
            request, "sign_in.html", words, status=401, title=title, problem="wrong_key"
        )
    answer = see(HOME)
    pages.keep(answer, pages.COOKIE, cookie, int(sessions.LENGTH.total_seconds()))
    return answer


@routes.post("/sign-out", include_in_schema=False)
def sign_out(visit: Acting, cookie: Cookies = None) -> Response:
    """End the session."""
    sessions.sign_out(visit.session, cookie or "")
    answer = see(HOME)
    answer.delete_cookie(pages.COOKIE, path=HOME)
    return answer


@routes.get("/report.csv", include_in_schema=False)
def report(request: Request, visit: Visiting) -> Response:
    """Give the settlement report of the days chosen: a row for each movement of money."""

    def make() -> Response:
        visit.need("reports:read")
        asked = show.where(LISTINGS["settlement"], request)
        found: Response = settlement_report(
            visit.session,
            visit.principal,
            since=asked.created_from.isoformat() if asked.created_from else None,
            until=asked.created_to.isoformat() if asked.created_to else None,
            format="csv",
        )
        return found

    return show.guarded(visit, make)


@routes.get("/webhooks/{endpoint}/deliveries.csv", include_in_schema=False)
def deliveries_csv(endpoint: Text, visit: Visiting) -> Response:
    """Give every delivery of an endpoint as CSV."""
    return show.guarded(visit, lambda: csv_of(visit, "deliveries", endpoint=endpoint))


@routes.get("/{name}.csv", include_in_schema=False)
def list_csv(name: Text, visit: Visiting) -> Response:
    """Give a whole list as CSV, filtered as the page is."""
    return show.guarded(visit, lambda: csv_of(visit, name))


def csv_of(visit: Visit, name: str, **fixed: str) -> Response:
    """Return a list as a file."""
    if name not in LISTINGS or (name == "deliveries" and not fixed):
        raise NotFound("no such list")
    listing = LISTINGS[name]
    visit.need(listing.scope)
    chosen = show.filters(listing, visit.request, **fixed)
    found = export.rows(visit, listing, show.where(listing, visit.request), chosen)
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    body = export.as_csv(listing, found)
    return Response(body, media_type=CSV, headers={**pages.HEADERS, **disposition})


@routes.get("/new/{form}", include_in_schema=False)
def form_page(form: Text, visit: Visiting, of: Text = "") -> Response:
    """Show a form."""
    return show.guarded(visit, lambda: show.form_page(visit, form_of(form), of))


@routes.post("/new/{form}", include_in_schema=False)
def send_form(form: Text, visit: Acting, fields: Fields, of: Text = "") -> Response:
    """Do what a form asks for, once."""
    return show.guarded(visit, lambda: sent(visit, form_of(form), of, fields))


def form_of(name: str) -> Form:
    """Return a form; raises NotFound."""
    if name not in FORMS:
        raise NotFound("no such form")
    return FORMS[name]


def sent(visit: Visit, form: Form, of: str, typed: Typed) -> Response:
    """Send a form, or show it again with what was wrong; nothing of a refused one is kept."""
    visit.need(form.scope)
    try:
        before = once.claim(visit, f"{form.name} {of}", typed)
        made = Sent(before) if before is not None else form.send(visit, of, typed)
        if before is None:
            once.done(visit, typed, made.see)
    except ValidationError as error:
        visit.session.rollback()
        wrong = frozenset(str(part["loc"][0]) for part in error.errors() if part["loc"])
        return show.form_page(visit, form, of, typed, wrong=wrong)
    except GatewayError as refusal:
        visit.session.rollback()
        wrong = frozenset({refusal.field} if refusal.field else ())
        return show.form_page(visit, form, of, typed, refusal, wrong)
    return went(visit, made)


def went(visit: Visit, made: Sent) -> Response:
    """Show what is shown this once, else the page that a change leads to."""
    if not made.secret:
        return see(made.see)
    return show.page(visit, "secret.html", f"{made.kind}_head", made=made)


@routes.post("/do/{action}/{of}", include_in_schema=False)
def act(action: Text, of: Text, visit: Acting, fields: Fields) -> Response:
    """Do what one button asks for, once."""

    def make() -> Response:
        if action not in ACTIONS:
            raise NotFound("no such action")
        visit.need(ACTIONS[action].scope)
        try:
            before = once.claim(visit, f"{action} {of}", fields)
            made = Sent(before) if before is not None else ACTIONS[action].act(visit, of)
            if before is None:
                once.done(visit, fields, made.see)
        except (NotFound, BadRequest):
            raise
        except GatewayError as refusal:
            visit.session.rollback()
            return refused(visit, refusal)
        return went(visit, made)

    return show.guarded(visit, make)


def refused(visit: Visit, refusal: GatewayError) -> Response:
    """Say why a button did nothing."""
    key = f"error_{refusal.code}"
    told = visit.words(key) if key in visit.words.texts else None
    return show.page(
        visit,
        "notice.html",
        "refused_head",
        status=refusal.status,
        kind="refused",
        problem=refusal,
        told=told,
    )


@routes.get("/invoices/{invoice}", include_in_schema=False)
def invoice_page(invoice: Text, visit: Visiting) -> Response:
    """Show an invoice."""
    return show.guarded(visit, lambda: show.invoice_page(visit, invoice))


@routes.get("/webhooks/{endpoint}", include_in_schema=False)
def endpoint_page(endpoint: Text, visit: Visiting) -> Response:
    """Show a webhook endpoint."""
    return show.guarded(visit, lambda: show.endpoint_page(visit, endpoint))


@routes.get("/deliveries/{delivery}", include_in_schema=False)
def delivery_page(delivery: Text, visit: Visiting) -> Response:
    """Show a delivery with every attempt."""
    return show.guarded(visit, lambda: show.delivery_page(visit, delivery))


@routes.get("/{name}", include_in_schema=False)
def listing_page(name: Text, visit: Visiting) -> Response:
    """Show a list."""
    return show.guarded(visit, lambda: show.listing_page(visit, name))


def see(path: str) -> RedirectResponse:
    """Send the browser to a page of the console."""
    return RedirectResponse(path, SEE_OTHER, headers=pages.HEADERS)
