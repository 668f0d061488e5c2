"""A chain's sweep settings, from the command line."""

from typing import Any

import pytest
import typer
from sqlalchemy import text

from gateway import db
from gateway.operators.sweeps import terms
from tests.flow.books import CHAIN
from tests.flow.day import open_chain


@pytest.fixture(autouse=True)
def served(database: str) -> None:
    open_chain()


def run(chain: str = CHAIN, **given: Any) -> str:
    nothing = dict.fromkeys(("worth_gas", "age_days", "gas_low", "gas_fill"))
    return terms(chain, **{**nothing, **given})


def stored() -> list[str]:
    with db.transaction() as session:
        row = session.execute(
            text(
                "select sweep_worth_gas, sweep_age_seconds, gas_low_transactions,"
                " gas_fill_transactions from chain"
            )
        ).one()
        return [f"{value:f}" if index == 0 else str(value) for index, value in enumerate(row)]


def test_the_defaults_are_shown_and_left_as_they_are() -> None:
    told = run()
    assert "holds 10 times its share of the gas, or after 7 days" in told
    assert "fewer than 20 transactions; the alarm asks for 100" in told
    assert stored() == ["10", "604800", "20", "100"]


def test_what_is_given_is_set() -> None:
    assert "2.5 times" in run(worth_gas="2.5", age_days=0.5, gas_low=5, gas_fill=6)
    assert stored() == ["2.5", "43200", "5", "6"]
    run(worth_gas="0")
    assert stored() == ["0", "43200", "5", "6"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"worth_gas": "NaN"},
        {"worth_gas": "-1"},
        {"worth_gas": "much"},
        {"worth_gas": "1e30"},
        {"worth_gas": "5", "gas_low": 101},
        {"gas_fill": 19},
    ],
)
def test_what_makes_no_sense_changes_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter):
        run(**wrong)
    assert stored() == ["10", "604800", "20", "100"]


def test_a_chain_nobody_serves_is_named() -> None:
    with pytest.raises(typer.BadParameter, match="eip155:999"):
        run("eip155:999")
