"""How a link is handed on: a button for a merchant's own page, a QR code for paper."""

import io
from typing import Literal

import segno
from markupsafe import Markup

from gateway.money import Money

QUIET_MODULES = 4
SCALE_MAX = 40
AMOUNT_LENGTH_MAX = 60
PICTURES = {"svg": "image/svg+xml", "png": "image/png"}

ANCHOR = Markup(
    '<a class="mizan-pay" href="{url}" lang="{language}" dir="{direction}" rel="noopener">'
    "{text}</a>\n"
)
FORM = Markup(
    '<form class="mizan-pay" method="post" action="{url}" lang="{language}" dir="{direction}">\n'
    '{field}<button type="submit">{text}</button>\n</form>\n'
)
FIELD = Markup(
    '<label>{label} <input name="amount" inputmode="decimal" required maxlength="{length}"'
    "{suggested}></label>\n"
)


def anchor(*, url: str, text: str, language: str, direction: str) -> Markup:
    """Return an HTML link to the payer's page; it needs no script and no style of ours."""
    return ANCHOR.format(url=url, text=text, language=language, direction=direction)


def form(
    *, url: str, text: str, language: str, direction: str, label: str | None, typed: Money | None
) -> Markup:
    """Return an HTML form that makes the payer's invoice at once.

    With a label it asks for the amount, filled in with `typed`.
    """
    field = Markup()
    if label is not None:
        suggested = Markup(' value="{}"').format(typed) if typed else Markup()
        field = FIELD.format(label=label, length=AMOUNT_LENGTH_MAX, suggested=suggested)
    return FORM.format(url=url, text=text, language=language, direction=direction, field=field)


def picture(text: str, kind: Literal["svg", "png"], scale: int) -> bytes:
    """Return a QR code (ISO/IEC 18004) with its quiet zone; `scale` is pixels a module."""
    code = segno.make(text, error="m", micro=False)
    drawn = io.BytesIO()
    code.save(drawn, kind=kind, scale=scale, border=QUIET_MODULES, light="#fff", dark="#000")
    return drawn.getvalue()
