"""`mizan chain …`: add a chain, say how it is read, paid on and swept, book what a person moved."""

from pathlib import Path
from typing import Annotated

import typer

chain = typer.Typer(no_args_is_help=True, help="The chains we serve.")


@chain.command("add")
def add_chain(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453; CHAINS must name its node")],
    name: Annotated[str, typer.Option(help="as people know it: Base")],
    treasury: Annotated[str, typer.Option(help="the cold address that sweeps go to")],
    owner_keystore: Annotated[
        Path, typer.Option(help="encrypted key of the contracts' cold owner")
    ],
    asset: Annotated[list[str], typer.Option(help="ETH=native or USDC=0x…; repeat")],
    payout_signer: Annotated[str | None, typer.Option(help="hot key that pays; else made")] = None,
    sweep_signer: Annotated[str | None, typer.Option(help="hot key that sweeps; else made")] = None,
    confirmations: Annotated[int, typer.Option(min=1, help="blocks, in and out")] = 12,
    block_seconds: Annotated[float, typer.Option(min=0.05)] = 12.0,
    explorer_url: Annotated[str | None, typer.Option(help="https://…/tx/{tx}")] = None,
    approver: Annotated[
        str | None, typer.Option(help="second key without whose signature nothing is paid out")
    ] = None,
    native_driver: Annotated[
        str | None, typer.Option(help="how native coin is found; else the node is asked")
    ] = None,
) -> None:
    """Serve a chain: check its node, deploy the contracts, note the block from which to watch."""
    from gateway.operators.chains import add

    typer.echo(
        add(
            chain_id=chain_id,
            name=name,
            treasury=treasury,
            owner_keystore=owner_keystore,
            payout_signer=payout_signer,
            sweep_signer=sweep_signer,
            assets=asset,
            confirmations=confirmations,
            block_seconds=block_seconds,
            explorer_url=explorer_url,
            approver=approver,
            native_driver=native_driver,
        )
    )


@chain.command("asset")
def list_asset(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    asset: Annotated[str, typer.Argument(help="USDT=0x… or ETH=native")],
    ledger_decimals: Annotated[
        int | None,
        typer.Option(min=0, max=36, help="the most it has on any chain; else this one's"),
    ] = None,
    minimum_deposit: Annotated[
        str | None, typer.Option(help="the least that is credited: 0.50")
    ] = None,
) -> None:
    """List an asset on a chain that is served; what came of it before can be assigned then."""
    from gateway.operators.chains import list_asset as list_it

    typer.echo(
        list_it(chain_id, asset, ledger_decimals=ledger_decimals, minimum_deposit=minimum_deposit)
    )


@chain.command("sweeps")
def sweep_terms(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    worth_gas: Annotated[
        str | None, typer.Option(help="sweep what holds so many times its share of the gas; 0: all")
    ] = None,
    age_days: Annotated[
        float | None, typer.Option(min=0.01, max=10_000, help="or what waited for so long")
    ] = None,
    gas_low: Annotated[
        int | None, typer.Option(min=1, help="alarm: a signer can pay for fewer transactions")
    ] = None,
    gas_fill: Annotated[
        int | None, typer.Option(min=1, help="for how many the alarm asks gas")
    ] = None,
) -> None:
    """Show when a chain's deposit addresses are swept and its signers' gas is low; set it."""
    from gateway.operators.sweeps import terms

    typer.echo(
        terms(chain_id, worth_gas=worth_gas, age_days=age_days, gas_low=gas_low, gas_fill=gas_fill)
    )


@chain.command("float")
def book_float(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
) -> None:
    """Book what you sent to the payout vault and the signers as the house's capital."""
    from gateway.operators.chains import book_float as book

    for line in book(chain_id):
        typer.echo(line)


@chain.command("hot")
def hot_funds(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    asset: Annotated[str, typer.Argument(help="USDC")],
    target: Annotated[
        str | None, typer.Option(help="what the payout vault should hold when all is paid")
    ] = None,
    least: Annotated[
        str | None, typer.Option("--min", help="below this a refill is proposed")
    ] = None,
    most: Annotated[
        str | None, typer.Option("--max", help="above this a drain is proposed; none: never")
    ] = None,
) -> None:
    """Show what the payout vault should hold of an asset; set it."""
    from gateway.operators.treasury import hot

    typer.echo(hot(chain_id, asset, target=target, least=least, most=most))


@chain.command("moved")
def book_moved(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    tx: Annotated[str, typer.Argument(help="the transaction the cold side signed: 0x…")],
) -> None:
    """Book a refill or a drain of the payout vault that the cold side signed."""
    from gateway.operators.treasury import moved

    for line in moved(chain_id, tx):
        typer.echo(line)


@chain.command("tier")
def set_tier(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    asset: Annotated[str, typer.Argument(help="USDC")],
    amount: Annotated[
        str | None, typer.Argument(help="deposits from this amount on; without it: list")
    ] = None,
    rule: Annotated[
        str | None, typer.Argument(help="finalized, safe, a number of blocks, or none")
    ] = None,
) -> None:
    """Say how final a deposit must be from an amount on; what no tier reaches: the chain's rule."""
    from gateway.operators.tiers import set_tier as set_it

    for line in set_it(chain_id, asset, amount, rule):
        typer.echo(line)


@chain.command("gasless")
def gasless_payments(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    asset: Annotated[str, typer.Argument(help="USDC")],
    minimum: Annotated[str | None, typer.Option(help="the least that is sent: 0.50")] = None,
    worth_gas: Annotated[
        str | None, typer.Option(help="send what is worth so many times its gas; 0: all")
    ] = None,
    relay_signer: Annotated[
        str | None, typer.Option(help="hot key that pays the gas; else made")
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="take no more signatures")] = False,
) -> None:
    """Let payers pay in a token by a signature (EIP-3009), for gas of the house."""
    from gateway.operators.gasless import allow

    typer.echo(
        allow(
            chain_id,
            asset,
            minimum=minimum,
            worth_gas=worth_gas,
            relay_signer=relay_signer,
            stop=stop,
        )
    )


@chain.command("list")
def list_chains() -> None:
    """Show what is served, and how each chain is read."""
    from gateway.operators.reading import listed

    for line in listed():
        typer.echo(line)


@chain.command("set")
def change_chain(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    name: Annotated[str, typer.Argument(help="what `mizan chain list` shows: read_ahead, …")],
    value: Annotated[str, typer.Argument()],
) -> None:
    """Change one thing about how a chain is read or paid on."""
    from gateway.operators.reading import change

    typer.echo(change(chain_id, name, value))
