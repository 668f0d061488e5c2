"""The invariants, each one truth with a name. No finding means the books are right."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext

from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.chain import store as chains
from gateway.errors import DependencyAway, Refused
from gateway.settlement import close, report, rules
from gateway.settlement.reconciliation import compare_chain, positions
from gateway.settlement.shapes import ReportTotal

SHOWN_MAX = 5
DAYS_CHECKED_MAX = 7
AMOUNTS = ("gross", "fee", "net")

# Each query returns what breaks the rule, so an empty answer is the proof.
PROOFS = {
    "ledger.zero": "select * from ledger.check_zero",
    "ledger.balance": "select * from ledger.check_balance",
    "ledger.chain": "select * from ledger.check_chain",
    "ledger.two_legs": "select * from ledger.check_two_legs",
    "ledger.holds": "select * from ledger.check_holds",
    # who decided what: nothing missing, nothing changed, nothing left unsealed
    "journal": "select * from journal_check",
    # a deposit is in the ledger exactly while it is credited
    "deposits.credited": """
        select d.id, d.status, d.amount, coalesce(p.amount, 0) as posted from deposit d
        full join (
            select t.ref, sum(case when t.code = 1 then t.amount else -t.amount end) as amount
            from ledger.transfer t where t.code in (1, 2) and t.kind = 1 group by t.ref
        ) p on p.ref = d.id
        where coalesce(p.amount, 0) <> case when d.status = 'credited' then d.amount else 0 end
            or d.id is null""",
    # what is at each address is what came, less what sweeps took; both are kept as sums elsewhere
    "sweeps.unswept": """
        select coalesce(u.chain, s.chain) as chain, coalesce(u.asset, s.asset) as asset,
            encode(coalesce(u.address, s.address), 'hex') as address,
            coalesce(u.units, 0) as kept, coalesce(s.units, 0) as summed
        from unswept u full join (
            select chain, asset, address, sum(units) as units from (
                select chain, asset, address, amount as units from deposit
                    where status = 'credited'
                union all
                select chain, asset, address, units from found_coin
                union all
                select chain, asset, address, -swept from sweep_item where swept <> 0
            ) moved group by chain, asset, address
        ) s on s.chain = u.chain and s.asset = u.asset and s.address = u.address
        where coalesce(u.units, 0) <> coalesce(s.units, 0)""",
    "sweeps.custody": """
        select coalesce(l.chain, u.chain) as chain, coalesce(l.asset, u.asset) as asset,
            coalesce(l.units, 0) as ledger, coalesce(u.units, 0) as kept
        from (
            select a.chain, s.code as asset, sum(a.debits_posted - a.credits_posted) as units
            from ledger.account a join ledger.asset s on s.id = a.asset_id
            where a.code = 1010 group by a.chain, s.code
        ) l full join (
            select chain, asset, sum(units) as units from unswept group by chain, asset
        ) u on u.chain = l.chain and u.asset = l.asset
        where coalesce(l.units, 0) <> coalesce(u.units, 0)""",
    # what is reserved is what open withdrawals may still take: amount and fee
    "withdrawals.held": """
        select coalesce(w.owner, h.owner) as account, coalesce(w.asset, h.asset) as asset,
            coalesce(w.units, 0) as open, coalesce(h.units, 0) as held
        from (
            select account_id as owner, asset, sum(amount + fee) as units from withdrawal
            where status in ('requested', 'held', 'approved', 'sent') group by account_id, asset
        ) w full join (
            select a.owner, s.code as asset, sum(a.debits_pending) as units from ledger.account a
            join ledger.asset s on s.id = a.asset_id
            where a.code = 2000 and a.debits_pending <> 0 group by a.owner, s.code
        ) h on h.owner = w.owner and h.asset = w.asset
        where coalesce(w.units, 0) <> coalesce(h.units, 0)""",
    "withdrawals.confirmed": """
        select w.id, w.amount + w.fee as paid, coalesce(-sum(e.amount), 0) as posted
        from withdrawal w
        left join customer_entry e
            on e.ref = w.id and e.code in (4, 5, 9) and e.owner = w.account_id
        group by w.id
        having coalesce(-sum(e.amount), 0)
            <> case when w.status = 'confirmed' then w.amount + w.fee else 0 end""",
    "transfers.posted": """
        select f.id, f.amount, t.amount as posted from transfer f
        left join ledger.transfer t on t.ref = f.id and t.code = 3
        where t.amount is distinct from f.amount""",
    "settlement.continuity": """
        select s.id from settlement s left join lateral (
            select p.closing_balance from settlement p
            where p.account_id = s.account_id and p.asset = s.asset and p.date < s.date
            order by p.date desc limit 1) p on true
        where s.opening_balance <> coalesce(p.closing_balance, 0)""",
}
# Written when each entry was booked, so it owes nothing to the sums the report makes.
LEDGER_AT = text("""
    select s.code, s.decimals, sum(last.balance_after) as units
    from ledger.account a join ledger.asset s on s.id = a.asset_id
    cross join lateral (
        select e.balance_after from ledger.entry e join ledger.transfer t on t.id = e.transfer_id
        where e.account_id = a.id and t.created_at < :moment order by e.version desc limit 1) last
    where a.code = 2000 and a.owner is not null group by s.code, s.decimals
