"""The typed client: the same as the document, and safe where answers get lost."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
import uvicorn
from standardwebhooks import Webhook

from gateway.app import app
from mizan_client import Mizan, errors, webhooks
from mizan_client.transport import Transport
from tests.api.conftest import Client

CLIENT = Path(__file__).parents[2] / "client"


@pytest.mark.parametrize("name", ["models.py", "resources.py"])
def test_it_is_made_from_the_document(name: str) -> None:
    generated = run_path(str(CLIENT / "generate.py"))["generated"]
    made = (CLIENT / "mizan_client" / name).read_text()
    assert made == generated(app.openapi())[name], "run: python client/generate.py"


@pytest.fixture
def served(operator: Client) -> Iterator[str]:
    """The application on a port of its own, with the test's database."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def mizan(served: str, operator: Client) -> Iterator[Mizan]:
    with Mizan(served, operator.key) as made:
        yield made


def test_lists_read_on_and_answers_are_typed(mizan: Mizan) -> None:
    made = [mizan.accounts.create(handle=f"shop-{n}", kind="merchant").id for n in range(5)]
    found = [account.id for account in mizan.accounts.list(limit=2)]
    assert found == made[::-1]
    page = mizan.accounts.list(limit=2).page()
    assert (len(page.data), page.has_more) == (2, True)
    assert mizan.accounts.retrieve("@shop-3").handle == "shop-3"


def test_refusals_are_classes_with_codes(mizan: Mizan) -> None:
    with pytest.raises(errors.NotFound):
        mizan.accounts.retrieve("@nobody")
    with pytest.raises(errors.InvalidRequest) as refused:
        mizan.accounts.create(handle="NO!", kind="merchant")
    assert refused.value.problem.errors
    assert refused.value.problem.request_id


def test_a_wrong_key_is_told(served: str) -> None:
    with Mizan(served, "sk_wrong") as stranger, pytest.raises(errors.Unauthorized):
        stranger.accounts.list().page()


class Flaky(BaseHTTPRequestHandler):
    """Drops the first call without an answer, refuses the second, and answers the third."""

    seen: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append({"key": self.headers["idempotency-key"], "body": body})
        if len(self.seen) == 1:
            self.close_connection = True
            return
        status = 503 if len(self.seen) == 2 else 201
        told = b'{"id":"acct_1"}' if status == 201 else b"<html>away</html>"
        self.send_response(status)
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def flaky() -> Iterator[ThreadingHTTPServer]:
    Flaky.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_lost_answer_is_asked_for_again_with_the_same_key(flaky: ThreadingHTTPServer) -> None:
    slept: list[float] = []
    url = f"http://127.0.0.1:{flaky.server_port}"
    transport = Transport(url, "sk_1", retries=2, timeout=5, sleep=slept.append)
    assert transport.call("POST", "/v1/accounts", dict, body={"a": 1}) == {"id": "acct_1"}
    assert len({one["key"] for one in Flaky.seen}) == 1
    assert [one["body"] for one in Flaky.seen] == [{"a": 1}] * 3
    assert len(slept) == 2


def test_without_retries_the_loss_is_told(flaky: ThreadingHTTPServer) -> None:
    url = f"http://127.0.0.1:{flaky.server_port}"
    with Mizan(url, "sk_1", retries=0) as once, pytest.raises(errors.ConnectionFailed):
        once.accounts.create(handle="a", kind="person")
    with Mizan(url, "sk_1", retries=0) as once, pytest.raises(errors.ServerError):
        once.accounts.create(handle="a", kind="person")


SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
EVENT = json.dumps(
    {"id": "evt_1", "type": "invoice.paid", "created_at": "2026-01-01T00:00:00Z", "data": {}}
)


def signed(**other: str) -> dict[str, str]:
    """Return the headers of the event, signed now; `other` ones in their place."""
    now = datetime.now(UTC)
    headers = {
        "Webhook-Id": "evt_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(SECRET).sign("evt_1", now, EVENT),
    }
    return headers | {f"Webhook-{name.capitalize()}": value for name, value in other.items()}


def test_a_webhook_is_believed_only_when_signed() -> None:
    assert webhooks.verify(EVENT, signed(), SECRET).type == "invoice.paid"
    assert webhooks.verify(EVENT.encode(), signed(), SECRET).type == "invoice.paid"
    with pytest.raises(webhooks.SignatureInvalid):
        webhooks.verify(EVENT.replace("paid", "late"), signed(), SECRET)


@pytest.mark.parametrize(
    ("body", "other"),
    [
        (EVENT.encode(), {"id": ""}),
        (EVENT.encode(), {"signature": "v1"}),
        (EVENT.encode(), {"signature": "v1,a,b"}),
        (EVENT.encode(), {"signature": "v1,a"}),
        (EVENT.encode(), {"signature": "v1,\u00e4"}),
        (EVENT.encode(), {"timestamp": "soon"}),
        (EVENT.encode(), {"timestamp": "9" * 400}),
        (b"\xff\xfe", {}),
        (b"", {}),
    ],
)
def test_what_nobody_signed_is_refused_whatever_it_is(body: bytes, other: dict[str, str]) -> None:
    with pytest.raises(webhooks.SignatureInvalid):
        webhooks.verify(body, signed(**other), SECRET)


def test_a_secret_that_is_none_is_a_mistake_of_whoever_set_it_up() -> None:
    with pytest.raises(ValueError, match="base64"):
        webhooks.verify(EVENT, signed(), "whsec_a")
