"""The payers' and merchants' pages under nonsense: never a 5xx, nothing runs, no foreign redirect.

MIZAN_FUZZ_SEED and MIZAN_FUZZ_EXAMPLES look further.
"""

import base64
import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from gateway.shop.actions import ACTIONS
from gateway.shop.forms import FORMS
from gateway.shop.listings import LISTINGS
from tests import asking
from tests.api.page_world import MARKS, Pages, build, check, path

SEED = int(os.environ.get("MIZAN_FUZZ_SEED", "20261124"))
EXAMPLES = int(os.environ.get("MIZAN_FUZZ_EXAMPLES", "80"))
NASTY = (
    "",
    ".",
    "..",
    "\x00",
    "\udcff",
    "9" * 400,
    "-1",
    "1e9",
    "١٢٣",
    "ar",
    "\r\nX: y",
    "//x.y",
    "A" * 3000,
)
FIELDS = (
    *("key", "once", "title", "currency", "amount", "min_amount", "max_amount"),
    *("max_quantity", "max_uses", "success_url", "inactive_message", "kind", "rate", "to"),
    *("to_address", "address_entry", "asset", "every", "day", "hour", "minimum", "keep_reserve"),
    *("suggested_amounts", "expires_at", "from_time", "from_event", "include_delivered"),
    *("under_percent", "under_amount", "over_percent", "over_amount", "late_hours"),
    *(
        "late_percent",
        "active",
        "label",
        "chain",
        "address",
        "url",
        "events",
        "confirmed",
        "quantity",
        "reason",
    ),
)
SENSIBLE = (
    *("USD", "USDC", "ETH", "1", "12.50", "yes", "on", "full", "partial", "payer", "quote", "day"),
    *(asking.CHAIN, "0x" + "ab" * 20, "0x" + "cd" * 32, "https://shop.example/hooks"),
)
QUERIES = (
    *("lang", "option", "amount", "key", "of", "from", "to", "status", "after", "limit"),
    *("chain", "asset", "order_id", "starting_after", "created_from"),
    *("done", "count", "next", "from_event", "include_delivered"),
)
HEADERS = ("accept", "accept-language", "cookie", "content-type", "payment-signature", "x-payment")

letters = st.text(st.characters(codec="utf-8"), max_size=20)
marked = st.builds("{}{}{}".format, letters, st.sampled_from(MARKS), letters)
dirty = st.one_of(marked, letters, st.sampled_from(NASTY), st.sampled_from(SENSIBLE))
queries = st.dictionaries(st.sampled_from(QUERIES), dirty, max_size=3)
good = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.sampled_from(["5", "1.5"]),
        "title": marked,
        "currency": st.just("USD"),
        "once": letters,
        "to": st.just("payer"),
        "kind": st.just("partial"),
        "address": st.just("0x" + "ab" * 20),
        "chain": st.just(asking.CHAIN),
        "label": marked,
        "reason": marked,
    },
)
forms = st.builds(
    lambda kept, wild: {**wild, **kept},
    good,
    st.dictionaries(st.sampled_from(FIELDS), dirty, max_size=4),
)
nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | dirty,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(dirty, inner, max_size=3),
    max_leaves=6,
)
header = st.one_of(
    dirty.map(lambda text: text.encode("utf-8", "surrogateescape")),
    st.sampled_from([b"application/json", b"text/html", b"ar;q=nan, en;q=1e999", b"*/*;q=."]),
    st.binary(max_size=40).map(base64.b64encode),
    nonsense.map(lambda one: base64.b64encode(json.dumps(one).encode())),
)


@pytest.fixture
def pages(http: TestClient) -> Pages:
    return build(http)


