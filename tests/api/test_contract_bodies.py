"""What no client should send: every call answers it with a problem, never with a 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gateway.app import app
from gateway.web.requests import BODY_BYTES_MAX
from tests.api import bodies, world
from tests.api.conftest import Client
from tests.api.test_accounts import problem
from tests.api.world import World

NUL, SURROGATE, LONG = "a\x00b", "a\ud800b", "a" * 70_000
STRINGS = (NUL, SURROGATE, LONG, "", " ", "\u202e", "'; drop table account; --", "{}", "😀")
OTHERS: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    2**4000,
    1e308,
    [],
    {},
    [None],
    {"a": [{}]},
    [SURROGATE, NUL],
)
DEEP = "[" * 50_000 + "]" * 50_000


@pytest.fixture
def made(http: TestClient) -> World:
    return world.build()


@pytest.fixture
def house(http: TestClient, made: World) -> Client:
    return Client(http, made.operator_key)


def calls(made: World) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return every call with a real id in its path."""
    ids = {
        "account": made.merchant,
        "key": made.spare_keys[0],
        "deposit": made.deposit,
        "transfer": made.transfer,
        "withdrawal": made.held,
        "invoice": made.invoice,
        "link": made.link,
        "endpoint": made.endpoint,
        "delivery": made.delivery,
        "event": made.event,
        "alarm": made.alarm,
        "item": made.items[0],
        "hold": made.holds[0],
        "pause": made.pauses[0],
        "entry": made.entries[0],
        "payout": made.payout,
        "asset": "ETH",
        "quote": made.quote,
        "refund": made.refunds[0],
        "transaction": made.transactions[0],
        "date": made.closed_day,
        "tx_hash": made.tx_hash,
    }
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.format(**ids), operation


