"""The operators' page over HTTP. It needs no script; a change is a form of a signed-in session."""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Cookie, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from gateway.checkout.words import choose
from gateway.console import pages, sessions, view
from gateway.console.sessions import COOKIE, LENGTH, Operator
from gateway.decisions.service import approve, reject
from gateway.errors import BadRequest, GatewayError, Unauthorized
from gateway.holds import service as holds
from gateway.pauses import service as pauses
from gateway.settings import settings
from gateway.web.problems import router
from gateway.web.requests import Tx
from gateway.web.shapes import Text

SEE_OTHER = 303
FIELDS_MAX = 10

routes = router("/console", "console")
Signed = Annotated[str | None, Cookie(alias=COOKIE)]


async def fields_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; the last of each name counts. Raises BadRequest."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        found = parse_qs(body, max_num_fields=FIELDS_MAX, keep_blank_values=True)
    except ValueError as error:
        raise BadRequest("the form has too many fields") from error
    return {name: values[-1].replace("\x00", "") for name, values in found.items()}


Fields = Annotated[dict[str, str], Depends(fields_of)]


async def language(
    request: Request, lang: Annotated[Text | None, Query(max_length=20)] = None
) -> str:
    """Return the operator's language."""
    return choose(lang, request.headers.get("accept-language", "")).language


Language = Annotated[str, Depends(language)]


async def signed_in(session: Tx, fields: Fields, cookie: Signed = None) -> Operator:
    """Return who sends a form; raises Unauthorized, Forbidden."""
    operator = sessions.operator_of(session, cookie)
    if operator is None:
        raise Unauthorized("sign in first")
    sessions.check_form(operator, fields.get("form", ""))
    return operator


Writer = Annotated[Operator, Depends(signed_in)]


@routes.get("", include_in_schema=False)
def console(request: Request, session: Tx, chosen: Language, cookie: Signed = None) -> Response:
    """Show what waits for a person, or the form to sign in."""
    operator = sessions.operator_of(session, cookie)
    if operator is None:
        return pages.html(request, "sign_in.html", chosen, problem=None)
    return shown(request, session, chosen, operator)


def shown(
    request: Request, session: Tx, chosen: str, operator: Operator, problem: str | None = None
) -> Response:
    """Render the page, with what could not be done."""
    return pages.html(
        request,
        "console.html",
        chosen,
        status=200 if problem is None else 409,
        operator=operator,
        holds=view.open_holds(session, operator.key_id),
        pauses=view.active_pauses(session),
        problem=problem,
    )


@routes.get("/console.css", include_in_schema=False)
def style() -> Response:
    """Serve the page's own style."""
    return pages.style()


@routes.post("/sign-in", include_in_schema=False)
def sign_in(
    request: Request, session: Tx, chosen: Language, fields: Fields, site: sessions.Site = None
) -> Response:
    """Begin a session with an operator's key."""
    sessions.check_site(site)
    try:
        cookie = sessions.sign_in(session, fields.get("key", "").strip())
    except Unauthorized:
        return pages.html(request, "sign_in.html", chosen, status=401, problem="wrong_key")
    answer = back(request)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(LENGTH.total_seconds()),
        path="/console",
        httponly=True,
        samesite="strict",
        secure=settings().base_url.startswith("https://"),
    )
    return answer


@routes.post("/sign-out", include_in_schema=False)
def sign_out(request: Request, session: Tx, _: Writer, cookie: Signed = None) -> Response:
    """End the session."""
    sessions.sign_out(session, cookie or "")
    answer = back(request)
    answer.delete_cookie(COOKIE, path="/console")
    return answer


@routes.post("/holds/{hold}/{decision}", include_in_schema=False)
def decide(
    request: Request,
    hold: Text,
    decision: Text,
    session: Tx,
    operator: Writer,
    chosen: Language,
    fields: Fields,
) -> Response:
    """Take, approve or reject what is held."""
    note = fields.get("note", "").strip()[:500] or None
    try:
        if decision == "take":
            holds.take(session, hold, by=operator.key_id)
        elif decision == "approve":
            approve(session, hold, by=operator.key_id, note=note)
        elif decision == "reject":
            reject(session, hold, by=operator.key_id, note=note)
        else:
            raise BadRequest("a hold is taken, approved or rejected")
    except GatewayError as error:
        return refused(request, session, chosen, operator, error)
    return back(request)


@routes.post("/pauses", include_in_schema=False)
def stop(
    request: Request, session: Tx, operator: Writer, chosen: Language, fields: Fields
) -> Response:
    """Stop everything that leaves."""
    try:
        pauses.place(
            session,
            scope=pauses.ALL,
            subject="",
            side=None,
            reason=fields.get("reason", "").strip()[:500] or "console",
            by=operator.key_id,
        )
    except GatewayError as error:
        return refused(request, session, chosen, operator, error)
    return back(request)


@routes.post("/pauses/{pause}/lift", include_in_schema=False)
def lift(
    request: Request, pause: Text, session: Tx, operator: Writer, chosen: Language
) -> Response:
    """Let it move again."""
    try:
        pauses.lift(session, pause, by=operator.key_id)
    except GatewayError as error:
        return refused(request, session, chosen, operator, error)
    return back(request)


def refused(
    request: Request, session: Tx, chosen: str, operator: Operator, error: GatewayError
) -> Response:
    """Show the page with what could not be done; nothing of it is kept."""
    session.rollback()
    return shown(request, session, chosen, operator, error.detail)


def back(request: Request) -> Response:
    """Send the browser to the page again, in the language it reads."""
    lang = request.query_params.get("lang")
    query = "" if lang is None or not lang.isalpha() else f"?lang={lang}"
    return RedirectResponse(f"/console{query}", SEE_OTHER)
