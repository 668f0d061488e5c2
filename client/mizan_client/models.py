"""What the gateway answers and takes. Made by generate.py: do not edit.

A field this version does not know is passed over, so a newer gateway breaks nothing.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import msgspec


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account."""

    id: str
    handle: str
    kind: Literal["person", "merchant"]
    external_id: str | None
    status: Literal["active", "frozen"]
    metadata: dict[str, str]
    created_at: str


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address to pay to, with any asset of `minimum_deposits`.

    Smaller payments wait until together they reach the minimum, or are fetched with larger
    ones.
    """

    address: str
    chain: str
    minimum_deposits: dict[str, str]


class AddressBookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An address money may go to after `active_after`."""

    id: str
    account: str
    chain: str
    address: str
    label: str
    active_after: str
    proven_at: str | None
    removed_at: str | None
    created_at: str


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something an operator must look at."""

    id: str
    kind: str
    subject: str
    detail: str
    created_at: str
    acknowledged_at: str | None


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer of an item, in the block it was seen in last."""

    tx_hash: str | None
    position: str
    from_address: str | None
    units: str
    block_number: int
    block_hash: str
    block_time: str
    log_index: int | None
    canonical: bool
    deposit: str | None


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """An asset; `decimals` is the precision of its amounts here."""

    asset: str
    decimals: int
    chains: list[ChainAssetOnChain]


class Assets(msgspec.Struct, frozen=True, kw_only=True):
    """Every asset."""

    data: list[Asset]


class AttemptRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent; the body is the event's."""

    method: Literal["POST"] | None = None
    url: str
    headers: dict[str, str]
    body: str


class AttemptResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, as far as it is kept."""

    status: int
    headers: dict[str, str]
    body: str


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has of one asset."""

    asset: str
    available: str
    held: str
    pending: str


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """What an account has."""

    data: list[Balance]


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """A chain; `confirmations` counts for withdrawals, and deposits without a rule of their
    own.

    Larger deposits may have to wait for more, or for the network to call their block safe or
    final: each says so in its `finality`.
    """

    chain: str
    name: str
    confirmations: int
    block_seconds: float
    explorer_url: str | None


class ChainAssetOnChain(msgspec.Struct, frozen=True, kw_only=True):
    """An asset as a chain has it."""

    chain: str
    contract: str | None
    decimals: int
    minimum_deposit: str


class Chains(msgspec.Struct, frozen=True, kw_only=True):
    """Every chain."""

    data: list[Chain]


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """The text the address must sign, as a personal message (EIP-191, EIP-4361)."""

    nonce: str
    message: str
    expires_at: str


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day of every merchant the key sees."""

    date: str
    status: Literal["open", "closed"]
    data: list[Settlement]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision; `reopened` is that of a refund's withdrawal which did not arrive."""

    decision: Literal["assigned", "accepted", "refunded", "dismissed", "reopened"]
    by: str
    reason: str | None
    account: str | None
    withdrawal: str | None
    transfer: str | None
    at: str


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, and what to expect of it."""

    invoice: str
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
    ]
    tx_hash: str | None
    expect: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint, with the last answer."""

    id: str
    event: str
    type: str
    object: str
    endpoint: str
    status: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: str | None
    response_status: int | None
    response_body: str | None
    error: str | None
    delivered_at: str | None
    created_at: str


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit; block, amount and sender are those of the block it was seen in last.

    `confirmations_required` is null where the network's own word is waited for instead.
    """

    id: str
    account: str
    invoice: str | None
    chain: str
    asset: str
    amount: str
    address: str
    from_address: str
    tx_hash: str
    block_number: int
    block_hash: str
    log_index: int | None
    status: Literal["confirming", "credited", "orphaned", "reversed"]
    under_review: bool
    confirmations: int
    finality: Literal["blocks", "safe", "finalized"]
    confirmations_required: int | None
    detected_at: str
    credited_at: str | None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook endpoint; the secret is shown once, when it is made."""

    id: str
    account: str | None
    url: str
    events: list[str] | None
    payment_link: str | None
    active: bool
    disabled_reason: str | None
    secret: str | None = None
    created_at: str
    health: EndpointHealth | None = None


class EndpointHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint does."""

    good_24h: int
    bad_24h: int
    success_rate_24h: float | None
    last_success_at: str | None
    last_failure_at: str | None
    failing_since: str | None
    waiting: int
    oldest_waiting_at: str | None
    breaker: Literal["closed", "open", "half_open"]
    next_probe_at: str | None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened; a webhook's body is exactly this."""

    id: str
    type: str
    created_at: str
    data: dict[str, Any]


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits for a person: `subject` is the withdrawal's or deposit's id."""

    id: str
    kind: Literal["withdrawal", "deposit"]
    subject: str
    account: str
    reason: str
    owner: str | None
    status: Literal["open", "approved", "rejected", "expired", "closed"]
    ends_at: str | None
    decided_by: str | None
    decided_at: str | None
    note: str | None
    created_at: str


class Inbox(msgspec.Struct, frozen=True, kw_only=True):
    """Something that arrived and waits for a person; `detail` says why it is here."""

    id: str
    kind: Literal["unknown_token", "wrong_asset", "wrong_chain", "unattributed", "set_aside"]
    status: Literal["open", "assigned", "accepted", "refunded", "dismissed", "orphaned"]
    chain: str
    account: str | None
    invoice: str | None
    address: str
    contract: str | None
    asset: str | None
    amount: str | None
    units: str
    transfers: int
    from_address: str | None
    first_block: int
    detail: str
    deposit: str | None
    withdrawal: str | None
    decided_by: str | None
    decided_at: str | None
    reason: str | None
    decisions: list[Decision]
    created_at: str


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """One way to pay, signed. Verify: canonical JSON (RFC 8785) of `payload`, Ed25519,
    `key_id`.

    The keys are at /.well-known/mizan-keys.json; note them once, from somewhere you trust.
    """

    payload: Payload
    algorithm: Literal["Ed25519"] | None = None
    key_id: str
    signature: str


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice. `amount_paid` is what was seen, late or not; `amount_credited` what is final.

    `amount_due` is asked for; `amount_missing` is short of the price, within the tolerance
    too.
    """

    id: str
    url: str
    account: str
    status: Literal["open", "processing", "paid", "expired", "void"]
    paid_state: Literal["none", "partial", "exact", "over"]
    late: bool
    amount: str
    currency: str
    amount_paid: str
    amount_credited: str
    amount_due: str
    amount_missing: str
    amount_over: str
    late_action: Literal["review", "refund"] | None
    reverted_at: str | None
    terms: InvoiceTerms
    order_id: str | None
    payment_link: str | None
    quantity: int | None
    title: str | None
    success_url: str | None
    payment_options: list[Option]
    payments: list[dict[str, Any]]
    metadata: dict[str, str]
    expires_at: str
    paid_at: str | None
    voided_at: str | None
    created_at: str


class InvoiceAssetOnChain(msgspec.Struct, frozen=True, kw_only=True):
    """An asset on a chain."""

    asset: str
    chain: str


class InvoiceTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The terms an invoice was opened with; null is no bound."""

    under: str
    over: str
    late_percent: str | None
    late_hours: int | None
    late: Literal["credit", "refund"]


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key; the secret is shown once, when it is made."""

    id: str
    account: str | None
    name: str
    scopes: list[str]
    secret: str | None = None
    created_at: str
    revoked_at: str | None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may take out."""

    account: str
    tier: int
    windows: list[Window]
    withdrawals_a_day: int | None
    approval_above: str | None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A payment link. `uses` counts its invoices that are open, being paid, or paid; a link
    whose
    uses are all taken opens again when one of them expires or is voided.
    """

    id: str
    url: str
    pos_url: str
    account: str
    active: bool
    status: Literal["active", "inactive", "expired", "used_up"]
    title: str
    amount: str | None
    min_amount: str | None
    max_amount: str | None
    suggested_amounts: list[str]
    currency: str
    max_quantity: int | None
    assets: list[InvoiceAssetOnChain] | None
    success_url: str | None
    max_uses: int | None
    uses: int
    paid: int
    amount_credited: str
    expires_at: str | None
    invoice_expires_in: int | None
    inactive_message: str | None
    metadata: dict[str, str]
    created_at: str


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One way to pay: `amount` is what remains to be paid, `rate` the currency per unit.

    A payment below `minimum_deposit` waits until others make it up.
    """

    asset: str
    chain: str
    address: str | None
    paused: bool
    amount: str
    minimum_deposit: str
    rate: str
    rate_source: str
    rate_at: str
    rate_quote: str | None
    quote_expires_at: str


class OwedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One asset: what we hold against what we owe; difference = custody - owed - house."""

    asset: str
    custody: str
    owed: str
    house: str
    difference: str


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A switch: what it stops, why, who placed it and who lifted it."""

    id: str
    scope: Literal["all", "chain", "asset", "account"]
    subject: str | None
    side: Literal["debit", "credit"] | None
    reason: str
    placed_by: str
    lifted_by: str | None
    lifted_at: str | None
    created_at: str


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed. Every value is text or null; `contract` is null for native coin."""

    type: Literal["mizan.payment-instruction.v1"] | None = None
    invoice: str
    chain: str
    asset: str
    contract: str | None
    address: str
    amount: str
    expires_at: str


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """A payout. `pending` is a withdrawal on its way, or held; `skipped`: the next time came."""

    id: str
    account: str
    asset: str
    chain: str
    address_entry: str
    to_address: str
    amount: str | None
    fee: str | None
    status: Literal["waiting", "skipped", "pending", "confirmed", "failed", "rejected", "cancelled"]
    waiting_reason: str | None
    schedule: str | None
    due_at: str | None
    withdrawal: str | None
    tx_hash: str | None
    created_at: str
    ended_at: str | None


class PriceQuote(msgspec.Struct, frozen=True, kw_only=True):
    """A stored quote with the readings it was made of."""

    id: str
    asset: str
    currency: str
    rate: str
    source: str
    at: str
    readings: list[QuoteReading]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction for the cold wallet, to be signed as it is."""

    direction: Literal["refill", "drain"]
    amount: str
    to: str
    value: str
    calldata: str


class QuoteReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a source had said when a quote was made."""

    source: str
    rate: str
    said_at: str
    read_at: str


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit of an asset costs now; `rate` is null while nobody knows.

    `detail` says why there is none. Without `sources` the price is fixed by the operator.
    """

    asset: str
    currency: str
    status: Literal["ok", "away", "disagreement", "depegged", "unpriced"]
    rate: str | None
    source: str | None
    at: str | None
    expires_at: str | None
    quote: str | None
    detail: str | None
    sources: list[Source]


class RateList(msgspec.Struct, frozen=True, kw_only=True):
    """The rate of every asset."""

    data: list[Rate]


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger against the chain, and against what we owe."""

    data: list[ReconciliationRow]
    owed: list[OwedRow]


class ReconciliationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One asset on one chain: what the node says of every address we own, and the ledger."""

    chain: str
    asset: str
    block_number: int
    on_chain: str
    ledger: str
    unswept: str
    below_worth: str
    below_minimum: str
    difference: str


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund: `amount` of `asset` leaves, `currency_amount` is what it is of the invoice."""

    id: str
    invoice: str
    account: str
    status: Literal[
        "awaiting_address",
        "pending",
        "confirmed",
        "failed",
        "rejected",
        "cancelled",
        "expired",
    ]
    kind: Literal["full", "partial", "overpaid"]
    amount: str
    asset: str
    chain: str
    currency_amount: str
    currency: str
    payment: str | None
    rate_kind: Literal["quote", "current"]
    rate: str | None
    rate_source: str | None
    rate_at: str | None
    to_address: str | None
    page_url: str | None
    refusal: str | None
    withdrawal: str | None
    created_at: str
    expires_at: str | None
    ended_at: str | None


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay asked for again."""

    queued: int
    next_event: str | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The settlement report of a range of time."""

    data: list[ReportRow]
    totals: list[ReportTotal]


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of an account's money; a withdrawal with its fee is one."""

    date: str
    type: str
    id: str
    invoice: str | None
    order_id: str | None
    asset: str
    chain: str | None
    gross: str
    fee: str
    net: str
    rate: str | None
    quote_currency: str | None
    quote_amount: str | None
    tx_hash: str | None
    block_number: int | None
    block_hash: str | None
    log_index: int | None
    balance_after: str
    rate_source: str | None
    rate_at: str | None
    account: str


class ReportTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of one asset add up to; net is closing_balance - opening_balance."""

    asset: str
    gross: str
    fee: str
    net: str
    opening_balance: str
    closing_balance: str
    count: int


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Whether money goes to the book only; `optional_from`: until then it does."""

    account: str
    required: bool
    optional_from: str | None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a balance goes by itself, and what of it."""

    id: str
    account: str
    asset: str
    chain: str
    address_entry: str
    every: Literal["day", "week", "month"]
    day: int
    hour: int
    minimum: str
    keep_reserve: str
    active: bool
    next_at: str | None
    created_at: str


class SendingAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """Signed bytes, and what a node last said of them; fees in wei a unit of gas."""

    tx_hash: str
    tip: str
    cap: str
    gas: int
    cancels: bool
    outcome: str | None
    sent_at: str | None
    created_at: str


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant's day in one asset.

    net = gross + fees + refunds, closing_balance = opening_balance + net + payouts.

    Movements belong to the day on which the ledger posted them, so a closed day never
    changes.
    """

    id: str
    date: str
    account: str
    asset: str
    status: Literal["open", "closed"]
    gross: str
    fees: str
    refunds: str
    net: str
    payouts: str
    opening_balance: str
    closing_balance: str
    count: int
    closed_at: str | None


class SignedInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice with a signed instruction for each way to pay that takes payments now."""

    id: str
    url: str
    account: str
    status: Literal["open", "processing", "paid", "expired", "void"]
    paid_state: Literal["none", "partial", "exact", "over"]
    late: bool
    amount: str
    currency: str
    amount_paid: str
    amount_credited: str
    amount_due: str
    amount_missing: str
    amount_over: str
    late_action: Literal["review", "refund"] | None
    reverted_at: str | None
    terms: InvoiceTerms
    order_id: str | None
    payment_link: str | None
    quantity: int | None
    title: str | None
    success_url: str | None
    payment_options: list[Option]
    payments: list[dict[str, Any]]
    metadata: dict[str, str]
    expires_at: str
    paid_at: str | None
    voided_at: str | None
    created_at: str
    instructions: list[Instruction]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source: what it said last, when it says that was, and what is wrong with it now."""

    source: str
    kind: str
    rate: str | None
    said_at: str | None
    read_at: str | None
    fresh: bool
    error: str | None
    failing_since: str | None


class StatementEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a statement."""

    id: str
    transfer: str
    type: str
    asset: str
    amount: str
    balance_after: str
    caused_by: str
    chain: str | None
    tx_hash: str | None
    created_at: str


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """Until when an endpoint is held up."""

    endpoint: str
    stuck_until: str


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant's terms, copied onto each invoice when it is opened; null is no bound."""

    account: str
    under_percent: str
    under_amount: str
    over_percent: str
    over_amount: str
    late_percent: str | None
    late_hours: int | None
    late: Literal["credit", "refund"]
    support_url: str | None
    changed_at: str | None


