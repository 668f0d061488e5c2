"""Make deposits of what an operator found the owner of: they confirm, are credited and swept then
like any other, because the same functions write them.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.addresses import store as addresses
from gateway.addresses.store import Address
from gateway.chain import store as chains
from gateway.chain import vaults
from gateway.chain.address import show_address
from gateway.chain.port import Header, tohex
from gateway.deposits import accept, aside, pending, store
from gateway.deposits.payment import Payment
from gateway.deposits.store import Deposit
from gateway.deposits.tell import tell
from gateway.deposits.watched import Watched, listed_assets
from gateway.errors import Conflict, GatewayError
from gateway.inbox.store import Arrival, Item
from gateway.money import UNITS_MAX

log = structlog.get_logger()


def adopt(session: Session, item: Item, arrivals: Sequence[Arrival]) -> None:
    """Write a deposit for each transfer of an item; one that is there already stays as it is.

    The cursor of the chain is held by the caller. Raises Conflict saying what stands in the way.
    """
    try:
        write(session, item, arrivals)
    except GatewayError:
        raise
    except Exception as error:  # it was set aside because something failed: say what fails now
        log.exception("inbox.not_adopted", item=item.id)
        raise Conflict(
            f"it cannot be made a deposit: {type(error).__name__}; the log has the rest",
            code="not_adopted",
        ) from error


def write(session: Session, item: Item, arrivals: Sequence[Arrival]) -> None:
    """Write the deposits, and have the index of what confirms look at them."""
    known = Watched(item.chain)
    known.listed = listed_assets(session, item.chain)
    ours(session, item)
    head = store.heights(session, item.chain).head
    pending.beside(session, item.chain)
    for arrival in arrivals:
        check_amount(known, arrival)
    check_whole(session, item, arrivals)
    for arrival in arrivals:
        block = block_of(session, arrival)
        arrival.deposit_id = deposit_of(session, known, block, payment_of(arrival), head)
    session.flush()


def ours(session: Session, item: Item) -> None:
    """See that the address is one of ours on this chain; give it out there where it was elsewhere.

    It is reachable only where our factory is the one that it was derived from (EIP-1014).
    """
    if addresses.find(session, item.chain, item.address) is not None:
        return
    factory = chains.chain(session, item.chain).vault_factory
    query = select(Address).where(Address.address == item.address).order_by(Address.created_at)
    for row in session.scalars(query):
        if vaults.vault_address(factory, row.salt) == item.address:
            addresses.keep(
                session,
                chain=item.chain,
                address=item.address,
                salt=row.salt,
                account_id=row.account_id,
                invoice_id=row.invoice_id,
            )
            return
    raise Conflict(
        f"{show_address(item.address)} cannot be reached on {item.chain}: it is of another factory",
        code="out_of_reach",
    )


def check_amount(known: Watched, arrival: Arrival) -> None:
    """Raise Conflict for what cannot be booked: not listed, nothing, or more than money can be."""
    found = known.listed.get(arrival.contract)
    if found is None:
        raise Conflict(how_to_list(arrival), code="asset_not_listed")
    listed, asset = found
    if listed.distrusted_since is not None and listed.contract is not None:
        raise Conflict(
            f"{asset.code} is not trusted now, its alarm says why. Once it is right, list it again:"
            f" mizan chain asset {arrival.chain} {asset.code}={show_address(listed.contract)}",
            code="asset_distrusted",
        )
    if not 0 < listed.to_ledger(int(arrival.units), asset).units <= UNITS_MAX:
        raise Conflict("it tells no amount that could be credited: dismiss it", code="no_amount")


def check_whole(session: Session, item: Item, arrivals: Sequence[Arrival]) -> None:
    """Raise Conflict while some of an item's transfers are only counted: reading their blocks again
    makes deposits of all of them, as of those that are kept.
    """
    if item.beyond and not all(
        accept.is_deposit(session, item.chain, payment_of(one)) for one in arrivals
    ):
        raise Conflict(
            f"{item.beyond} of its {item.arrivals} transfers are only counted. Now that it is"
            f" listed, read them again: mizan rescan {item.chain} {item.first_block}; then assign",
            code="rescan_first",
        )


def how_to_list(arrival: Arrival) -> str:
    """Say how the asset of a transfer is listed."""
    if arrival.contract is None:
        return f"the native coin is not listed: mizan chain asset {arrival.chain} ETH=native"
    return (
        f"the token is not listed: mizan chain asset {arrival.chain}"
        f" CODE={show_address(arrival.contract)}, if it is one you serve; then assign again"
    )


def block_of(session: Session, arrival: Arrival) -> Header:
    """Return the block of a transfer, which must be on our chain; raises Conflict."""
    if store.canonical_hash(session, arrival.chain, arrival.block_number) != arrival.block_hash:
        raise Conflict(
            f"block {arrival.block_number} is not on our chain any more: rescan it",
            code="block_gone",
        )
    return Header(
        hash_hex=tohex(arrival.block_hash),
        parent_hash_hex=tohex(bytes(32)),
        number_hex=hex(arrival.block_number),
        timestamp_hex=hex(int(arrival.block_time.timestamp())),
        gas_used_hex="0x0",
    )


def payment_of(arrival: Arrival) -> Payment:
    """Return the payment a transfer is; raises Conflict without its transaction."""
    if arrival.tx_hash is None or arrival.sender is None:
        raise Conflict("its transaction is not known: dismiss it", code="no_transaction")
    return Payment(
        tx_hash=arrival.tx_hash,
        kind="native" if arrival.contract is None else "erc20",
        position=arrival.position,
        sender=arrival.sender,
        to=arrival.address,
        contract=arrival.contract,
        units=int(arrival.units),
        log_index=arrival.log_index,
    )


def deposit_of(session: Session, known: Watched, block: Header, payment: Payment, head: int) -> str:
    """Return the deposit of a payment, made now unless it was there."""
    deposit = accept.sighted(session, known, block, payment)
    if deposit is None:
        query = select(Deposit.id).where(*accept.identity(known.chain, payment))
        return session.scalars(query).one()
    tell(session, deposit, head)
    if not accept.offered(session, deposit):
        aside.put_wrong_asset(session, block, payment, deposit)
    return deposit.id
