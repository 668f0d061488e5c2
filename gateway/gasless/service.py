"""Take what a payer signed, and say how it fares. What arrives is credited as any deposit is."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from gateway import bell
from gateway.chain import store as chains
from gateway.chain.eip3009 import Authorization, Domain
from gateway.chain.store import Chain, ChainAsset
from gateway.errors import Conflict, NotFound
from gateway.gasless import rules, store
from gateway.gasless.store import GaslessToken, PaymentAuthorization
from gateway.ids import new_id
from gateway.invoices import service as invoices
from gateway.invoices.facts import Facts
from gateway.invoices.store import Invoice, InvoiceOption, locked
from gateway.screening import service as screening
from gateway.sending import sweep_rules
from gateway.sending.store import signers
from gateway.withdrawals import quotes

ROLE = "relay"
PAYER_DAY = timedelta(hours=24)
REVERTED = "reverted"
INVOICE_OVER = "invoice_"
ASKS_LESS = f"{INVOICE_OVER}asks_less"
NONCE_BYTES = 32
PAYER_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
ON_ITS_WAY = text(
    "select count(*) from payment_authorization a join intent i on i.id = a.intent_id"
    " left join transaction t on t.intent_id = i.id"
    " where a.chain = :chain and a.payer = :payer and a.status in ('queued', 'sent', 'mined')"
    " and (i.status = 'planned' or (i.status = 'signed' and t.state = 'signed'))"
)
LIVE = rules.LIVE

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to pay an invoice by a signature; `due` is in the token's base units."""

    option: InvoiceOption
    place: Chain
    listed: ChainAsset
    token: GaslessToken
    relay: bytes
    due: int

    @property
    def contract(self) -> bytes:
        """Return the token's address."""
        assert self.listed.contract is not None
        return self.listed.contract

    @property
    def domain(self) -> Domain:
        """Return what a signature is for."""
        return domain_of(self.token, self.place, self.contract)


def domain_of(token: GaslessToken, place: Chain, contract: bytes) -> Domain:
    """Return a token's domain, as the command line read it from the token."""
    return Domain(token.name, token.version, place.chain_id, contract)


def ways(session: Session, facts: Facts) -> list[Way]:
    """Return the ways an invoice can be paid by a signature now, in the order of its options."""
    if facts.stored.status != "open":
        return []
    tokens = store.tokens(session, sorted({row.chain for row in facts.options} - facts.paused))
    found = []
    for row in facts.options:
        token = tokens.get((row.chain, row.asset))
        relays = signers(session, row.chain, ROLE) if token is not None else []
        remaining = facts.remaining(row)
        if token is None or not relays or remaining.units < int(token.minimum):
            continue
        listed = chains.chain_asset(session, row.chain, row.asset)
        if listed.contract is None:
            continue
        place = chains.chain(session, row.chain)
        due = listed.to_chain(remaining)
        found.append(Way(row, place, listed, token, relays[0].address, due))
    return found


def options(session: Session, facts: Facts) -> list[InvoiceOption]:
    """Return the options of an invoice that a signature can pay now."""
    return [one.option for one in ways(session, facts)]


def latest(session: Session, invoice_id: str) -> PaymentAuthorization | None:
    """Return what was signed last for an invoice."""
    return store.latest(session, invoice_id)


def way(session: Session, facts: Facts, chain: str, asset: str | bytes) -> Way:
    """Return the way by a chain and an asset's code or contract.

    Raises Conflict once the invoice asks for nothing, NotFound where it takes no signature.
    """
    if facts.stored.status != "open":
        raise Conflict(f"the invoice is {facts.stored.status}", code="wrong_state")
    for one in ways(session, facts):
        if one.option.chain == chain and asset in (one.option.asset, one.contract):
            return one
    raise NotFound("the invoice cannot be paid so by a signature now")


def handed_in(
    session: Session, facts: Facts, chain: str, asset: str | bytes | None, signed: Authorization
) -> PaymentAuthorization | None:
    """Return what was handed in before under this nonce, whatever the invoice is by now.

    `asset` None is any of the chain's. Raises Conflict for another payment under the nonce.
    """
    for option in facts.options:
        if option.chain != chain:
            continue
        listed = chains.chain_asset(session, chain, option.asset)
        if asset not in (None, option.asset, listed.contract):
            continue
        row = store.find(session, chain, option.asset, signed)
        if row is None:
            continue
        if (row.invoice_id, row.authorization) != (facts.invoice.id, signed):
            raise Conflict("this payer's nonce came with another payment", code="nonce_used")
        return row
    return None


def wanted(found: Way, payer: bytes, now: datetime) -> Authorization:
    """Return what a payer is asked to sign. Nothing is kept: what comes back says it all."""
    return Authorization(
        payer=payer,
        to=bytes(found.option.address),
        value=found.due,
        valid_after=0,
        valid_before=int(now.timestamp()) + rules.VALID_SECONDS,
        nonce=secrets.token_bytes(NONCE_BYTES),
    )


