"""The audit, the report and the operators' keys, for the terminal."""

import typer

from gateway import db
from gateway.accounts import service as accounts
from gateway.scopes import OPERATOR_SCOPES


def operator_key(name: str) -> str:
    """Make an operator's key with every scope; returns the secret, which is stored nowhere."""
    with db.transaction() as session:
        _, secret = accounts.issue_key(
            session, account_id=None, name=name, scopes=OPERATOR_SCOPES
        )
    return secret


def audit() -> int:
    """Print each truth and whether it holds; returns the exit code."""
    from gateway.settlement.audit import CHECKS, audit_books, audit_chain

    with db.transaction() as session:
        findings = [*audit_books(session), *audit_chain(session)]
    breached = {finding.check for finding in findings}
    for check in CHECKS:
        typer.echo(f"{'BROKEN' if check in breached else 'holds':8}{check}")
    for finding in findings:
        typer.echo(f"  {finding.check}: {finding.detail}")
    return 1 if findings else 0


def report(start: str, end: str) -> None:
    """Print the settlement report from `start` (inclusive) to `end` (exclusive) as CSV."""
    from gateway.settlement.report import as_csv

    with db.transaction() as session:
        typer.echo(as_csv(session, start, end), nl=False)
