"""Give out deposit addresses. No private key exists for any of them (EIP-1014)."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from gateway.accounts import service as accounts
from gateway.addresses import store
from gateway.addresses.store import Address
from gateway.chain import vaults
from gateway.chain.store import chain as chain_of
from gateway.chain.store import chain_assets
from gateway.ledger import service as ledger
from gateway.money import Money


def allocate(
    session: Session, *, account_id: str, chain: str, invoice_id: str | None = None
) -> Address:
    """Return the address of the account, or of its invoice, on a chain: always the same one.

    Show it to a payer only after the commit: from then on the watcher knows it. Raises NotFound,
    UnknownChain.
    """
    account = accounts.get(session, account_id)
    facts = chain_of(session, chain)
    salt = vaults.salt_of(invoice_id or account.id)
    return store.keep(
        session,
        chain=facts.id,
        address=vaults.vault_address(facts.vault_factory, salt),
        salt=salt,
        account_id=account.id,
        invoice_id=invoice_id,
    )


def of_invoice(invoice_id: str, factories: Mapping[str, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """Return the salt and the address of an invoice on each chain, by the chain's vault factory.

    The caller writes them: show them to a payer only after its commit.
    """
    salt = vaults.salt_of(invoice_id)
    return salt, {chain: vaults.vault_address(by, salt) for chain, by in factories.items()}


def find(session: Session, *, chain: str, address: bytes) -> Address | None:
    """Return what we know of an address: None when it is not one we gave out on this chain."""
    return store.find(session, chain, address)


def minimum_deposits(session: Session, chain: str) -> dict[str, Money]:
    """Return the least amount of each asset that is credited on a chain, by asset code."""
    found = {}
    for listed in chain_assets(session, chain):
        asset = ledger.asset(session, listed.asset)
        found[listed.asset] = Money(int(listed.minimum_deposit), asset)
    return found
