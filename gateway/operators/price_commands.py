"""`mizan prices …`: whom we ask what an asset is worth, and what they say."""

from typing import Annotated

import typer

prices = typer.Typer(no_args_is_help=True, help="What assets are worth, and who says so.")

Code = Annotated[str, typer.Argument(help="ETH")]


def tell(lines: list[str]) -> None:
    """Print what became of it."""
    for line in lines:
        typer.echo(line)


@prices.command("show")
def show() -> None:
    """Say what every asset is worth now, and how each source does."""
    from gateway.operators.prices import shown

    tell(shown())


@prices.command("policy")
def policy(
    asset: Code,
    minimum: Annotated[
        int, typer.Option("--min", min=0, max=20, help="so many sources must agree")
    ] = 2,
    spread: Annotated[str, typer.Option(help="per cent a source may be from the median")] = "2",
    pin: Annotated[
        str | None, typer.Option(help="the price, for a stable coin: 1; the market only checks it")
    ] = None,
    depeg: Annotated[str, typer.Option(help="per cent the market may be from the pin")] = "2",
    drop: Annotated[
        bool, typer.Option("--drop", help="no sources: MIZAN_FIXED_PRICES alone")
    ] = False,
) -> None:
    """Say how an asset's price is made of its sources, in US dollars. Needs the owner's login."""
    from gateway.operators.prices import drop_policy, set_policy

    if drop:
        tell(drop_policy(asset))
    else:
        tell(set_policy(asset, minimum=minimum, spread=spread, pin=pin, depeg=depeg))


@prices.command("source")
def source(
    asset: Code,
    kind: Annotated[str, typer.Argument(help="bitstamp, coinbase or kraken")],
    symbol: Annotated[str, typer.Argument(help="its name of it there: ethusd, ETH, ETHUSD")],
    url: Annotated[str | None, typer.Option(help="another place that answers the same")] = None,
    age: Annotated[int, typer.Option(min=1, max=172_800, help="seconds an answer counts")] = 60,
    name: Annotated[str | None, typer.Option(help="as quotes print it; else the kind")] = None,
) -> None:
    """Ask an exchange; it is asked once before it is taken."""
    from gateway.operators.prices import add_ticker

    tell(add_ticker(asset, kind, symbol, base_url=url, age_seconds=age, name=name or kind))


@prices.command("feed")
def feed(
    asset: Code,
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:1; CHAINS must name its node")],
    contract: Annotated[str, typer.Argument(help="the feed's proxy: 0x…")],
    age: Annotated[
        int, typer.Option(min=1, max=172_800, help="its heartbeat and some more, in seconds")
    ] = 3_900,
    sequencer: Annotated[
        str | None, typer.Option(help="the uptime feed of a rollup's sequencer: 0x…")
    ] = None,
    name: Annotated[str, typer.Option(help="as quotes print it")] = "feed",
) -> None:
    """Ask an on-chain feed (latestRoundData); it is asked once before it is taken."""
    from gateway.operators.prices import add_feed

    tell(add_feed(asset, chain_id, contract, age_seconds=age, sequencer=sequencer, name=name))


@prices.command("drop")
def drop_source(
    asset: Code, name: Annotated[str, typer.Argument(help="as `prices show` prints it")]
) -> None:
    """Ask a source no longer."""
    from gateway.operators.prices import drop_source as drop

    tell(drop(asset, name))
