"""The audit, the report and the operators' keys, for the terminal."""

import typer

from gateway import db
from gateway.accounts import service as accounts
from gateway.errors import GatewayError
from gateway.scopes import OPERATOR_SCOPES
from gateway.settlement import audit as books
from gateway.settlement import report as reports
from gateway.settlement import rules


def operator_key(name: str) -> str:
    """Make an operator's key with every scope; returns the secret, which is stored nowhere."""
    with db.transaction() as session:
        _, secret = accounts.issue_key(session, account_id=None, name=name, scopes=OPERATOR_SCOPES)
    return secret


def audit() -> int:
    """Print each truth and whether it holds; returns 1 if one is broken or could not be checked."""
    with db.snapshot() as session:
        findings = books.audit(session)
    with db.transaction() as session:
        findings += books.audit_chain(session)
    for finding in findings:
        verdict = "BROKEN" if finding.is_breach else "away" if finding.away else "holds"
        typer.echo(f"{verdict:8}{finding.check:24}{finding.subject:14}{finding.detail}")
    return int(any(finding.is_breach or finding.away for finding in findings))


def report(start: str, end: str) -> None:
    """Print the settlement report from `start` (inclusive) to `end` (exclusive) as CSV."""
    try:
        since, until = rules.span(start, end)
    except GatewayError as refusal:
        raise typer.BadParameter(refusal.detail) from refusal
    with db.snapshot() as session:
        found = reports.report(session, owner=None, since=since, until=until)
    typer.echo(reports.as_csv(found), nl=False)
