"""`mizan`: run it, migrate it, add a chain, check the books."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.logs import configure_logs
from gateway.settings import settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
chain = typer.Typer(no_args_is_help=True, help="The chains we serve.")
app.add_typer(chain, name="chain")


@app.callback()
def begin() -> None:
    """Log to standard error: standard output is the command's answer alone."""
    configure_logs()


@app.command()
def up() -> None:
    """Run everything on this machine; the first run tells the story."""
    from gateway.local.up import run

    run(settings())


@app.command()
def story() -> None:
    """Tell the story on the running system, or on a new one that then stays up."""
    from gateway.local.up import run_story

    run_story(settings())


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from gateway.migrations import migrate as bring

    bring(settings().database_url)
    typer.echo("the database has the newest schema")


@app.command()
def audit() -> None:
    """Prove the books: the ledger's own proofs, then against withdrawals, reports and chain."""
    from gateway.operators.books import audit as prove

    raise typer.Exit(prove())


@app.command()
def report(
    start: Annotated[str, typer.Argument(help="first day, 2026-01-31")],
    end: Annotated[str, typer.Argument(help="the day after the last")],
) -> None:
    """Print the settlement report of a range of days as CSV."""
    from gateway.operators.books import report as print_report

    print_report(start, end)


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="who will hold it")],
) -> None:
    """Make an operator's API key with every scope; it is shown once."""
    from gateway.operators.books import operator_key

    typer.echo(operator_key(name))


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
        )
    )


@chain.command("float")
def book_float(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
) -> None:
    """Book what you sent to the payout vault and the signers as the house's capital."""
    from gateway.operators.chains import book_float as book

    for line in book(chain_id):
        typer.echo(line)


@app.command()
def rescan(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    from_block: Annotated[int, typer.Argument(min=0)],
) -> None:
    """Read a chain again from a block; what was missed is added, nothing is added twice."""
    from gateway.operators.chains import rescan as read_again

    typer.echo(f"{read_again(chain_id, from_block)} deposits were missing and are there now")


if __name__ == "__main__":
    app()
