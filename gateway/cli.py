"""`mizan`: run it, migrate it, add a chain, check the books."""

from typing import Annotated

import typer

from gateway.logs import configure_logs
from gateway.operators.chain_commands import chain
from gateway.operators.price_commands import prices
from gateway.settings import settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.add_typer(chain, name="chain")
app.add_typer(prices, name="prices")
lists = typer.Typer(no_args_is_help=True, help="The lists nothing may go to.")
app.add_typer(lists, name="lists")
signer = typer.Typer(no_args_is_help=True, help="The keys that sign, and what they may.")
app.add_typer(signer, name="signer")


page_keys = typer.Typer(no_args_is_help=True, help="The keys that sign where to pay how much.")
app.add_typer(page_keys, name="page-keys")


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


@page_keys.command("rotate")
def rotate_page_key() -> None:
    """Make the key that signs payment instructions, or the next; earlier ones stay published."""
    from gateway.operators.page_keys import rotate

    typer.echo(rotate())


@page_keys.command("show")
def show_page_keys() -> None:
    """Print what /.well-known/mizan-keys.json publishes, the key that signs first."""
    from gateway.operators.page_keys import show

    for line in show():
        typer.echo(line)


@signer.command("limit")
def limit_signer(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    address: Annotated[str, typer.Argument(help="the signer: 0x…")],
    kind: Annotated[
        str | None,
        typer.Argument(
            help="fee_per_gas (gwei), gas, fee_per_hour (coins), or an asset: value a day"
        ),
    ] = None,
    most: Annotated[str | None, typer.Argument(help="at most so much; none lifts it")] = None,
) -> None:
    """Say what a signer signs at most; without a kind: list. Needs the login that migrates."""
    from gateway.operators.signers import limit

    for line in limit(chain_id, address, kind, most):
        typer.echo(line)


@signer.command("approver")
def new_approver() -> None:
    """Make the second key in MIZAN_APPROVER_KEYSTORE; prints its address for `chain add`."""
    from gateway.operators.signers import new_approver as make

    typer.echo(make())


@lists.command("load")
def load_list(
    name: Annotated[str, typer.Argument(help="ofac; tokens:<name> for token contracts")],
    place: Annotated[str, typer.Argument(help="a file, or an https URL")],
) -> None:
    """Take a screening list in; one that is cut off, empty or much shorter is refused."""
    from gateway.operators.lists import load

    typer.echo(load(name, place))


@lists.command("show")
def show_lists() -> None:
    """Say which lists count."""
    from gateway.operators.lists import shown

    for line in shown():
        typer.echo(line)


@app.command()
def rescan(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    from_block: Annotated[int, typer.Argument(min=0)],
) -> None:
    """Read a chain again from a block; what was missed is added, nothing is added twice."""
    from gateway.operators.chains import rescan as read_again

    typer.echo(f"{read_again(chain_id, from_block)} deposits were missing and are there now")


@app.command()
def recover(
    chain_id: Annotated[str, typer.Argument(help="CAIP-2: eip155:8453")],
    book: Annotated[
        bool, typer.Option("--book", help="write what was found, after you looked at it")
    ] = False,
) -> None:
    """Find what our signers sent that a restored database does not know; with --book, book it."""
    from gateway.operators.recover import recover as find

    for line in find(chain_id, book=book):
        typer.echo(line)


if __name__ == "__main__":
    app()
