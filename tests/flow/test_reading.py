"""How a chain is read is shown, and changed one thing at a time."""

import pytest
import typer
from sqlalchemy import text

from gateway import db
from gateway.operators import reading
from gateway.settings import settings
from tests.flow.books import CHAIN
from tests.flow.outgoing import chain_rows


@pytest.fixture(autouse=True)
def chain(database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "CHAINS", f"{CHAIN}=https://me:secret@node.example/v2/key|http://127.0.0.1:9"
    )
    settings.cache_clear()
    with db.transaction() as session:
        chain_rows(session)


def value(name: str) -> object:
    with db.transaction() as session:
        return session.execute(text(f"select {name} from chain")).scalar_one()


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("native_driver", "trace_block", "trace_block"),
        ("native_driver", "ask", None),
        ("read_ahead", "4", 4),
        ("batch_seconds", "0.5", 0.5),
        ("send_alone", "no", False),
        ("explorer_url", "https://basescan.org/tx/{tx}", "https://basescan.org/tx/{tx}"),
        ("explorer_url", "none", None),
        ("public_rpc_url", "https://mainnet.base.org", "https://mainnet.base.org"),
    ],
)
def test_one_thing_is_changed(name: str, given: str, kept: object) -> None:
    assert reading.change(CHAIN, name, given) == f"{CHAIN}: {name} is {given}"
    found = value(name)
    assert found == kept
    with db.transaction() as session:
        action = session.execute(text("select action from journal")).scalar_one()
    assert action == "chain.changed"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("treasury", "0x00"),
        ("native_driver", "guess"),
        ("read_ahead", "-1"),
        ("batch_seconds", "soon"),
        ("send_alone", "maybe"),
        ("explorer_url", "https://basescan.org/tx/"),
        ("explorer_url", "basescan.org/tx/{tx}"),
        ("explorer_url", "javascript:alert({tx})"),
        ("public_rpc_url", "https://me:secret@node.example"),
    ],
)
def test_what_cannot_be_is_refused(name: str, given: str) -> None:
    with pytest.raises(typer.BadParameter):
        reading.change(CHAIN, name, given)
    with pytest.raises(typer.BadParameter):
        reading.change("eip155:9", "read_ahead", "1")


def test_a_chain_is_shown_without_the_keys_in_its_endpoints() -> None:
    shown = "\n".join(reading.listed())
    assert "node.example:443, 127.0.0.1:9" in shown
    assert "asset      ETH native" in shown
    assert "secret" not in shown
    assert "key" not in shown.replace("second key", "")
