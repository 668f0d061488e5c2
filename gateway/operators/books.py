"""The audit, the report and the operators' keys, for the terminal."""

import typer

from gateway import db
from gateway.accounts import service as accounts
from gateway.scopes import OPERATOR_SCOPES

BROKEN, NOT_KNOWN = 1, 2


def operator_key(name: str) -> str:
    """Make an operator's key with every scope; returns the secret, which is stored nowhere."""
    with db.transaction() as session:
        _, secret = accounts.issue_key(session, account_id=None, name=name, scopes=OPERATOR_SCOPES)
    return secret


def audit() -> int:
    """Print each truth and whether it holds; returns the exit code: 1 broken, 2 not all known."""
    from gateway.settlement.audit import audit as prove
    from gateway.settlement.audit import audit_chain
    from gateway.settlement.store import snapshot

    with snapshot() as session:
        findings = prove(session)
    with db.transaction() as session:
        findings += audit_chain(session)
    for finding in findings:
        word = "BROKEN" if finding.is_breach else "unknown" if finding.away else "holds"
        typer.echo(f"{word:8} {finding.check} ({finding.subject})")
        if finding.detail:
            typer.echo(f"         {finding.detail}")
    if any(finding.is_breach for finding in findings):
        return BROKEN
    return NOT_KNOWN if any(finding.away for finding in findings) else 0


def report(start: str, end: str) -> None:
    """Print every account's settlement report from `start` (inclusive) to `end` as CSV."""
    from gateway.settlement import report as reports
    from gateway.settlement import rules
    from gateway.settlement.store import snapshot

    try:
        since, until = (rules.bounds(rules.day(name))[0] for name in (start, end))
    except ValueError as error:
        raise typer.BadParameter("a day looks like 2026-01-31") from error
    with snapshot() as session:
        found = reports.report(session, owner=None, since=since, until=until)
    typer.echo(reports.as_csv(found), nl=False)