class TierLimit(msgspec.Struct, frozen=True, kw_only=True):
    """What a tier allows from a moment on; `count` is a number of withdrawals, the rest USD."""

    id: str
    tier: int
    kind: Literal["day", "month", "count", "approval"]
    amount: str
    valid_from: str
    set_by: str
    created_at: str


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What a transaction did here, or why nothing."""

    tx_hash: str
    found: bool
    chain: str | None
    block_number: int | None
    deposits: list[dict[str, Any]]
    withdrawals: list[dict[str, Any]]
    sweeps: list[dict[str, Any]]
    inbox: list[dict[str, Any]]
    entries: list[TraceEntry]
    explanation: str


class TraceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger entry the transaction caused."""

    account: str | None
    place: int
    type: str
    asset: str
    amount: str
    ref: str
    created_at: str


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One nonce of a signer: every attempt has it, at most one of them is mined."""

    id: str
    chain: str
    kind: Literal["payout", "sweep", "send", "relay"]
    asset: str
    signer: str
    nonce: int
    seq: int | None
    state: Literal["signed", "mined", "confirmed", "reverted", "cancelled"]
    cancel_wanted: bool
    refusal: str | None
    withdrawals: list[str]
    tx_hash: str | None
    block_number: int | None
    gas_used: int | None
    fee: str | None
    attempts: list[SendingAttempt]
    created_at: str


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Money that moved from one account to another."""

    id: str
    status: Literal["posted"] | None = None
    from_: str = msgspec.field(name="from")
    to: str
    asset: str
    amount: str
    memo: str | None
    created_at: str


class Treasury(msgspec.Struct, frozen=True, kw_only=True):
    """One asset on one chain: where it is, what waits for it, and what should move."""

    chain: str
    asset: str
    hot: str
    on_chain: str | None
    leaving: str
    waiting: str
    coming: str
    unswept: str
    treasury: str
    gas_tank: str | None
    target: str
    min: str
    max: str | None
    proposal: Proposal | None


class TreasuryList(msgspec.Struct, frozen=True, kw_only=True):
    """Every asset on every chain."""

    data: list[Treasury]


class WebhookAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a delivery and its answer; kept for 30 days."""

    id: str
    delivery: str
    number: int
    request: AttemptRequest
    response: AttemptResponse | None
    error: str | None
    milliseconds: int
    created_at: str


class WholeInbox(msgspec.Struct, frozen=True, kw_only=True):
    """An item with its transfers, as far as they are kept one by one."""

    id: str
    kind: Literal["unknown_token", "wrong_asset", "wrong_chain", "unattributed", "set_aside"]
    status: Literal["open", "assigned", "accepted", "refunded", "dismissed", "orphaned"]
    chain: str
    account: str | None
    invoice: str | None
    address: str
    contract: str | None
    asset: str | None
    amount: str | None
    units: str
    transfers: int
    from_address: str | None
    first_block: int
    detail: str
    deposit: str | None
    withdrawal: str | None
    decided_by: str | None
    decided_at: str | None
    reason: str | None
    decisions: list[Decision]
    created_at: str
    arrivals: list[Arrival]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that runs: what it allows, what is left now, when more is free."""

    window: Literal["day", "month"]
    limit: str
    left: str
    frees_at: str | None


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """Money on its way out."""

    id: str
    account: str
    asset: str
    chain: str
    to_address: str
    amount: str
    fee: str
    status: Literal[
        "requested",
        "held",
        "approved",
        "sent",
        "confirmed",
        "failed",
        "rejected",
        "cancelled",
    ]
    held_reason: str | None
    waiting_reason: str | None
    failure_reason: str | None
    failure_detail: str | None
    not_before: str | None
    tx_hash: str | None
    block_number: int | None
    confirmations: int
    confirmations_required: int
    refund: str | None
    created_at: str
    sent_at: str | None
    ended_at: str | None


class WithdrawalQuote(msgspec.Struct, frozen=True, kw_only=True):
    """What a withdrawal costs now, and how long it usually takes."""

    asset: str
    chain: str
    fee: str
    total: str | None
    estimated_seconds: int


class AssetOnChainInput(TypedDict, total=False):
    """An asset on a chain."""

    asset: str  # required
    chain: str  # required


class TermsInput(TypedDict, total=False):
    """What a merchant does without and how late it takes money. On an invoice, in its currency,
    what is left out is as the merchant's; of the merchant's, amounts are US dollars.
    """

    under_percent: str
    under_amount: str
    over_percent: str
    over_amount: str
    late_percent: str | None
    late_hours: int | None
    late: Literal["credit", "refund"]
