"""When a chain's deposit addresses are swept, and when its signers' gas is called low."""

from decimal import Decimal, InvalidOperation

import typer

from gateway import db
from gateway.chain.store import Chain
from gateway.chain.store import chain as chain_of
from gateway.errors import UnknownChain

DAY_SECONDS = 86_400
WORTH_GAS_MAX = Decimal(1_000_000)


def terms(
    chain_id: str,
    *,
    worth_gas: str | None,
    age_days: float | None,
    gas_low: int | None,
    gas_fill: int | None,
) -> str:
    """Set what is given and return what is true then; raises BadParameter, having set nothing."""
    with db.transaction() as session:
        try:
            chain = chain_of(session, chain_id)
        except UnknownChain as refusal:
            raise typer.BadParameter(refusal.detail) from refusal
        if worth_gas is not None:
            chain.sweep_worth_gas = times(worth_gas)
        if age_days is not None:
            chain.sweep_age_seconds = int(age_days * DAY_SECONDS)
        chain.gas_low_transactions = gas_low or chain.gas_low_transactions
        chain.gas_fill_transactions = gas_fill or chain.gas_fill_transactions
        if chain.gas_fill_transactions < chain.gas_low_transactions:
            raise typer.BadParameter("--gas-fill is less than --gas-low: it would never be enough")
        session.flush()
        return told(chain)


def times(text: str) -> Decimal:
    """Read how many times the gas; raises BadParameter for what is no such number."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise typer.BadParameter(f"{text!r} is no number") from error
    if not number.is_finite() or not 0 <= number <= WORTH_GAS_MAX:
        raise typer.BadParameter(f"--worth-gas is from 0 to {WORTH_GAS_MAX}")
    return number


def told(chain: Chain) -> str:
    """Say it in words."""
    return (
        f"{chain.id}: an address is swept when it holds {chain.sweep_worth_gas.normalize():f} times"
        f" its share of the gas, or after {chain.sweep_age_seconds / DAY_SECONDS:g} days\n"
        f"gas is low when a signer can pay for fewer than {chain.gas_low_transactions}"
        f" transactions; the alarm asks for {chain.gas_fill_transactions}"
    )