def least_worth(session: Session, place: Chain, token: GaslessToken, *, wei: int) -> int:
    """Return from which value on a payment is worth what its gas costs, base units of the token.

    Raises DependencyAway without a rate.
    """
    if token.worth_gas == 0:
        return 1
    coin = quotes.native_asset(session, place.id)
    listed = chains.chain_asset(session, place.id, token.asset)
    least = sweep_rules.least_worth(
        Fraction(wei),
        sweep_rules.Terms(worth_gas=token.worth_gas, age_seconds=0),
        rate=quotes.rate(session, coin.asset, token.asset),
        coin_decimals=coin.decimals,
        decimals=listed.decimals,
    )
    assert least is not None, "the rate is there"
    return least


def check(session: Session, facts: Facts, found: Way, signed: Authorization, key: bytes) -> None:
    """Raise Conflict or Refused unless what was signed may be sent; `key` are its 65 bytes.

    Raises DependencyAway where nobody knows what its gas is worth.
    """
    cost = rules.GAS_EXPECTED * quotes.gas_price(session, found.place.id)
    asked = rules.Asked(
        to=bytes(found.option.address),
        due=found.due,
        least=least_worth(session, found.place, found.token, wei=cost),
        payable=facts.stored.status == "open" and found.option.chain not in facts.paused,
        attempts=count(session, PaymentAuthorization.invoice_id == facts.invoice.id),
        payer_failures=payer_failures(session, found.option.chain, signed.payer),
        live=is_live(session, facts.invoice.id),
        listed=screening.is_listed(session, signed.payer),
    )
    given = rules.Given(
        payer=signed.payer,
        signer=signed.signed_by(found.domain, key),
        to=signed.to,
        value=signed.value,
        valid_after=signed.valid_after,
        valid_before=signed.valid_before,
    )
    refusal = rules.refusal(asked, given, int(datetime.now(UTC).timestamp()))
    if refusal is not None:
        raise refusal


def count(session: Session, *conditions: object) -> int:
    """Return how many authorizations there are of some kind."""
    query = select(func.count()).select_from(PaymentAuthorization)
    return int(session.scalar(query.where(*conditions)) or 0)  # type: ignore[arg-type]


def payer_failures(session: Session, chain: str, payer: bytes) -> int:
    """Return how often what this payer signed reverted in a day, final or not, for gas of ours."""
    return count(
        session,
        PaymentAuthorization.chain == chain,
        PaymentAuthorization.payer == payer,
        PaymentAuthorization.reason == REVERTED,
        PaymentAuthorization.created_at > datetime.now(UTC) - PAYER_DAY,
    )


def is_on_its_way(session: Session, chain: str, payer: bytes) -> bool:
    """True while something this payer signed is planned or sent, and in no block. Until the
    transaction ends nobody else plans for the payer.
    """
    session.execute(PAYER_LOCK, {"name": f"{ROLE}:{chain}:{payer.hex()}"})
    return bool(session.execute(ON_ITS_WAY, {"chain": chain, "payer": payer}).scalar_one())


def is_live(session: Session, invoice_id: str) -> bool:
    """True while something signed for the invoice is on its way."""
    live = PaymentAuthorization.status.in_(rules.LIVE)
    return count(session, PaymentAuthorization.invoice_id == invoice_id, live) > 0


def queue(
    session: Session, invoice_id: str, chain: str, asset: str, signed: Authorization, key: bytes
) -> PaymentAuthorization:
    """Queue what was signed and ring the relay; once, however often it is handed in.

    Raises as `handed_in`, `way` and `check`, all done with the invoice locked.
    """
    locked(session, invoice_id)
    facts = invoices.get(session, invoice_id)
    before = handed_in(session, facts, chain, asset, signed)
    if before is not None:
        return before
    found = way(session, facts, chain, asset)
    check(session, facts, found, signed, key)
    row = PaymentAuthorization(
        id=new_id("auth"),
        invoice_id=invoice_id,
        chain=chain,
        asset=asset,
        payer=signed.payer,
        to_address=signed.to,
        value=signed.value,
        valid_after=signed.valid_after,
        valid_before=signed.valid_before,
        nonce=signed.nonce,
        signature=key,
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    log.info("authorization.queued", authorization=row.id, invoice_id=row.invoice_id)
    bell.ring(session, ROLE, row.chain)
    bell.publish(session, f"object:{row.invoice_id}")
    return row


def over(session: Session, row: PaymentAuthorization) -> str | None:
    """Return why an authorization is not to be sent for its invoice; None while that asks for all
    that was signed. Money that came by another way meanwhile would make it too much.
    """
    invoice = session.get_one(Invoice, row.invoice_id, populate_existing=True)
    if invoice.status != "open":
        return f"{INVOICE_OVER}{invoice.status}"
    facts = invoices.get(session, row.invoice_id)
    pair = row.chain, row.asset
    option = next((one for one in facts.options if (one.chain, one.asset) == pair), None)
    if option is None:  # a new quote left it out
        return ASKS_LESS
    listed = chains.chain_asset(session, row.chain, row.asset)
    due = listed.to_chain(facts.remaining(option))
    return ASKS_LESS if due < int(row.value) else None


def get(session: Session, authorization_id: str) -> PaymentAuthorization:
    """Return a signed payment; raises NotFound."""
    row = session.get(PaymentAuthorization, authorization_id)
    if row is None:
        raise NotFound("no such signed payment")
    return row
