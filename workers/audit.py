"""The invariants, every fifteen minutes: a breach is an alarm."""

import structlog

from gateway import db
from gateway.chain import store as chains
from gateway.chain.evm import node
from gateway.deposits.distrust import read_decimals_again
from gateway.errors import DependencyAway, UnknownChain
from gateway.settlement.audit import audit as check_books
from gateway.settlement.audit import audit_chain
from gateway.webhooks import alarms
from workers.app import worker_task

log = structlog.get_logger()


@worker_task()
def audit() -> None:
    """Make every check; one alarm for each that is broken, and for each token that changed."""
    with db.snapshot() as session:
        findings = check_books(session)
    with db.transaction() as session:
        findings += audit_chain(session)
    for finding in findings:
        if finding.away:
            log.warning("audit.away", check=finding.check, detail=finding.detail)
        elif finding.is_breach:
            with db.transaction() as session:
                alarms.raise_alarm(
                    session,
                    kind=f"audit.{finding.check}",
                    subject=finding.subject,
                    detail=finding.detail,
                )
    with db.transaction() as session:
        served = [chain.id for chain in chains.chains(session)]
    for chain in served:
        try:
            read_decimals_again(chain, node(chain))
        except (DependencyAway, UnknownChain) as error:
            log.warning("audit.away", check="decimals", chain=chain, detail=error.detail)
    log.info("audit.done", checks=len(findings), breaches=sum(f.is_breach for f in findings))
