"""The OpenAPI document is true: what schemathesis makes of it finds nothing.

Every check is on, in every phase. Set MIZAN_FUZZ_SEED and MIZAN_FUZZ_EXAMPLES to look further.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from gateway.scopes import ACCOUNT_SCOPES
from tests.api import bodies, world
from tests.api.world import World
from tests.flow.books import CHAIN

SEED = int(os.environ.get("MIZAN_FUZZ_SEED", "20260131"))
EXAMPLES = int(os.environ.get("MIZAN_FUZZ_EXAMPLES", "15"))
REAL = 0.7  # how often an id is one that exists
# The defaults, and what the contract adds: a well-formed request may be refused (400, 422), or need
# a node that is away (424).
NEVER_MAX = {"operator": 10, "merchant": 10}  # calls that no example got a 2xx of: their states
ACCEPTED = ["2xx", "3xx", "400", "401", "403", "404", "409", "422", "424", "429", "5xx"]


def known(made: World) -> dict[str, list[str]]:
    """Return real values by where a request carries them."""
    accounts = [made.merchant, made.person, "@amira"]
    return {**in_paths(made), **in_bodies(made)} | {
        "path.account": accounts,
        "query.account": accounts,
        "query.merchant": accounts,
        "query.asset": ["USDC", "ETH"],
        "query.chain": [CHAIN],
        "body.account": accounts,
        "body.from": accounts,
        "body.to": [*accounts, "payer"],
    }


def in_paths(made: World) -> dict[str, list[str]]:
    """Return real values of the parts of paths."""
    return {
        "path.key": list(made.spare_keys),
        "path.deposit": [made.deposit],
        "path.transfer": [made.transfer],
        "path.withdrawal": [made.held, made.also_held, made.approved, made.sent],
        "path.invoice": [made.invoice, made.paid_invoice, made.late_invoice],
        "path.link": [made.link],
        "path.endpoint": [made.endpoint],
        "path.delivery": [made.delivery],
        "path.event": [made.event],
        "path.alarm": [made.alarm],
        "path.item": list(made.items),
        "path.hold": list(made.holds),
        "path.pause": list(made.pauses),
        "path.entry": list(made.entries),
        "path.payout": [made.payout],
        "path.asset": ["ETH", "USDC"],
        "path.quote": [made.quote],
        "path.refund": list(made.refunds),
        "path.transaction": list(made.transactions),
        "path.date": [made.closed_day],
        "path.tx_hash": [made.tx_hash],
    }


def in_bodies(made: World) -> dict[str, list[str]]:
    """Return real values of the fields of bodies."""
    return {
        "body.from_event": [made.event],
        "body.asset": ["USDC", "ETH"],
        "body.chain": [CHAIN],
        "body.currency": ["USD", "USDC", "ETH"],
        "body.amount": ["0.01", "1", "12.5", "2000", "0.0000001", "9" * 59],
        "body.to_address": [bodies.SOMEBODY],
        "body.payment": [made.late_deposit],
        "body.address_entry": list(made.entries),
        "body.assets[*].asset": ["USDC", "ETH"],
        "body.assets[*].chain": [CHAIN],
        "body.scopes[*]": sorted(ACCOUNT_SCOPES)[:5],
        "body.success_url": ["https://shop.example/thanks"],
    }


def config(made: World, key: str) -> SchemathesisConfig:
    """Return every phase and check, with this key."""
    values = known(made)
    names = {place: f"real{number}" for number, place in enumerate(values)}
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "dictionaries": {names[place]: {"values": found} for place, found in values.items()},
            "parameters": {
                place: {"dictionary": name, "probability": REAL} for place, name in names.items()
            },
            "headers": {"Authorization": f"Bearer {key}"},
            "generation": {"max-examples": EXAMPLES, "database": "none", "no-shrink": True},
            "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
            "continue-on-failure": True,
        }
    )


def failures(recorder: ScenarioRecorder) -> list[str]:
    """Return what the checks found in a scenario."""
    found = []
    for nodes in recorder.checks.values():
        for node in nodes:
            if node.failure_info is not None:
                failure = node.failure_info.failure
                code = node.failure_info.code_sample
                found.append(f"{recorder.label}: {failure.title}: {failure.message}\n{code}")
    return found


def answers(recorder: ScenarioRecorder) -> Iterator[tuple[str, int]]:
    """Return each call of a scenario with the status it was answered."""
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is not None:
            yield recorder.cases[case_id].value.operation.label, interaction.response.status_code


def search(made: World, key: str) -> tuple[list[str], Counter[tuple[str, int]]]:
    """Run every phase; returns what was found, and how often each call answered each status."""
    from gateway.app import app

    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config(made, key))
    found: list[str] = []
    answered: Counter[tuple[str, int]] = Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            found += failures(event.recorder)
            answered.update(answers(event.recorder))
        elif isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception
    return found, answered


def calls() -> list[str]:
    """Return every call of the document."""
    from gateway.app import app

    paths = app.openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


@pytest.mark.parametrize("who", ["operator", "merchant"])
def test_nothing_is_found(http: TestClient, who: str) -> None:
    made = world.build()
    key: Any = getattr(made, f"{who}_key")
    found, answered = search(made, key)
    asked = {call for call, _ in answered}
    closed = {call for call, status in answered if status == 403}  # this key's scopes
    never = asked - closed - {call for call, status in answered if status < 300}
    told = f"seed {SEED}, {EXAMPLES} examples, {answered.total()} answers, no 2xx: {sorted(never)}"
    print(told)
    assert found == [], "\n\n".join(found)
    assert len(asked) == len(calls()), told
    assert len(never) <= NEVER_MAX[who], told