def mostly(real: list[str], invented: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Take three real paths for each invented one."""
    return st.sampled_from([True, True, True, False]).flatmap(
        lambda yes: st.sampled_from(real) if yes else invented
    )


def many(pages: Pages, *strategies: st.SearchStrategy[Any], run: Callable[..., None]) -> None:
    """Run with many examples on the same pages; a failure is repeated by its printed seed."""
    print(f"MIZAN_FUZZ_SEED={SEED} repeats this")
    quick = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    quick(seed(SEED)(given(*strategies)(run)))()


def encoded(fields: dict[str, str]) -> str:
    """Write a query or a form as a browser does, and worse: half a letter goes as its byte."""
    return urlencode({k: v.encode("utf-8", "surrogateescape") for k, v in fields.items()})


def ask(
    browser: TestClient,
    where: str,
    query: dict[str, str],
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, bytes] | None = None,
    body: bytes | None = None,
) -> None:
    """Send one request and check what comes back."""
    given_headers: dict[str, Any] = dict(headers or {})
    if form is not None:
        body = encoded(form).encode()
        given_headers.setdefault("content-type", b"application/x-www-form-urlencoded")
    answer = browser.request(
        "GET" if body is None else "POST",
        f"{where}?{encoded(query)}",
        content=body,
        headers={k.encode(): clean(v) for k, v in given_headers.items()},
        follow_redirects=False,
    )
    check(answer)


def clean(value: bytes) -> bytes:
    """Leave out what no server lets into a header."""
    return bytes(one for one in value if one >= 32 and one != 127)[:2_000].strip()


def safe(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def test_payers_pages(pages: Pages) -> None:
    rooms = st.sampled_from(["l", "pos", "pay", "refund", "checkout"])
    names = st.one_of(st.sampled_from(pages.ids), dirty.map(safe))
    invented = st.builds(path, rooms, names) | st.builds(
        path, st.just("pay"), names, st.sampled_from(["receipt", "status", "authorization"])
    )
    real = [path("l", pages.link), path("pos", pages.link), path("refund", pages.token)]
    real += [path("pay", pages.open), path("pay", pages.paid), path("pay", pages.paid, "receipt")]

    def run(where: str, query: dict[str, str], headers: dict[str, bytes]) -> None:
        ask(pages.http, where, query, headers=headers)

    headers = st.dictionaries(st.sampled_from(HEADERS[:4]), header, max_size=2)
    many(pages, mostly(real, invented), queries, headers, run=run)


def test_payers_forms(pages: Pages) -> None:
    places = st.sampled_from(
        [
            path("l", pages.link),
            path("pos", pages.link),
            path("refund", pages.token),
            path("pay", pages.open, "quote"),
            path("pay", pages.paid, "quote"),
            path("pay", pages.open, "test"),
            path("pay", pages.open, "authorization"),
        ]
    )

    def run(
        where: str, query: dict[str, str], form: dict[str, str], headers: dict[str, bytes]
    ) -> None:
        ask(pages.http, where, query, form=form, headers=headers)

    headers = st.dictionaries(st.sampled_from(HEADERS), header, max_size=2)
    many(pages, places, queries, forms, headers, run=run)


def test_what_programs_send(pages: Pages) -> None:
    message = st.fixed_dictionaries(
        {
            "from": st.sampled_from(SENSIBLE) | dirty,
            "to": st.sampled_from(SENSIBLE) | dirty,
            "value": st.sampled_from(["0", "12500000", "9" * 78, "-1"]) | dirty,
            "validAfter": st.sampled_from(["0", "9" * 78]) | dirty,
            "validBefore": st.sampled_from(["0", "9" * 78]) | dirty,
            "nonce": st.sampled_from(SENSIBLE) | dirty,
        }
    )
    signature = st.sampled_from(["0x" + "11" * 65, "0x" + "00" * 65, "0x" + "ff" * 65]) | dirty
    signed = st.fixed_dictionaries({"authorization": message | nonsense, "signature": signature})
    network = st.sampled_from([asking.CHAIN, "base", "eip155:8453"]) | dirty

    def run(payload: dict[str, Any], chain: str, asset: str, version: object) -> None:
        body = {**payload, "chain": chain, "asset": asset}
        page = path("pay", pages.open)
        ask(pages.http, f"{page}/authorization", {}, body=json.dumps(body).encode())
        ask(pages.http, path("l", pages.link), {}, body=json.dumps(body).encode())
        paid = {
            "x402Version": version,
            "scheme": "exact",
            "network": chain,
            "payload": payload,
            "accepted": {"scheme": "exact", "network": chain, "asset": asset},
        }
        told = base64.b64encode(json.dumps(paid).encode())
        for name in ("payment-signature", "x-payment"):
            ask(pages.http, page, {}, headers={name: told})

    many(pages, signed, network, dirty, st.sampled_from([1, 2, 2, "2", None]), run=run)


def test_a_merchants_pages_and_forms(pages: Pages) -> None:
    actions = [path("shop", "do", name, one) for name in ACTIONS for one in pages.ids]
    kinds = [path("shop", "new", name) for name in FORMS]
    seen = [path("shop", name) for name in LISTINGS] + [path("shop", f"{n}.csv") for n in LISTINGS]
    seen += [path("shop", "invoices", pages.open), path("shop", "webhooks", pages.endpoint)]
    names = dirty.map(lambda one: path("shop", safe(one)))
    posted = mostly([*kinds, *kinds, *kinds, *actions], names)

    def run(where: str, page: str, query: dict[str, str], form: dict[str, str]) -> None:
        ask(pages.shop, where, query, form={**form, "form": pages.shop_form})
        ask(pages.shop, page, query)

    many(pages, posted, mostly([*seen, *kinds], names), queries, forms, run=run)
    for page in seen:
        ask(pages.shop, page, {})


def test_consoles_and_signing_in(pages: Pages) -> None:
    posted = st.sampled_from(
        ["/console/pauses", "/console/sign-in", "/shop/sign-in", "/console/holds/x/take"]
    ) | dirty.map(lambda one: path("console", "holds", safe(one), safe(one)))

    def run(
        where: str, query: dict[str, str], form: dict[str, str], headers: dict[str, bytes]
    ) -> None:
        ask(pages.console, where, query, form={**form, "form": pages.console_form})
        ask(pages.http, where, query, form=form, headers=headers)
        ask(pages.console, "/console", query)
        ask(pages.http, "/shop", query, headers=headers)

    headers = st.dictionaries(st.sampled_from(HEADERS), header, max_size=2)
    many(pages, posted, queries, forms, headers, run=run)


def test_a_form_of_garbage(pages: Pages) -> None:
    places = st.sampled_from(
        [path("l", pages.link), path("refund", pages.token), "/shop/sign-in", "/console/sign-in"]
    )
    junk = st.binary(max_size=300) | st.sampled_from([b"&" * 100, b"a=1&" * 40, b"%", b"=" * 9])
    kinds = st.sampled_from([b"application/json", b"multipart/form-data", b"text/plain"])

    def run(where: str, body: bytes, kind: bytes) -> None:
        ask(pages.http, where, {}, body=body, headers={"content-type": kind})

    many(pages, places, junk, kinds, run=run)
