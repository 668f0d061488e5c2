"""A program pays an invoice with the public x402 client as it is: 402, a signature, 200."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from x402 import x402Client
from x402.http.clients import wrapHttpxWithPayment
from x402.http.utils import (
    decode_payment_required_header,
    decode_payment_response_header,
    encode_payment_signature_header,
)
from x402.http.x402_http_client import x402HTTPClient
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.schemas import PaymentPayloadV1, PaymentRequired
from x402.schemas.v1 import PaymentRequiredV1

from gateway.checkout import programs, x402
from tests.chain.money_in import CHAIN
from tests.chain.signed_payments import OTHER, PAYER, Shop, open_shop, serving, workers_at_work
from tests.conftest import TestNode
from tests.looping import in_a_loop

JSON = {"accept": "application/json"}
Answer = httpx.Response


@pytest.fixture
def shop(anvil: TestNode, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return open_shop(anvil, tmp_path, monkeypatch)


@pytest.fixture
def site(shop: Shop, tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path) as url:
        yield url


def paying(url: str, method: str = "GET", **headers: str) -> Answer:
    """Ask with the public client, which pays what it is asked for."""

    async def ask() -> Answer:
        client = register_exact_evm_client(x402Client(), EthAccountSigner(PAYER))
        client.set_spend_controls(False)  # the token is a test's: no list knows it
        async with wrapHttpxWithPayment(client, timeout=30, follow_redirects=True) as http:
            answer: Answer = await http.request(method, url, headers={**JSON, **headers})
            return answer

    return in_a_loop(ask())


def asked(answer: Answer) -> PaymentRequired:
    required = decode_payment_required_header(answer.headers["payment-required"])
    assert isinstance(required, PaymentRequired)
    return required


def test_the_public_client_pays_an_invoice(shop: Shop, site: str) -> None:
    invoice = shop.invoice(title="Tea")
    url = f"{site}/pay/{invoice}"
    with workers_at_work(shop):
        answer = paying(url)
    assert answer.status_code == 200
    receipt = decode_payment_response_header(answer.headers["payment-response"])
    (row,) = shop.rows()
    assert receipt.success
    assert row.tx_hash is not None
    assert (receipt.transaction, receipt.network) == ("0x" + row.tx_hash.hex(), CHAIN)
    assert (receipt.payer, receipt.amount) == (PAYER.address, "12500000")
    assert answer.json()["authorization"]["id"] == row.id
    shop.settle()
    assert shop.facts(invoice).stored.status == "paid"
    assert shop.desk.holds(shop.place(invoice)) == 12_500_000
    later = httpx.get(url, headers=JSON)
    assert (later.status_code, later.json()["status"]) == (200, "paid")


def test_a_program_is_asked_for_what_is_due_and_a_browser_gets_the_page(
    shop: Shop, site: str
) -> None:
    invoice = shop.invoice(title="Tea")
    url = f"{site}/pay/{invoice}"
    answer = httpx.get(url, headers=JSON)
    required = asked(answer)
    (way,) = required.accepts
    assert answer.status_code == 402
    assert (way.scheme, way.network, way.amount) == ("exact", CHAIN, "12500000")
    assert bytes.fromhex(way.pay_to[2:]) == shop.place(invoice)
    assert bytes.fromhex(way.asset[2:]) == shop.token
    assert way.extra == {"name": "USD Coin", "version": "2"}
    assert required.resource is not None
    assert required.resource.url.endswith(f"/pay/{invoice}")
    body = answer.json()
    assert body.pop("invoice") == httpx.get(f"{url}/status").json()
    assert body == json.loads(base64.b64decode(answer.headers["payment-required"]))
    page = httpx.get(url, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"][:9]) == (200, "text/html")
    assert httpx.get(url).headers["content-type"].startswith("text/html")
    assert httpx.get(f"{site}/pay/inv_none", headers=JSON).status_code == 404


def test_what_is_still_on_its_way_is_never_called_failed(
    shop: Shop, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "SETTLED_SECONDS_MAX", 0.3)
    invoice = shop.invoice()
    url = f"{site}/pay/{invoice}"
    kept = payment(httpx.get(url, headers=JSON), url)
    answer = httpx.get(url, headers=kept)  # nobody works
    receipt = decode_payment_response_header(answer.headers["payment-response"])
    assert answer.status_code == 202
    assert (receipt.success, receipt.error_reason) == (False, "settlement_pending")
    monkeypatch.setattr(programs, "SETTLED_SECONDS_MAX", 60.0)
    monkeypatch.setattr(programs, "WAITING_MAX", 0)  # too many are waited for
    again = httpx.get(url, headers=kept)
    assert again.json()["authorization"]["id"] == answer.json()["authorization"]["id"]
    shop.settle()
    later = httpx.get(url, headers=kept)
    assert later.status_code == 200
    assert decode_payment_response_header(later.headers["payment-response"]).success
    assert len(shop.rows()) == 1


def payment(answer: Answer, url: str) -> dict[str, str]:
    """Return the header that the public client would pay a 402 with."""
    client = register_exact_evm_client(x402Client(), EthAccountSigner(PAYER))
    client.set_spend_controls(False)
    headers = dict(answer.headers)
    made, _ = in_a_loop(x402HTTPClient(client).handle_402_response(headers, answer.content, url))
    return made


def test_version_one_asks_in_the_body_and_answers_in_its_own_header(
    shop: Shop, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x402, "NAMES_V1", {CHAIN: "base"})
    invoice = shop.invoice(title="Tea")
    url = f"{site}/pay/{invoice}"
    required = PaymentRequiredV1.model_validate(httpx.get(url, headers=JSON).json())
    (way,) = required.accepts
    assert (way.network, way.max_amount_required) == ("base", "12500000")
    assert way.resource.endswith(f"/pay/{invoice}")
    body = shop.sign(invoice).model_dump(by_alias=True)
    payload = {"authorization": body["authorization"], "signature": body["signature"]}
    given = PaymentPayloadV1(scheme="exact", network="base", payload=payload)
    header = encode_payment_signature_header(given)
    with workers_at_work(shop):
        answer = httpx.get(url, headers={"x-payment": header}, timeout=30)
    receipt = decode_payment_response_header(answer.headers["x-payment-response"])
    assert (answer.status_code, receipt.success, receipt.network) == (200, True, "base")
    again = httpx.get(url, headers={"x-payment": header})
    assert (again.status_code, "x-payment-response" in again.headers) == (200, True)


def test_a_link_is_paid_by_the_public_client(shop: Shop, site: str) -> None:
    link = shop.link("3.50")
    with workers_at_work(shop):
        answer = paying(f"{site}/l/{link}", method="POST", prefer="return=minimal")
    assert answer.status_code == 200
    assert decode_payment_response_header(answer.headers["payment-response"]).amount == "3500000"
    (row,) = shop.rows()
    assert shop.facts(row.invoice_id).invoice.link_id == link
    plain = httpx.post(f"{site}/l/{link}", headers=JSON)
    assert plain.status_code == 201


def signed_header(shop: Shop, invoice: str, **accepted: Any) -> str:
    """Return a payment header made by hand."""
    body = shop.sign(invoice, **accepted.pop("sign", {})).model_dump(by_alias=True)
    asset = "0x" + shop.token.hex()
    chosen = {"scheme": "exact", "network": CHAIN, "asset": asset, **accepted}
    payload = {"authorization": body["authorization"], "signature": body["signature"]}
    facts = {"x402Version": 2, "payload": payload, "accepted": chosen}
    return base64.b64encode(json.dumps(facts).encode()).decode()


def test_a_refused_payment_is_asked_for_again_with_its_reason(shop: Shop, site: str) -> None:
    invoice = shop.invoice()
    url = f"{site}/pay/{invoice}"
    for reason, header in {
        "wrong_signature": signed_header(shop, invoice, sign={"key": OTHER}),
        "value_too_small": signed_header(shop, invoice, sign={"value": "1"}),
        "not_found": signed_header(shop, invoice, network="eip155:1"),
    }.items():
        answer = httpx.get(url, headers={**JSON, "payment-signature": header})
        assert answer.status_code == 402, reason
        assert (asked(answer).error or "").startswith(f"{reason}: ")
    assert shop.rows() == []


def test_what_is_no_payment_is_a_problem(shop: Shop, site: str) -> None:
    url = f"{site}/pay/{shop.invoice()}"
    rubbish = [b"", b"{}", b"[]", b"null", b'{"x402Version": 2}', b"\xff" * 40, b"[" * 5_000]
    headers = [base64.b64encode(one).decode() for one in rubbish] + ["~", "a" * 20_000]
    for name in ("payment-signature", "x-payment"):
        for text in headers:
            answer = httpx.get(url, headers={**JSON, name: text})
            assert answer.status_code == 400, (name, text[:40])
            assert answer.headers["content-type"] == "application/problem+json"
