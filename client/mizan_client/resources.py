"""Every call of the gateway. Made by generate.py: do not edit."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from mizan_client.listing import Listing
from mizan_client.models import (
    Account,
    Address,
    AddressBookEntry,
    Alarm,
    AssetOnChainInput,
    Assets,
    Balances,
    Chains,
    Challenge,
    Day,
    Deed,
    Delivery,
    Deposit,
    Endpoint,
    Event,
    Hold,
    Inbox,
    Invoice,
    Key,
    Limits,
    Link,
    Pause,
    Payout,
    PriceQuote,
    Rate,
    RateList,
    Reconciliation,
    Refund,
    Replay,
    Report,
    Rule,
    Schedule,
    Settlement,
    SignedInvoice,
    StatementEntry,
    Stuck,
    Terms,
    TermsInput,
    TierLimit,
    Trace,
    Transaction,
    Transfer,
    TreasuryList,
    WebhookAttempt,
    WholeInbox,
    Withdrawal,
    WithdrawalQuote,
)
from mizan_client.transport import Transport


class Unset:
    """What was not given: None is sent as null."""


UNSET = Unset()


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what was given."""
    return {name: value for name, value in fields.items() if not isinstance(value, Unset)}


def place(value: str) -> str:
    """Write a value as one part of a path."""
    return quote(value, safe="@")


class AccountsAddressBookCalls:
    """Accounts address book."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        account: str,
        *,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[AddressBookEntry]:
        """List the addresses of an account, newest first; removed ones stay on record."""
        return Listing(
            self._transport,
            f"/v1/accounts/{place(account)}/address_book",
            AddressBookEntry,
            given(
                {
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def create(
        self,
        account: str,
        *,
        chain: str,
        address: str,
        label: str,
        idempotency_key: str | None = None,
    ) -> AddressBookEntry:
        """Add an address; it may be used after the activation delay."""
        found: AddressBookEntry = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/address_book",
            AddressBookEntry,
            body=given({"chain": chain, "address": address, "label": label}),
            idempotency_key=idempotency_key,
        )
        return found

    def rule(self, account: str, *, required: bool, idempotency_key: str | None = None) -> Rule:
        """Let money go to the book only, at once; or anywhere, after the activation delay."""
        found: Rule = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/address_book/rule",
            Rule,
            body=given({"required": required}),
            idempotency_key=idempotency_key,
        )
        return found

    def delete(self, account: str, entry: str) -> AddressBookEntry:
        """Take an address out of the book, at once."""
        found: AddressBookEntry = self._transport.call(
            "DELETE",
            f"/v1/accounts/{place(account)}/address_book/{place(entry)}",
            AddressBookEntry,
        )
        return found

    def challenge(
        self,
        account: str,
        entry: str,
        *,
        idempotency_key: str | None = None,
    ) -> Challenge:
        """Ask for a message whose signature proves that the address is the account's."""
        found: Challenge = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/address_book/{place(entry)}/challenge",
            Challenge,
            idempotency_key=idempotency_key,
        )
        return found

    def prove(
        self,
        account: str,
        entry: str,
        *,
        nonce: str,
        signature: str,
        idempotency_key: str | None = None,
    ) -> AddressBookEntry:
        """Prove the address by its signature, which shortens its cooling-off."""
        found: AddressBookEntry = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/address_book/{place(entry)}/prove",
            AddressBookEntry,
            body=given({"nonce": nonce, "signature": signature}),
            idempotency_key=idempotency_key,
        )
        return found


class AccountsAddressesCalls:
    """Accounts addresses."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, account: str, *, chain: str, idempotency_key: str | None = None) -> Address:
        """Tell the account's address on a chain; asking again gives the same one."""
        found: Address = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/addresses",
            Address,
            body=given({"chain": chain}),
            idempotency_key=idempotency_key,
        )
        return found