def fields(operation: dict[str, Any]) -> list[str]:
    """Return the names in a call's body."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rpartition("/")[2]
    return list(app.openapi()["components"]["schemas"][name]["properties"])


def send(
    client: Client, method: str, path: str, content: Any, kind: str = "application/json"
) -> Any:
    headers = client.headers() | {"idempotency-key": "k", "content-type": kind}
    return client.http.request(method, path, content=content, headers=headers)


def fine(answer: Any, *statuses: int) -> None:
    """Assert an answer that is no crash: a problem that shows nothing of the inside."""
    wanted = statuses or (400, 404, 409, 422, 424)
    assert answer.status_code in wanted, (answer.request.url, answer.text[:500])
    if answer.status_code >= 400:
        problem(answer, answer.status_code, answer.json()["code"])
    for word in ("Traceback", "psycopg", "sqlalchemy", 'File "', "select "):
        assert word not in answer.text


def test_no_body_makes_it_fall(house: Client, made: World) -> None:
    for method, path, operation in calls(made):
        if "requestBody" not in operation:
            continue
        for content in ("", "{", "nul", "[]", "null", '"a"', "{}x", DEEP, "1" * 5_000, b"\xff\xfe"):
            if content == "" or path.startswith("/l/"):
                continue
            fine(send(house, method, path, content), 400, 422)
        for kind in (
            "text/plain",
            "application/xml",
            "multipart/form-data",
            "a",
            "",
            "é/ü".encode(),
        ):
            answer = house.http.request(
                method,
                path,
                content='{"a": 1}',
                headers=[
                    (b"authorization", f"Bearer {house.key}".encode()),
                    (b"idempotency-key", b"k"),
                    (b"content-type", kind if isinstance(kind, bytes) else kind.encode()),
                ],
            )
            fine(answer, 400, 415, 422)


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(house: Client, made: World) -> None:
    huge = json.dumps({"handle": "a", "kind": "person", "metadata": {"a": "a" * BODY_BYTES_MAX}})
    problem(send(house, "POST", "/v1/accounts", huge), 400, "body_too_large")
    parts = (part.encode() for part in (huge[:200_000], huge[200_000:]))
    problem(send(house, "POST", "/v1/accounts", parts), 400, "body_too_large")
    small = (part for part in (b'{"handle": "chunked",', b' "kind": "person"}'))
    assert send(house, "POST", "/v1/accounts", small).status_code == 201


def test_no_value_of_any_field_makes_it_fall(house: Client, made: World) -> None:
    for method, path, operation in calls(made):
        if "requestBody" not in operation:
            continue
        base = bodies.good_body(path)
        for field in fields(operation):
            for value in (*STRINGS, *OTHERS):
                content = json.dumps(base | {field: value})
                answer = send(house, method, path, content)
                assert answer.status_code < 500, (path, field, value, answer.text)
                if value in (NUL, SURROGATE) or value == LONG:
                    fine(answer, 400, 404, 422)
        for key in (NUL, SURROGATE, LONG):
            fine(send(house, method, path, json.dumps(base | {key: "a"})), 400, 422)


def test_no_name_or_value_of_metadata_makes_it_fall(house: Client, made: World) -> None:
    for path in ("/v1/accounts", "/v1/invoices", "/v1/payment_links"):
        base = bodies.good_body(path)
        for text in (NUL, SURROGATE, "a" * 501):
            for metadata in ({text: "a"}, {"a": text}):
                answer = send(house, "POST", path, json.dumps(base | {"metadata": metadata}))
                fine(answer, 422)


def test_no_parameter_makes_it_fall(house: Client, made: World) -> None:
    for method, path, operation in calls(made):
        for one in operation.get("parameters", []):
            if one["in"] != "query":
                continue
            for value in ("%00", "%ff", "%ed%a0%80", "a" * 9_000, "", "é", "-1", "9" * 5_000):
                answer = send(house, method, f"{path}?{one['name']}={value}", None)
                assert answer.status_code < 500, (path, one["name"], answer.text)
    for method, path, _ in calls(made):
        head, _, last = path.rpartition("/")
        for value in ("%00", "%ff", "a" * 5_000, "%2e%2e", "%0a"):
            answer = send(house, method, f"{head}/{value}", None)
            assert answer.status_code < 500 or path == "/readyz", (path, value, answer.text)
        assert last


def test_no_header_makes_it_fall(house: Client, made: World) -> None:
    body = b'{"handle": "noor", "kind": "person"}'
    for key in (b"\xff" * 9, b"a" * 256, b"", "é".encode(), b"a b;c"):
        answer = house.http.request(
            "POST",
            "/v1/accounts",
            content=body,
            headers=[(b"authorization", f"Bearer {house.key}".encode()), (b"idempotency-key", key)],
        )
        assert answer.status_code in (201, 400, 409, 422), answer.text
    for key in (b"Bearer \xff", b"Bearer " + b"a" * 9_000, b"\xff"):
        answer = house.http.get("/v1/accounts", headers=[(b"authorization", key)])
        problem(answer, 401, "unauthorized")
    odd = [
        (b"authorization", f"Bearer {house.key}".encode()),
        (b"x-request-id", b"a b\t<script>"),
        (b"accept-language", b";;q=\xff=1"),
    ]
    answer = house.http.get("/v1/accounts", headers=odd)
    assert answer.status_code == 200
    assert answer.headers["x-request-id"].startswith("req_")


def test_the_payers_calls_do_not_fall_either(house: Client, made: World) -> None:
    for link in (made.link, "x", "%00", "a" * 5_000):
        for content in ("amount=%00", "amount=-1", "amount=" + "9" * 90, "{", "a=" * 500, b"\xff"):
            for accept in ("text/html", "application/json"):
                for kind in ("application/x-www-form-urlencoded", "application/json", "a"):
                    headers = {"accept": accept, "content-type": kind}
                    answer = house.http.post(f"/l/{link}", content=content, headers=headers)
                    assert answer.status_code < 500, (link, content, kind, answer.text)
    for query in ("lang=%00", "option=%00", "lang=" + "a" * 900, "option=é"):
        for path in (f"/pay/{made.invoice}", f"/l/{made.link}", f"/pay/{made.invoice}/status"):
            assert house.http.get(f"{path}?{query}").status_code < 500


def test_idempotency_on_every_post(house: Client, made: World) -> None:
    for path in ("/v1/accounts", "/v1/invoices", "/v1/payment_links", "/v1/webhook_endpoints"):
        body = bodies.good_body(path)
        first = house.post(path, body, key=path)
        assert first.status_code == 201, first.text
        again = house.post(path, body, key=path)
        assert again.status_code == 201
        assert again.headers["idempotent-replayed"] == "true"
        expected = first.json()
        assert again.json() == expected | ({"secret": None} if "secret" in expected else {})
        other = house.post(path, {**body, "metadata": {"b": "2"}}, key=path)
        problem(other, 422, "idempotency_key_reused")
        problem(house.post("/v1/withdrawals/quote", {}, key=path), 422, "idempotency_key_reused")
        assert house.post(path, {"wrong": 1}, key=f"{path} 2").status_code == 422
        fresh = bodies.good_body(path) | ({"handle": "other"} if path == "/v1/accounts" else {})
        assert house.post(path, fresh, key=f"{path} 2").status_code == 201
    for path in ("/v1/transfers", "/v1/withdrawals", f"/v1/invoices/{made.paid_invoice}/refunds"):
        answer = house.http.post(path, json=bodies.good_body(path), headers=house.headers())
        problem(answer, 400, "idempotency_key_required")
