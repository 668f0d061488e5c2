"""What a merchant sells by: forms of payment links, and of terms for odd amounts and late ones."""

from typing import Any, get_args

from gateway.invoices.routes import get_terms, put_terms
from gateway.invoices.rules import LateElse
from gateway.invoices.shapes import MerchantTermsBody
from gateway.links.routes import change_link, create_link, get_link
from gateway.links.shapes import LinkBody, LinkChange
from gateway.money import USD
from gateway.shop.questions import (
    Field,
    Form,
    Sent,
    Typed,
    asset_codes,
    body,
    in_one_line,
    in_utc,
    listed,
    same,
    typed_moment,
)
from gateway.shop.visit import Visit

LINK_NUMBERS = ("max_uses", "max_quantity")


def link_fields(visit: Visit, _: str) -> tuple[Field, ...]:
    """Ask what a payment link sells."""
    return (
        Field("title", required=True),
        Field("currency", "choice", choices=((USD.code, USD.code), *asset_codes(visit))),
        *offer_fields(),
    )


def edit_fields(_: Visit, __: str) -> tuple[Field, ...]:
    """Ask what a payment link sells from now on; its currency stays."""
    return (Field("title", required=True), *offer_fields())


def offer_fields() -> tuple[Field, ...]:
    """Ask how much a link asks for, how often, and until when."""
    return (
        Field("amount", "amount", hint=True),
        Field("min_amount", "amount"),
        Field("max_amount", "amount"),
        Field("suggested_amounts", hint=True),
        Field("max_quantity", "number", hint=True),
        Field("max_uses", "number", hint=True),
        Field("expires_at", "moment", hint=True),
        Field("success_url", hint=True),
        Field("inactive_message", hint=True),
    )


def send_link(visit: Visit, _: str, typed: Typed) -> Sent:
    """Make a payment link."""
    made = body(LinkBody, typed, numbers=LINK_NUMBERS, **offered(typed))
    create_link(made, visit.session, visit.principal)
    return Sent("/shop/links")


def offered(typed: Typed) -> dict[str, Any]:
    """Return what a text field says of a list and of a moment, where they are given."""
    told: dict[str, Any] = {}
    if typed.get("suggested_amounts"):
        told["suggested_amounts"] = listed(typed["suggested_amounts"])
    if typed.get("expires_at"):
        told["expires_at"] = in_utc(typed["expires_at"])
    return told


def link_known(visit: Visit, link: str) -> Typed:
    """Return a payment link as its form shows it; raises NotFound."""
    found = get_link(link, visit.session, visit.principal)
    facts = {one.name: getattr(found, one.name) for one in edit_fields(visit, link)}
    return {name: in_one_line(str(value or "")) for name, value in facts.items()} | {
        "suggested_amounts": " ".join(found.suggested_amounts),
        "expires_at": typed_moment(found.expires_at),
    }


def send_edit(visit: Visit, link: str, typed: Typed) -> Sent:
    """Change a payment link. What is as it was is left out: so nothing of it is rounded."""
    known = link_known(visit, link)
    changed = {name: typed[name] for name in known if typed.get(name, known[name]) != known[name]}
    none: dict[str, Any] = {"suggested_amounts": []} if "suggested_amounts" in changed else {}
    made = body(LinkChange, changed, numbers=LINK_NUMBERS, cleared=True, **none | offered(changed))
    change_link(link, made, visit.session, visit.principal)
    return Sent("/shop/links?done=edit_link")


def terms_fields(_: Visit, __: str) -> tuple[Field, ...]:
    """Ask what a merchant does without and how late it takes money."""
    return (
        Field("under_percent", "amount", required=True, hint=True),
        Field("under_amount", "amount", required=True, hint=True),
        Field("over_percent", "amount", required=True, hint=True),
        Field("over_amount", "amount", required=True, hint=True),
        Field("late_hours", "number", hint=True),
        Field("late_percent", "amount", hint=True),
        Field("late", "choice", hint=True, choices=same(get_args(LateElse)), worded=True),
        Field("support_url", hint=True),
    )


def terms_known(visit: Visit, _: str) -> Typed:
    """Return the merchant's terms as they are now; no bound is an empty field."""
    found = get_terms(visit.merchant.account_id, visit.session, visit.principal).model_dump()
    names = [one.name for one in terms_fields(visit, "")]
    return {name: "" if found[name] is None else str(found[name]) for name in names}


def send_terms(visit: Visit, _: str, typed: Typed) -> Sent:
    """Set the merchant's terms, all of them."""
    made = body(MerchantTermsBody, typed, numbers=("late_hours",), cleared=True)
    put_terms(visit.merchant.account_id, made, visit.session, visit.principal)
    return Sent("/shop/invoices?done=terms")


SELLING = (
    Form("link", "invoices:write", "/shop/links", link_fields, send_link),
    Form(
        "edit_link",
        "invoices:write",
        "/shop/links",
        edit_fields,
        send_edit,
        known=link_known,
        hints="link",
    ),
    Form("terms", "invoices:write", "/shop/invoices", terms_fields, send_terms, known=terms_known),
)