class AccountsApiKeysCalls:
    """Accounts api keys."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        account: str,
        *,
        scopes: Sequence[str],
        name: Unset | str = UNSET,
        idempotency_key: str | None = None,
    ) -> Key:
        """Make a key for the account. A key can only give scopes it has itself."""
        found: Key = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/api_keys",
            Key,
            body=given({"scopes": scopes, "name": name}),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        account: str,
        *,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Key]:
        """List the account's keys, without their secrets."""
        return Listing(
            self._transport,
            f"/v1/accounts/{place(account)}/api_keys",
            Key,
            given(
                {
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def revoke(self, account: str, key: str, *, idempotency_key: str | None = None) -> Key:
        """End a key now; doing it again changes nothing."""
        found: Key = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/api_keys/{place(key)}/revoke",
            Key,
            idempotency_key=idempotency_key,
        )
        return found

    def rotate(self, account: str, key: str, *, idempotency_key: str | None = None) -> Key:
        """Replace a key by a fresh one with the same scopes; the old one ends now."""
        found: Key = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/api_keys/{place(key)}/rotate",
            Key,
            idempotency_key=idempotency_key,
        )
        return found


class AccountsBalancesCalls:
    """Accounts balances."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, account: str) -> Balances:
        """Tell what is available, what is held and what is still confirming, by asset."""
        found: Balances = self._transport.call(
            "GET",
            f"/v1/accounts/{place(account)}/balances",
            Balances,
        )
        return found


class AccountsCheckoutTermsCalls:
    """Accounts checkout terms."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def retrieve(self, account: str) -> Terms:
        """Show what a merchant does without and how late it takes money."""
        found: Terms = self._transport.call(
            "GET",
            f"/v1/accounts/{place(account)}/checkout_terms",
            Terms,
        )
        return found

    def update(
        self,
        account: str,
        *,
        under_percent: Unset | str = UNSET,
        under_amount: Unset | str = UNSET,
        over_percent: Unset | str = UNSET,
        over_amount: Unset | str = UNSET,
        late_percent: Unset | str | None = UNSET,
        late_hours: Unset | int | None = UNSET,
        late: Unset | Literal["credit", "refund"] = UNSET,
        support_url: Unset | str | None = UNSET,
    ) -> Terms:
        """Set a merchant's terms, all of them, for the invoices opened from now on."""
        found: Terms = self._transport.call(
            "PUT",
            f"/v1/accounts/{place(account)}/checkout_terms",
            Terms,
            body=given(
                {
                    "under_percent": under_percent,
                    "under_amount": under_amount,
                    "over_percent": over_percent,
                    "over_amount": over_amount,
                    "late_percent": late_percent,
                    "late_hours": late_hours,
                    "late": late,
                    "support_url": support_url,
                }
            ),
        )
        return found


class AccountsEntriesCalls:
    """Accounts entries."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        account: str,
        *,
        asset: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[StatementEntry]:
        """Show the statement: every entry with its running balance and what caused it."""
        return Listing(
            self._transport,
            f"/v1/accounts/{place(account)}/entries",
            StatementEntry,
            given(
                {
                    "asset": asset,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )


class AccountsLimitsCalls:
    """Accounts limits."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def retrieve(self, account: str) -> Limits:
        """Tell what an account may take out now, and when it may take out more."""
        found: Limits = self._transport.call(
            "GET",
            f"/v1/accounts/{place(account)}/limits",
            Limits,
        )
        return found


class AccountsCalls:
    """Accounts."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.address_book = AccountsAddressBookCalls(transport)
        self.addresses = AccountsAddressesCalls(transport)
        self.api_keys = AccountsApiKeysCalls(transport)
        self.balances = AccountsBalancesCalls(transport)
        self.checkout_terms = AccountsCheckoutTermsCalls(transport)
        self.entries = AccountsEntriesCalls(transport)
        self.limits = AccountsLimitsCalls(transport)

    def create(
        self,
        *,
        handle: str,
        kind: Literal["person", "merchant"],
        external_id: Unset | str | None = UNSET,
        metadata: Unset | Mapping[str, str] = UNSET,
        idempotency_key: str | None = None,
    ) -> Account:
        """Open an account under a unique handle."""
        found: Account = self._transport.call(
            "POST",
            "/v1/accounts",
            Account,
            body=given(
                {"handle": handle, "kind": kind, "external_id": external_id, "metadata": metadata}
            ),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        *,
        status: Unset | Literal["active", "frozen"] | None = UNSET,
        kind: Unset | Literal["person", "merchant"] | None = UNSET,
        external_id: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Account]:
        """List accounts, newest first; an account's own key sees that account."""
        return Listing(
            self._transport,
            "/v1/accounts",
            Account,
            given(
                {
                    "status": status,
                    "kind": kind,
                    "external_id": external_id,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, account: str) -> Account:
        """Find an account by id or by @handle."""
        found: Account = self._transport.call(
            "GET",
            f"/v1/accounts/{place(account)}",
            Account,
        )
        return found

    def freeze(self, account: str, *, idempotency_key: str | None = None) -> Account:
        """Stop new debits and holds; what the chain decides still posts."""
        found: Account = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/freeze",
            Account,
            idempotency_key=idempotency_key,
        )
        return found

    def tier(
        self,
        account: str,
        *,
        tier: int,
        evidence: str,
        idempotency_key: str | None = None,
    ) -> Limits:
        """Say how well an account is known; what it may take out follows from that at once."""
        found: Limits = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/tier",
            Limits,
            body=given({"tier": tier, "evidence": evidence}),
            idempotency_key=idempotency_key,
        )
        return found

    def unfreeze(self, account: str, *, idempotency_key: str | None = None) -> Account:
        """Let money leave the account again."""
        found: Account = self._transport.call(
            "POST",
            f"/v1/accounts/{place(account)}/unfreeze",
            Account,
            idempotency_key=idempotency_key,
        )
        return found


class AlarmsCalls:
    """Alarms."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        kind: Unset | str | None = UNSET,
        status: Unset | Literal["open", "acknowledged", "all"] = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Alarm]:
        """List alarms, open ones unless asked otherwise, newest first."""
        return Listing(
            self._transport,
            "/v1/alarms",
            Alarm,
            given(
                {
                    "kind": kind,
                    "status": status,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def acknowledge(self, alarm: str, *, idempotency_key: str | None = None) -> Alarm:
        """Close an alarm; the next occurrence opens a new one."""
        found: Alarm = self._transport.call(
            "POST",
            f"/v1/alarms/{place(alarm)}/acknowledge",
            Alarm,
            idempotency_key=idempotency_key,
        )
        return found


class AssetsCalls:
    """Assets."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Assets:
        """List the assets and the chains they are on."""
        found: Assets = self._transport.call(
            "GET",
            "/v1/assets",
            Assets,
        )
        return found


class ChainsCalls:
    """Chains."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Chains:
        """List the chains money moves on."""
        found: Chains = self._transport.call(
            "GET",
            "/v1/chains",
            Chains,
        )
        return found


class DepositsCalls:
    """Deposits."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        status: Unset | Literal["confirming", "credited", "orphaned", "reversed"] | None = UNSET,
        asset: Unset | str | None = UNSET,
        chain: Unset | str | None = UNSET,
        invoice: Unset | str | None = UNSET,
        tx_hash: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Deposit]:
        """List deposits, newest first; an account's own key sees that account's."""
        return Listing(
            self._transport,
            "/v1/deposits",
            Deposit,
            given(
                {
                    "account": account,
                    "status": status,
                    "asset": asset,
                    "chain": chain,
                    "invoice": invoice,
                    "tx_hash": tx_hash,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, deposit: str) -> Deposit:
        """Find a deposit."""
        found: Deposit = self._transport.call(
            "GET",
            f"/v1/deposits/{place(deposit)}",
            Deposit,
        )
        return found


class EventsCalls:
    """Events."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        type: Unset | str | None = UNSET,
        object: Unset | str | None = UNSET,
        account: Unset | str | None = UNSET,
        order: Unset | Literal["desc", "asc"] = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Event]:
        """List what happened: newest first, or replayed forward from any cursor."""
        return Listing(
            self._transport,
            "/v1/events",
            Event,
            given(
                {
                    "type": type,
                    "object": object,
                    "account": account,
                    "order": order,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, event: str) -> Event:
        """Return one event."""
        found: Event = self._transport.call(
            "GET",
            f"/v1/events/{place(event)}",
            Event,
        )
        return found


class HoldsCalls:
    """Holds."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        status: Unset | Literal["open", "approved", "rejected", "expired", "closed"] | None = UNSET,
        kind: Unset | Literal["withdrawal", "deposit"] | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Hold]:
        """List what is and was held, newest first."""
        return Listing(
            self._transport,
            "/v1/holds",
            Hold,
            given(
                {
                    "status": status,
                    "kind": kind,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, hold: str) -> Hold:
        """Show a hold."""
        found: Hold = self._transport.call(
            "GET",
            f"/v1/holds/{place(hold)}",
            Hold,
        )
        return found

    def approve(
        self,
        hold: str,
        *,
        note: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Let it go; not with the key that asked for it."""
        found: Hold = self._transport.call(
            "POST",
            f"/v1/holds/{place(hold)}/approve",
            Hold,
            body=given({"note": note}),
            idempotency_key=idempotency_key,
        )
        return found

    def reject(
        self,
        hold: str,
        *,
        note: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Refuse it; the money of a withdrawal is free again."""
        found: Hold = self._transport.call(
            "POST",
            f"/v1/holds/{place(hold)}/reject",
            Hold,
            body=given({"note": note}),
            idempotency_key=idempotency_key,
        )
        return found

    def take(self, hold: str, *, idempotency_key: str | None = None) -> Hold:
        """Say that you look at it."""
        found: Hold = self._transport.call(
            "POST",
            f"/v1/holds/{place(hold)}/take",
            Hold,
            idempotency_key=idempotency_key,
        )
        return found


class InboxCalls:
    """Inbox."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        kind: Unset
        | Literal["unknown_token", "wrong_asset", "wrong_chain", "unattributed", "set_aside"]
        | None = UNSET,
        status: Unset
        | Literal["open", "assigned", "accepted", "refunded", "dismissed", "orphaned"]
        | None = UNSET,
        account: Unset | str | None = UNSET,
        chain: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Inbox]:
        """List what arrived and could not simply be credited, newest first."""
        return Listing(
            self._transport,
            "/v1/inbox",
            Inbox,
            given(
                {
                    "kind": kind,
                    "status": status,
                    "account": account,
                    "chain": chain,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, item: str) -> WholeInbox:
        """Show an item with its transfers."""
        found: WholeInbox = self._transport.call(
            "GET",
            f"/v1/inbox/{place(item)}",
            WholeInbox,
        )
        return found

    def accept(
        self,
        item: str,
        *,
        reason: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> WholeInbox:
        """Take the wrong asset for its invoice: it counts there at the rate of this moment."""
        found: WholeInbox = self._transport.call(
            "POST",
            f"/v1/inbox/{place(item)}/accept",
            WholeInbox,
            body=given({"reason": reason}),
            idempotency_key=idempotency_key,
        )
        return found

    def assign(
        self,
        item: str,
        *,
        account: Unset | str | None = UNSET,
        reason: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> WholeInbox:
        """Say whose it is. A stray becomes a deposit that confirms and is credited like any
        other.
        """
        found: WholeInbox = self._transport.call(
            "POST",
            f"/v1/inbox/{place(item)}/assign",
            WholeInbox,
            body=given({"account": account, "reason": reason}),
            idempotency_key=idempotency_key,
        )
        return found

    def dismiss(self, item: str, *, reason: str, idempotency_key: str | None = None) -> WholeInbox:
        """Say that nothing is to be done, and why; it may still be assigned later."""
        found: WholeInbox = self._transport.call(
            "POST",
            f"/v1/inbox/{place(item)}/dismiss",
            WholeInbox,
            body=given({"reason": reason}),
            idempotency_key=idempotency_key,
        )
        return found

    def refund(
        self,
        item: str,
        *,
        to_address: Unset | str | None = UNSET,
        amount: Unset | str | None = UNSET,
        reason: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> WholeInbox:
        """Send it back by a withdrawal of its account, which pays the fee; policy judges it.

        Should the withdrawal not be paid, the item is open again.
        """
        found: WholeInbox = self._transport.call(
            "POST",
            f"/v1/inbox/{place(item)}/refund",
            WholeInbox,
            body=given({"to_address": to_address, "amount": amount, "reason": reason}),
            idempotency_key=idempotency_key,
        )
        return found


class InvoicesRefundsCalls:
    """Invoices refunds."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        invoice: str,
        *,
        kind: Unset | Literal["full", "partial", "overpaid"] | None = UNSET,
        amount: Unset | str | None = UNSET,
        rate: Unset | Literal["quote", "current"] = UNSET,
        asset: Unset | str | None = UNSET,
        chain: Unset | str | None = UNSET,
        payment: Unset | str | None = UNSET,
        to_address: Unset | str | None = UNSET,
        to: Unset | Literal["payer"] | None = UNSET,
        expires_in: Unset | int = UNSET,
        idempotency_key: str | None = None,
    ) -> Refund:
        """Send money back; never more than was paid, earlier refunds counted.

        With `"to": "payer"` it waits until its payer names the address on the page
        `page_url`, which
        only this answer tells. Refused with `nothing_to_refund`, `refund_exceeds_payment`,
        `nothing_overpaid`, `amount_does_not_fit` (its kind), `asset_not_paid`, `no_quote`
        (refund at
        the current rate), `insufficient_funds`, `rate_unavailable`; a `payment` with
        `not_final`,
        `payment_settles`, `wrong_state` (somebody decided about it).
        """
        found: Refund = self._transport.call(
            "POST",
            f"/v1/invoices/{place(invoice)}/refunds",
            Refund,
            body=given(
                {
                    "kind": kind,
                    "amount": amount,
                    "rate": rate,
                    "asset": asset,
                    "chain": chain,
                    "payment": payment,
                    "to_address": to_address,
                    "to": to,
                    "expires_in": expires_in,
                }
            ),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        invoice: str,
        *,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Refund]:
        """List the refunds of an invoice, newest first."""
        return Listing(
            self._transport,
            f"/v1/invoices/{place(invoice)}/refunds",
            Refund,
            given(
                {
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )


class InvoicesCalls:
    """Invoices."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.refunds = InvoicesRefundsCalls(transport)

    def create(
        self,
        *,
        amount: str,
        account: Unset | str | None = UNSET,
        currency: Unset | str = UNSET,
        order_id: Unset | str | None = UNSET,
        assets: Unset | Sequence[AssetOnChainInput] | None = UNSET,
        expires_in: Unset | int = UNSET,
        title: Unset | str | None = UNSET,
        success_url: Unset | str | None = UNSET,
        metadata: Unset | Mapping[str, str] = UNSET,
        terms: Unset | TermsInput | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Open an invoice. The same order_id with the same body answers 200 with the same
        invoice.
        """
        found: Invoice = self._transport.call(
            "POST",
            "/v1/invoices",
            Invoice,
            body=given(
                {
                    "amount": amount,
                    "account": account,
                    "currency": currency,
                    "order_id": order_id,
                    "assets": assets,
                    "expires_in": expires_in,
                    "title": title,
                    "success_url": success_url,
                    "metadata": metadata,
                    "terms": terms,
                }
            ),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        status: Unset | Literal["open", "processing", "paid", "expired", "void"] | None = UNSET,
        order_id: Unset | str | None = UNSET,
        payment_link: Unset | str | None = UNSET,
        asset: Unset | str | None = UNSET,
        chain: Unset | str | None = UNSET,
        late_action: Unset | Literal["review", "refund"] | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Invoice]:
        """List invoices, newest first; asset and chain find those that offer them."""
        return Listing(
            self._transport,
            "/v1/invoices",
            Invoice,
            given(
                {
                    "account": account,
                    "status": status,
                    "order_id": order_id,
                    "payment_link": payment_link,
                    "asset": asset,
                    "chain": chain,
                    "late_action": late_action,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, invoice: str) -> SignedInvoice:
        """Show an invoice, its payments with the confirmations they have now, signed where to
        pay.
        """
        found: SignedInvoice = self._transport.call(
            "GET",
            f"/v1/invoices/{place(invoice)}",
            SignedInvoice,
        )
        return found

    def accept(
        self,
        invoice: str,
        *,
        payment: Unset | str | None = UNSET,
        rate: Unset | Literal["quote", "current"] = UNSET,
        idempotency_key: str | None = None,
    ) -> Invoice:
        """Let money settle the invoice that came too late for its terms, or in the wrong asset."""
        found: Invoice = self._transport.call(
            "POST",
            f"/v1/invoices/{place(invoice)}/accept",
            Invoice,
            body=given({"payment": payment, "rate": rate}),
            idempotency_key=idempotency_key,
        )
        return found

    def void(self, invoice: str, *, idempotency_key: str | None = None) -> Invoice:
        """Take an invoice back. Money that comes to its address all the same is still credited."""
        found: Invoice = self._transport.call(
            "POST",
            f"/v1/invoices/{place(invoice)}/void",
            Invoice,
            idempotency_key=idempotency_key,
        )
        return found


class LimitsCalls:
    """Limits."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        kind: Unset | Literal["day", "month", "count", "approval"] | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[TierLimit]:
        """List what tiers allowed and allow, newest first."""
        return Listing(
            self._transport,
            "/v1/limits",
            TierLimit,
            given(
                {
                    "kind": kind,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def create(
        self,
        *,
        tier: int,
        kind: Literal["day", "month", "count", "approval"],
        amount: str,
        valid_from: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> TierLimit:
        """Say what a tier allows, from now or a later moment on."""
        found: TierLimit = self._transport.call(
            "POST",
            "/v1/limits",
            TierLimit,
            body=given({"tier": tier, "kind": kind, "amount": amount, "valid_from": valid_from}),
            idempotency_key=idempotency_key,
        )
        return found


class PausesCalls:
    """Pauses."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        active: Unset | bool | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Pause]:
        """List switches, newest first."""
        return Listing(
            self._transport,
            "/v1/pauses",
            Pause,
            given(
                {
                    "active": active,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def create(
        self,
        *,
        scope: Literal["all", "chain", "asset", "account"],
        reason: str,
        subject: Unset | str = UNSET,
        side: Unset | Literal["debit", "credit"] | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Pause:
        """Stop at once what the switch names. What was asked for waits and says so."""
        found: Pause = self._transport.call(
            "POST",
            "/v1/pauses",
            Pause,
            body=given({"scope": scope, "reason": reason, "subject": subject, "side": side}),
            idempotency_key=idempotency_key,
        )
        return found

    def lift(self, pause: str, *, idempotency_key: str | None = None) -> Pause:
        """Let it move again; what stops everything is lifted by another operator than placed
        it.
        """
        found: Pause = self._transport.call(
            "POST",
            f"/v1/pauses/{place(pause)}/lift",
            Pause,
            idempotency_key=idempotency_key,
        )
        return found


class PaymentLinksCalls:
    """Payment links."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        *,
        title: str,
        account: Unset | str | None = UNSET,
        amount: Unset | str | None = UNSET,
        min_amount: Unset | str | None = UNSET,
        max_amount: Unset | str | None = UNSET,
        suggested_amounts: Unset | Sequence[str] = UNSET,
        currency: Unset | str = UNSET,
        max_quantity: Unset | int | None = UNSET,
        assets: Unset | Sequence[AssetOnChainInput] | None = UNSET,
        success_url: Unset | str | None = UNSET,
        max_uses: Unset | int | None = UNSET,
        expires_at: Unset | str | None = UNSET,
        invoice_expires_in: Unset | int | None = UNSET,
        active: Unset | bool = UNSET,
        inactive_message: Unset | str | None = UNSET,
        metadata: Unset | Mapping[str, str] = UNSET,
        idempotency_key: str | None = None,
    ) -> Link:
        """Make a payment link. Opening it creates nothing, the payer's POST creates an invoice."""
        found: Link = self._transport.call(
            "POST",
            "/v1/payment_links",
            Link,
            body=given(
                {
                    "title": title,
                    "account": account,
                    "amount": amount,
                    "min_amount": min_amount,
                    "max_amount": max_amount,
                    "suggested_amounts": suggested_amounts,
                    "currency": currency,
                    "max_quantity": max_quantity,
                    "assets": assets,
                    "success_url": success_url,
                    "max_uses": max_uses,
                    "expires_at": expires_at,
                    "invoice_expires_in": invoice_expires_in,
                    "active": active,
                    "inactive_message": inactive_message,
                    "metadata": metadata,
                }
            ),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        active: Unset | bool | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Link]:
        """List payment links, newest first; `active` is the merchant's switch, not the status."""
        return Listing(
            self._transport,
            "/v1/payment_links",
            Link,
            given(
                {
                    "account": account,
                    "active": active,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, link: str) -> Link:
        """Show a payment link."""
        found: Link = self._transport.call(
            "GET",
            f"/v1/payment_links/{place(link)}",
            Link,
        )
        return found

    def update(
        self,
        link: str,
        *,
        title: Unset | str = UNSET,
        amount: Unset | str | None = UNSET,
        min_amount: Unset | str | None = UNSET,
        max_amount: Unset | str | None = UNSET,
        suggested_amounts: Unset | Sequence[str] = UNSET,
        max_quantity: Unset | int | None = UNSET,
        assets: Unset | Sequence[AssetOnChainInput] | None = UNSET,
        success_url: Unset | str | None = UNSET,
        max_uses: Unset | int | None = UNSET,
        expires_at: Unset | str | None = UNSET,
        invoice_expires_in: Unset | int | None = UNSET,
        active: Unset | bool = UNSET,
        inactive_message: Unset | str | None = UNSET,
        metadata: Unset | Mapping[str, str] = UNSET,
    ) -> Link:
        """Change a payment link, or switch it off or on; invoices it made stay as they are."""
        found: Link = self._transport.call(
            "PATCH",
            f"/v1/payment_links/{place(link)}",
            Link,
            body=given(
                {
                    "title": title,
                    "amount": amount,
                    "min_amount": min_amount,
                    "max_amount": max_amount,
                    "suggested_amounts": suggested_amounts,
                    "max_quantity": max_quantity,
                    "assets": assets,
                    "success_url": success_url,
                    "max_uses": max_uses,
                    "expires_at": expires_at,
                    "invoice_expires_in": invoice_expires_in,
                    "active": active,
                    "inactive_message": inactive_message,
                    "metadata": metadata,
                }
            ),
        )
        return found

    def button(
        self,
        link: str,
        *,
        kind: Unset | Literal["link", "form"] = UNSET,
        lang: Unset | Literal["en", "ar"] = UNSET,
    ) -> str:
        """Return HTML for the merchant's own page: a link, or a form that makes the invoice at
        once.

        It brings no script and no style; a form asks for the amount where the link leaves it
        open.
        """
        found: str = self._transport.call(
            "GET",
            f"/v1/payment_links/{place(link)}/button",
            str,
            query=given({"kind": kind, "lang": lang}),
        )
        return found

    def qr(
        self,
        link: str,
        *,
        format: Unset | Literal["svg", "png"] = UNSET,
        scale: Unset | int = UNSET,
        pos: Unset | bool = UNSET,
    ) -> bytes:
        """Return a QR code of the link's address for paper; `pos` is that of the till."""
        found: bytes = self._transport.call(
            "GET",
            f"/v1/payment_links/{place(link)}/qr",
            bytes,
            query=given({"format": format, "scale": scale, "pos": pos}),
        )
        return found


class PayoutSchedulesCalls:
    """Payout schedules."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Schedule]:
        """List payout schedules, newest first."""
        return Listing(
            self._transport,
            "/v1/payout_schedules",
            Schedule,
            given(
                {
                    "account": account,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def update(
        self,
        *,
        asset: str,
        address_entry: str,
        every: Literal["day", "week", "month"],
        account: Unset | str | None = UNSET,
        day: Unset | int = UNSET,
        hour: Unset | int = UNSET,
        minimum: Unset | str = UNSET,
        keep_reserve: Unset | str = UNSET,
        active: Unset | bool = UNSET,
    ) -> Schedule:
        """Set when everything above `keep_reserve` goes to an address of the book."""
        found: Schedule = self._transport.call(
            "PUT",
            "/v1/payout_schedules",
            Schedule,
            body=given(
                {
                    "asset": asset,
                    "address_entry": address_entry,
                    "every": every,
                    "account": account,
                    "day": day,
                    "hour": hour,
                    "minimum": minimum,
                    "keep_reserve": keep_reserve,
                    "active": active,
                }
            ),
        )
        return found


class PayoutsCalls:
    """Payouts."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        *,
        asset: str,
        address_entry: str,
        account: Unset | str | None = UNSET,
        amount: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Payout:
        """Pay out to an address of the book. It goes through policy like every withdrawal."""
        found: Payout = self._transport.call(
            "POST",
            "/v1/payouts",
            Payout,
            body=given(
                {
                    "asset": asset,
                    "address_entry": address_entry,
                    "account": account,
                    "amount": amount,
                }
            ),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        status: Unset
        | Literal["waiting", "skipped", "pending", "confirmed", "failed", "rejected", "cancelled"]
        | None = UNSET,
        asset: Unset | str | None = UNSET,
        chain: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Payout]:
        """List payouts, newest first."""
        return Listing(
            self._transport,
            "/v1/payouts",
            Payout,
            given(
                {
                    "account": account,
                    "status": status,
                    "asset": asset,
                    "chain": chain,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, payout: str) -> Payout:
        """Show a payout."""
        found: Payout = self._transport.call(
            "GET",
            f"/v1/payouts/{place(payout)}",
            Payout,
        )
        return found


class RateQuotesCalls:
    """Rate quotes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def retrieve(self, quote: str) -> PriceQuote:
        """Return the quote an invoice was priced by, with what each source had said.

        A quote that priced no invoice is forgotten after a day.
        """
        found: PriceQuote = self._transport.call(
            "GET",
            f"/v1/rate_quotes/{place(quote)}",
            PriceQuote,
        )
        return found


class RatesCalls:
    """Rates."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> RateList:
        """List what every asset costs in US dollars now, who says so, and how the sources do."""
        found: RateList = self._transport.call(
            "GET",
            "/v1/rates",
            RateList,
        )
        return found

    def retrieve(self, asset: str) -> Rate:
        """Return what one unit of an asset costs now; `status` says why nobody knows."""
        found: Rate = self._transport.call(
            "GET",
            f"/v1/rates/{place(asset)}",
            Rate,
        )
        return found


class ReconciliationCalls:
    """Reconciliation."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Reconciliation:
        """Compare the chain with the ledger at one block, and what we hold with what we owe.

        424 when a node is away.
        """
        found: Reconciliation = self._transport.call(
            "GET",
            "/v1/reconciliation",
            Reconciliation,
        )
        return found


class RefundsCalls:
    """Refunds."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        status: Unset
        | Literal[
            "awaiting_address", "pending", "confirmed", "failed", "rejected", "cancelled", "expired"
        ]
        | None = UNSET,
        asset: Unset | str | None = UNSET,
        chain: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Refund]:
        """List the refunds of every invoice, newest first."""
        return Listing(
            self._transport,
            "/v1/refunds",
            Refund,
            given(
                {
                    "account": account,
                    "status": status,
                    "asset": asset,
                    "chain": chain,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, refund: str) -> Refund:
        """Show a refund."""
        found: Refund = self._transport.call(
            "GET",
            f"/v1/refunds/{place(refund)}",
            Refund,
        )
        return found

    def cancel(self, refund: str, *, idempotency_key: str | None = None) -> Refund:
        """Take back a refund whose payer has not answered; one on its way ends with its
        withdrawal.
        """
        found: Refund = self._transport.call(
            "POST",
            f"/v1/refunds/{place(refund)}/cancel",
            Refund,
            idempotency_key=idempotency_key,
        )
        return found

    def page(
        self,
        refund: str,
        *,
        expires_in: Unset | int = UNSET,
        idempotency_key: str | None = None,
    ) -> Refund:
        """Make a new page for a payer who has not answered, with a new `page_url`; the old one
        ends.
        """
        found: Refund = self._transport.call(
            "POST",
            f"/v1/refunds/{place(refund)}/page",
            Refund,
            body=given({"expires_in": expires_in}),
            idempotency_key=idempotency_key,
        )
        return found


class ReportsSettlementCalls:
    """Reports settlement."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        from_: Unset | str | None = UNSET,
        to: Unset | str | None = UNSET,
        merchant: Unset | str | None = UNSET,
        format: Unset | Literal["json", "csv"] = UNSET,
    ) -> Report:
        """Report every movement of money: `from` inclusive, `to` exclusive, one account or all.

        Columns sum, and the totals are the change of the ledger's balances. A movement is
        dated by when
        the ledger posted it.
        """
        found: Report = self._transport.call(
            "GET",
            "/v1/reports/settlement",
            Report,
            query=given({"from": from_, "to": to, "merchant": merchant, "format": format}),
        )
        return found


class ReportsCalls:
    """Reports."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.settlement = ReportsSettlementCalls(transport)


class SandboxInvoicesCalls:
    """Sandbox invoices."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def simulate(
        self,
        invoice: str,
        *,
        what: Literal[
            "pay",
            "underpay",
            "overpay",
            "late",
            "wrong_asset",
            "confirm",
            "expire",
            "advance",
            "reorg",
        ],
        asset: Unset | str | None = UNSET,
        chain: Unset | str | None = UNSET,
        seconds: Unset | int = UNSET,
        idempotency_key: str | None = None,
    ) -> Deed:
        """Let a payer, the clock or the chain do something to an invoice. In development only.

        `pay`, `underpay`, `overpay`, `late` and `wrong_asset` send real coins of the
        development node;
        `confirm` mines, `reorg` takes the newest payment's block back; `expire` and
        `advance` move the
        invoice's clock.
        """
        found: Deed = self._transport.call(
            "POST",
            f"/v1/sandbox/invoices/{place(invoice)}/simulate",
            Deed,
            body=given({"what": what, "asset": asset, "chain": chain, "seconds": seconds}),
            idempotency_key=idempotency_key,
        )
        return found


class SandboxWebhookEndpointsCalls:
    """Sandbox webhook endpoints."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def stick(self, endpoint: str, *, seconds: int, idempotency_key: str | None = None) -> Stuck:
        """Have every call to an endpoint run out of time for a while. In development only.

        What was held up is retried by the schedule of all webhooks, in order; nothing is
        lost.
        """
        found: Stuck = self._transport.call(
            "POST",
            f"/v1/sandbox/webhook_endpoints/{place(endpoint)}/stick",
            Stuck,
            body=given({"seconds": seconds}),
            idempotency_key=idempotency_key,
        )
        return found


class SandboxCalls:
    """Sandbox."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.invoices = SandboxInvoicesCalls(transport)
        self.webhook_endpoints = SandboxWebhookEndpointsCalls(transport)


class SettlementsCalls:
    """Settlements."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        merchant: Unset | str | None = UNSET,
        asset: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Settlement]:
        """List days per merchant and asset, newest first; open ones are computed now."""
        return Listing(
            self._transport,
            "/v1/settlements",
            Settlement,
            given(
                {
                    "merchant": merchant,
                    "asset": asset,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, date: str, *, merchant: Unset | str | None = UNSET) -> Day:
        """Return one day; 404 for one that has not begun or in which nothing was held or moved."""
        found: Day = self._transport.call(
            "GET",
            f"/v1/settlements/{place(date)}",
            Day,
            query=given({"merchant": merchant}),
        )
        return found


class TraceCalls:
    """Trace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def retrieve(self, tx_hash: str) -> Trace:
        """Tell everything a transaction did here, or why it did nothing."""
        found: Trace = self._transport.call(
            "GET",
            f"/v1/trace/{place(tx_hash)}",
            Trace,
        )
        return found


class TransactionsCalls:
    """Transactions."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        state: Unset
        | Literal["signed", "mined", "confirmed", "reverted", "cancelled"]
        | None = UNSET,
        chain: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Transaction]:
        """List our transactions, newest first."""
        return Listing(
            self._transport,
            "/v1/transactions",
            Transaction,
            given(
                {
                    "state": state,
                    "chain": chain,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, transaction: str) -> Transaction:
        """Show a transaction with every attempt."""
        found: Transaction = self._transport.call(
            "GET",
            f"/v1/transactions/{place(transaction)}",
            Transaction,
        )
        return found

    def cancel(self, transaction: str, *, idempotency_key: str | None = None) -> Transaction:
        """Spend the nonce of an unmined transaction on nothing; what it carried is planned
        again.

        It may still be mined: whichever of the two comes first.
        """
        found: Transaction = self._transport.call(
            "POST",
            f"/v1/transactions/{place(transaction)}/cancel",
            Transaction,
            idempotency_key=idempotency_key,
        )
        return found


class TransfersCalls:
    """Transfers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        *,
        to: str,
        asset: str,
        amount: str,
        from_: Unset | str | None = UNSET,
        memo: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Send money to another account, at once."""
        found: Transfer = self._transport.call(
            "POST",
            "/v1/transfers",
            Transfer,
            body=given({"to": to, "asset": asset, "amount": amount, "from": from_, "memo": memo}),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        asset: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Transfer]:
        """List transfers that touched the account, newest first."""
        return Listing(
            self._transport,
            "/v1/transfers",
            Transfer,
            given(
                {
                    "account": account,
                    "asset": asset,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, transfer: str) -> Transfer:
        """Return a transfer that the key's account sent or received."""
        found: Transfer = self._transport.call(
            "GET",
            f"/v1/transfers/{place(transfer)}",
            Transfer,
        )
        return found


class TreasuryCalls:
    """Treasury."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> TreasuryList:
        """Show what is hot, what is cold, what waits, and what the cold side should sign."""
        found: TreasuryList = self._transport.call(
            "GET",
            "/v1/treasury",
            TreasuryList,
        )
        return found


class WebhookEndpointsDeliveriesAttemptsCalls:
    """Webhook endpoints deliveries attempts."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        delivery: str,
        *,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[WebhookAttempt]:
        """List what was sent for a delivery and what came back, newest first; kept for 30 days."""
        return Listing(
            self._transport,
            f"/v1/webhook_endpoints/deliveries/{place(delivery)}/attempts",
            WebhookAttempt,
            given(
                {
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )


class WebhookEndpointsDeliveriesCalls:
    """Webhook endpoints deliveries."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.attempts = WebhookEndpointsDeliveriesAttemptsCalls(transport)

    def retrieve(self, delivery: str) -> Delivery:
        """Return one delivery with its last answer."""
        found: Delivery = self._transport.call(
            "GET",
            f"/v1/webhook_endpoints/deliveries/{place(delivery)}",
            Delivery,
        )
        return found

    def redeliver(self, delivery: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send a delivery again now, whatever became of it."""
        found: Delivery = self._transport.call(
            "POST",
            f"/v1/webhook_endpoints/deliveries/{place(delivery)}/redeliver",
            Delivery,
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        endpoint: str,
        *,
        status: Unset | Literal["pending", "delivered", "failed"] | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Delivery]:
        """List what was sent, newest first, with the last answer."""
        return Listing(
            self._transport,
            f"/v1/webhook_endpoints/{place(endpoint)}/deliveries",
            Delivery,
            given(
                {
                    "status": status,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )


class WebhookEndpointsCalls:
    """Webhook endpoints."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.deliveries = WebhookEndpointsDeliveriesCalls(transport)

    def create(
        self,
        *,
        url: str,
        events: Unset | Sequence[str] | None = UNSET,
        payment_link: Unset | str | None = UNSET,
        account: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Endpoint:
        """Make an endpoint; the secret is shown in this answer only."""
        found: Endpoint = self._transport.call(
            "POST",
            "/v1/webhook_endpoints",
            Endpoint,
            body=given(
                {"url": url, "events": events, "payment_link": payment_link, "account": account}
            ),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Endpoint]:
        """List endpoints, newest first."""
        return Listing(
            self._transport,
            "/v1/webhook_endpoints",
            Endpoint,
            given(
                {
                    "account": account,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def retrieve(self, endpoint: str) -> Endpoint:
        """Return one endpoint, without its secret."""
        found: Endpoint = self._transport.call(
            "GET",
            f"/v1/webhook_endpoints/{place(endpoint)}",
            Endpoint,
        )
        return found

    def update(
        self,
        endpoint: str,
        *,
        url: Unset | str | None = UNSET,
        events: Unset | Sequence[str] | None = UNSET,
        payment_link: Unset | str | None = UNSET,
        active: Unset | bool | None = UNSET,
    ) -> Endpoint:
        """Change the URL, the events or the link, deactivate, or activate again."""
        found: Endpoint = self._transport.call(
            "PATCH",
            f"/v1/webhook_endpoints/{place(endpoint)}",
            Endpoint,
            body=given(
                {"url": url, "events": events, "payment_link": payment_link, "active": active}
            ),
        )
        return found

    def delete(self, endpoint: str) -> Endpoint:
        """Stop sending to the endpoint; it stays in the list with its deliveries."""
        found: Endpoint = self._transport.call(
            "DELETE",
            f"/v1/webhook_endpoints/{place(endpoint)}",
            Endpoint,
        )
        return found

    def replay(
        self,
        endpoint: str,
        *,
        from_event: Unset | str | None = UNSET,
        from_time: Unset | str | None = UNSET,
        include_delivered: Unset | bool = UNSET,
        idempotency_key: str | None = None,
    ) -> Replay:
        """Send events again from an event or a time on: those of this account that it listens
        to.

        At most 2,000 events are looked at in a call: go on with `from_event` = `next_event`.
        """
        found: Replay = self._transport.call(
            "POST",
            f"/v1/webhook_endpoints/{place(endpoint)}/replay",
            Replay,
            body=given(
                {
                    "from_event": from_event,
                    "from_time": from_time,
                    "include_delivered": include_delivered,
                }
            ),
            idempotency_key=idempotency_key,
        )
        return found

    def rotate(self, endpoint: str, *, idempotency_key: str | None = None) -> Endpoint:
        """Replace the secret; both sign for 24 hours. The new one is shown in this answer only."""
        found: Endpoint = self._transport.call(
            "POST",
            f"/v1/webhook_endpoints/{place(endpoint)}/rotate",
            Endpoint,
            idempotency_key=idempotency_key,
        )
        return found

    def test(self, endpoint: str, *, idempotency_key: str | None = None) -> Delivery:
        """Send a `webhook.test` event to this endpoint now, whatever events it asked for.

        The answer is the delivery; ask for it again, or for its attempts, to see what became
        of it.
        """
        found: Delivery = self._transport.call(
            "POST",
            f"/v1/webhook_endpoints/{place(endpoint)}/test",
            Delivery,
            idempotency_key=idempotency_key,
        )
        return found


class WithdrawalsCalls:
    """Withdrawals."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        *,
        asset: str,
        chain: str,
        to_address: str,
        amount: str,
        account: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> Withdrawal:
        """Ask for a withdrawal. Amount and fee are reserved; it is sent, or held for a person."""
        found: Withdrawal = self._transport.call(
            "POST",
            "/v1/withdrawals",
            Withdrawal,
            body=given(
                {
                    "asset": asset,
                    "chain": chain,
                    "to_address": to_address,
                    "amount": amount,
                    "account": account,
                }
            ),
            idempotency_key=idempotency_key,
        )
        return found

    def list(
        self,
        *,
        account: Unset | str | None = UNSET,
        status: Unset
        | Literal[
            "requested", "held", "approved", "sent", "confirmed", "failed", "rejected", "cancelled"
        ]
        | None = UNSET,
        asset: Unset | str | None = UNSET,
        chain: Unset | str | None = UNSET,
        limit: Unset | int = UNSET,
        starting_after: Unset | str | None = UNSET,
        created_from: Unset | str | None = UNSET,
        created_to: Unset | str | None = UNSET,
    ) -> Listing[Withdrawal]:
        """List withdrawals, newest first."""
        return Listing(
            self._transport,
            "/v1/withdrawals",
            Withdrawal,
            given(
                {
                    "account": account,
                    "status": status,
                    "asset": asset,
                    "chain": chain,
                    "limit": limit,
                    "starting_after": starting_after,
                    "created_from": created_from,
                    "created_to": created_to,
                }
            ),
        )

    def quote(
        self,
        *,
        asset: str,
        chain: str,
        amount: Unset | str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> WithdrawalQuote:
        """Tell the fee and the time of a withdrawal before it is asked for."""
        found: WithdrawalQuote = self._transport.call(
            "POST",
            "/v1/withdrawals/quote",
            WithdrawalQuote,
            body=given({"asset": asset, "chain": chain, "amount": amount}),
            idempotency_key=idempotency_key,
        )
        return found

    def retrieve(self, withdrawal: str) -> Withdrawal:
        """Show a withdrawal."""
        found: Withdrawal = self._transport.call(
            "GET",
            f"/v1/withdrawals/{place(withdrawal)}",
            Withdrawal,
        )
        return found

    def approve(self, withdrawal: str, *, idempotency_key: str | None = None) -> Withdrawal:
        """Let a held withdrawal go; not with the key that asked for it."""
        found: Withdrawal = self._transport.call(
            "POST",
            f"/v1/withdrawals/{place(withdrawal)}/approve",
            Withdrawal,
            idempotency_key=idempotency_key,
        )
        return found

    def cancel(self, withdrawal: str, *, idempotency_key: str | None = None) -> Withdrawal:
        """Call off a withdrawal that is not signed yet; its money is free again."""
        found: Withdrawal = self._transport.call(
            "POST",
            f"/v1/withdrawals/{place(withdrawal)}/cancel",
            Withdrawal,
            idempotency_key=idempotency_key,
        )
        return found

    def reject(self, withdrawal: str, *, idempotency_key: str | None = None) -> Withdrawal:
        """Refuse a held withdrawal; its money is free again."""
        found: Withdrawal = self._transport.call(
            "POST",
            f"/v1/withdrawals/{place(withdrawal)}/reject",
            Withdrawal,
            idempotency_key=idempotency_key,
        )
        return found


class Resources:
    """All nouns of the gateway."""

    def __init__(self, transport: Transport) -> None:
        self.accounts = AccountsCalls(transport)
        self.alarms = AlarmsCalls(transport)
        self.assets = AssetsCalls(transport)
        self.chains = ChainsCalls(transport)
        self.deposits = DepositsCalls(transport)
        self.events = EventsCalls(transport)
        self.holds = HoldsCalls(transport)
        self.inbox = InboxCalls(transport)
        self.invoices = InvoicesCalls(transport)
        self.limits = LimitsCalls(transport)
        self.pauses = PausesCalls(transport)
        self.payment_links = PaymentLinksCalls(transport)
        self.payout_schedules = PayoutSchedulesCalls(transport)
        self.payouts = PayoutsCalls(transport)
        self.rate_quotes = RateQuotesCalls(transport)
        self.rates = RatesCalls(transport)
        self.reconciliation = ReconciliationCalls(transport)
        self.refunds = RefundsCalls(transport)
        self.reports = ReportsCalls(transport)
        self.sandbox = SandboxCalls(transport)
        self.settlements = SettlementsCalls(transport)
        self.trace = TraceCalls(transport)
        self.transactions = TransactionsCalls(transport)
        self.transfers = TransfersCalls(transport)
        self.treasury = TreasuryCalls(transport)
        self.webhook_endpoints = WebhookEndpointsCalls(transport)
        self.withdrawals = WithdrawalsCalls(transport)