""")


@dataclass(frozen=True, slots=True)
class Finding:
    """A check and what it found: nothing, a breach, or that it could not be made."""

    check: str
    detail: str = ""
    subject: str = "books"
    away: bool = False

    @property
    def is_breach(self) -> bool:
        """True when the books are wrong; a node that is away proves nothing."""
        return bool(self.detail) and not self.away


def audit(session: Session) -> list[Finding]:
    """Make every check the database can answer. Use a session of `db.snapshot()`."""
    found = [Finding(name, broken(session, query)) for name, query in PROOFS.items()]
    checks: dict[str, Callable[[Session], str]] = {
        "custody.owed": custody_is_owed,
        "settlement.closed": closed_days_are_the_ledger,
        "report.totals": report_is_the_ledger,
    }
    return found + [Finding(name, check(session)) for name, check in checks.items()]


def audit_chain(session: Session) -> list[Finding]:
    """Compare the ledger with every chain; a node that is away is no breach."""
    found = []
    for chain in chains.chains(session):
        try:
            rows = compare_chain(session, chain)
        except DependencyAway as error:
            reason = f"the chain is away: {error.detail}"
            found.append(Finding("chain", reason, chain.id, away=True))
            continue
        wrong = [
            f"{row.on_chain.asset.code} at block {row.block_number}: on chain {row.on_chain},"
            f" ledger {row.ledger}, difference {row.difference}"
            for row in rows
            if row.difference
        ]
        found.append(Finding("chain", "; ".join(wrong), chain.id))
    return found


def broken(session: Session, query: str) -> str:
    """Return the first rows that break a rule, as text; empty when none does."""
    shown = f"select * from ({query}) x limit {SHOWN_MAX}"  # noqa: S608 - our own text
    rows = session.execute(text(shown)).mappings().all()
    return "; ".join(", ".join(f"{name} {value}" for name, value in row.items()) for row in rows)


def custody_is_owed(session: Session) -> str:
    """What we hold is what we owe and what is the house's, by asset."""
    return "; ".join(
        f"{row.custody.asset.code}: {row.difference}"
        for row in positions(session)
        if row.difference
    )


def closed_days_are_the_ledger(session: Session) -> str:
    """Each of the newest closed days, computed again, is what was stored."""
    days = session.scalars(
        text(
            "select date from settlement_day where closed_at is not null"
            " order by date desc limit :n"
        ),
        {"n": DAYS_CHECKED_MAX},
    )
    return "; ".join(wrong for day in days if (wrong := day_is_the_ledger(session, day)))


def day_is_the_ledger(session: Session, day: date) -> str:
    """Say which stored rows of a closed day are not what the ledger says now."""
    columns = "gross, fees, refunds, payouts, opening_balance, closing_balance, count"
    stored = {
        row.id: tuple(map(int, row[1:]))
        for row in session.execute(
            text(f"select id, {columns} from settlement where date = :day"),  # noqa: S608
            {"day": day},
        )
    }
    again = {
        row.id: tuple(int(getattr(row, name)) for name in columns.split(", "))
        for row in close.live(session, day)
    }
    names = sorted(stored.keys() | again.keys())
    wrong = [name for name in names if stored.get(name) != again.get(name)]
    return ", ".join(wrong[:SHOWN_MAX])


def report_is_the_ledger(session: Session) -> str:
    """The report of each open day: totals are the ledger's change, and the CSV adds up to them.

    The CSV is parsed and added by code that shares nothing with the report's.
    """
    wrong = []
    for day in close.open_days(session)[:DAYS_CHECKED_MAX]:
        since, until = rules.bounds(day)
        try:
            found = report.report(session, owner=None, since=since, until=until)
        except Refused as error:
            wrong.append(f"{day}: {error.detail}")
            continue
        sums = add_up(report.as_csv(found))
        opening, closing = ledger_at(session, since), ledger_at(session, until)
        wrong += [
            f"{day} {total.asset}: rows {total.net}, ledger {total.opening_balance} before,"
            f" {total.closing_balance} after"
            for total in found.totals
            if not is_true(total, sums, opening, closing)
        ]
    return "; ".join(wrong)


def is_true(
    total: ReportTotal,
    sums: dict[str, dict[str, Decimal]],
    opening: dict[str, Decimal],
    closing: dict[str, Decimal],
) -> bool:
    """True if the totals are the CSV's sums, and their change that of the ledger's own balances."""
    before, after = opening.get(total.asset, Decimal(0)), closing.get(total.asset, Decimal(0))
    added = sums.get(total.asset) or dict.fromkeys(AMOUNTS, Decimal(0))
    with localcontext() as context:
        context.prec = rules.DIGITS_MAX
        return (
            added == {name: Decimal(getattr(total, name)) for name in AMOUNTS}
            and (Decimal(total.opening_balance), Decimal(total.closing_balance)) == (before, after)
            and added["net"] == added["gross"] + added["fee"] == after - before
        )


def ledger_at(session: Session, moment: datetime) -> dict[str, Decimal]:
    """Return what all customers had at a moment, by the balance each last entry before it wrote."""
    rows = session.execute(LEDGER_AT, {"moment": moment})
    with localcontext() as context:
        context.prec = rules.DIGITS_MAX
        return {row.code: Decimal(row.units).scaleb(-row.decimals) for row in rows}


def add_up(document: str) -> dict[str, dict[str, Decimal]]:
    """Add the amounts of a report's CSV by asset, reading it as any spreadsheet would."""
    sums: dict[str, dict[str, Decimal]] = {}
    with localcontext() as context:
        context.prec = rules.DIGITS_MAX
        for line in csv.DictReader(io.StringIO(document, newline="")):
            of = sums.setdefault(line["asset"], dict.fromkeys(AMOUNTS, Decimal(0)))
            for name in of:
                of[name] += Decimal(line[name])
    return sums
