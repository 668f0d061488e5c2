"""Turn facts into HTML: templates, static files, and the headers that keep foreign script out."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gateway.checkout.choice import OptionView, qr
from gateway.checkout.instructions import canonical
from gateway.checkout.view import View
from gateway.checkout.visit import Visit, query
from gateway.checkout.words import LANGUAGES, Words, words
from gateway.web.shapes import rfc3339

ADDRESS_END = 6
REFRESH_SECONDS = 10
STYLE, SCRIPT = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
STATIC = {
    "page.css": STYLE,
    "page.js": SCRIPT,
    "wallet.js": SCRIPT,
    "gasless.js": SCRIPT,
    "receipt.css": STYLE,
    "receipt.js": SCRIPT,
    "link.css": STYLE,
    "sale.css": STYLE,
    "till.js": SCRIPT,
    "refund.js": SCRIPT,
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
}
QUOTED = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
SPACED = re.compile(r" *([=(){}\[\]<>?:;,&|]) *")
FOR_EVER = "public, max-age=31536000, immutable"


def clock(moment: datetime) -> str:
    """Write a time for people; the page's script turns it into the reader's own."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Return the templates; a name nobody filled in is an error, not an empty place."""
    environment = Environment(
        loader=PackageLoader("gateway.checkout"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=asset_url, rfc3339=rfc3339, clock=clock)
    return environment


@lru_cache(maxsize=len(STATIC))
def static(name: str) -> tuple[bytes, str]:
    """Return a static file and the version its address carries."""
    body = smaller((files("gateway.checkout") / "static" / name).read_text("utf-8"), name).encode()
    return body, hashlib.sha256(body).hexdigest()[:12]


def smaller(source: str, name: str) -> str:
    """Return a style or script without what only its readers need: comments and indentation.

    Our scripts have no comment behind code, and text in quotes, never in backticks.
    """
    if name.endswith(".css"):
        bare = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
        close = re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r":\s+", ":", bare)).strip()
        return close.replace(";}", "}")
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(tight(line) for line in lines if line and not line.startswith("//"))


def tight(line: str) -> str:
    """Return a line of script without spaces that part nothing; what is quoted stays."""
    parts = QUOTED.split(line)
    parts[::2] = (SPACED.sub(r"\1", part) for part in parts[::2])
    return "".join(parts)


def asset_url(name: str) -> str:
    """Return the address of a static file; a changed file has another."""
    return f"/checkout/{name}?v={static(name)[1]}"


def static_file(name: str) -> Response | None:
    """Return a static file to keep for ever, None if there is none of that name."""
    if name not in STATIC:
        return None
    headers = {**HEADERS, "Cache-Control": FOR_EVER}
    return Response(static(name)[0], media_type=STATIC[name], headers=headers)


def languages(request: Request) -> list[tuple[str, str, str]]:
    """Return each language with its own name and this page's address in it."""
    kept = [(k, v) for k, v in request.query_params.multi_items() if k == "option"][:1]
    return [
        (code, words(code).plain("language_name"), f"?{urlencode([*kept, ('lang', code)])}")
        for code in LANGUAGES
    ]


def html(
    request: Request, template: str, chosen: Words, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """Render a whole page."""
    body = (
        templates()
        .get_template(template)
        .render(words=chosen, languages=languages(request), **values)
    )
    headers = {**HEADERS, "Content-Language": chosen.language}
    return HTMLResponse(body, status, headers=headers)


def notice(
    request: Request, chosen: Words, kind: str, *, status: int, again: str | None = None
) -> HTMLResponse:
    """Say in plain words that there is no such page, or that it cannot be done now."""
    title = chosen.plain(f"{kind}_head")
    return html(request, "notice.html", chosen, status=status, kind=kind, title=title, again=again)


def title(view: View, chosen: Words) -> str:
    """Return the page's title, which changes with the state."""
    amount = f"{view.amount} {view.currency}"
    key = f"title_{view.screen}"
    return chosen.plain(key, merchant=f"@{view.merchant}", amount=amount)


def panel(view: View, chosen: Words, visit: Visit) -> Markup:
    """Render what changes while a payer waits, the same for a page and for its live stream.

    Its links keep the language it is in, whatever named that.
    """
    visit = replace(visit, lang=chosen.language)
    picked = view.option(visit.option)
    address = picked.address or ""
    kept = query(lang=visit.lang)
    link = f"/pos/{view.link}" if visit.till else f"/l/{view.link}"
    return Markup(  # noqa: S704 - rendered with autoescape
        templates()
        .get_template("panel.html")
        .render(
            words=chosen,
            view=view,
            option=picked,
            option_url=lambda one: option_url(one, visit.lang),
            link_url=f"{link}{kept}",
            receipt_url=f"/pay/{view.id}/receipt{kept}",
            quote_url=visit.act(view.id, "quote"),
            signed_text=canonical(picked.instruction.payload) if picked.instruction else "",
            test_url=replace(visit, option=picked.key).act(view.id, "test"),
            sandbox_url=visit.act(view.id, "sandbox"),
            qr=Markup(qr(address)) if address else "",  # noqa: S704 - drawn from our own address
            ends=(address[:ADDRESS_END], address[-ADDRESS_END:]),
        )
    )


def option_url(option: OptionView, lang: str | None) -> str:
    """Return the page's address with this option chosen."""
    return query(option=option.key, lang=lang)


def version(rendered: str) -> str:
    """Return what tells two renderings apart."""
    return hashlib.sha256(rendered.encode()).hexdigest()[:12]


def pay_page(
    request: Request,
    view: View,
    chosen: Words,
    visit: Visit,
    *,
    template: str = "pay.html",
    **values: Any,
) -> HTMLResponse:
    """Render the payer's page of an invoice, or another page around the same panel."""
    inside = panel(view, chosen, visit)
    return html(
        request,
        template,
        chosen,
        title=title(view, chosen),
        view=view,
        panel=inside,
        version=version(inside),
        refresh_seconds=REFRESH_SECONDS,
        events_url=replace(visit, lang=chosen.language).act(view.id, "events"),
        **values,
    )
