-- What is asked of a payer: payment links, invoices with their options, payments and refunds.
-- Amounts in `currency` are base units of USD (cents) or of the asset the currency names.

create table payment_link (
    id text primary key,
    account_id text not null references account,
    title text not null,
    currency text not null,
    amount numeric(78, 0) check (amount > 0),      -- null: the payer chooses
    assets jsonb,                                  -- [{asset, chain}]; null: every priced asset
    success_url text,
    max_uses integer check (max_uses > 0),
    active boolean not null default true,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now()
);
create index payment_link_account on payment_link (account_id, id desc);

create table invoice (
    id text primary key,
    account_id text not null references account,
    link_id text references payment_link,
    order_id text,
    request_hash bytea not null,                   -- what makes two requests for an order the same
    title text,
    currency text not null,
    amount numeric(78, 0) not null check (amount > 0),
    -- what follows is rules.outcome() of the payments and the clock, stored to see it change
    status text not null default 'open'
        check (status in ('open', 'processing', 'paid', 'expired', 'void')),
    paid_state text not null default 'none'
        check (paid_state in ('none', 'partial', 'exact', 'over')),
    late boolean not null default false,
    amount_paid numeric(78, 0) not null default 0,       -- seen: confirming or credited
    amount_credited numeric(78, 0) not null default 0,   -- final
    expires_at timestamptz not null,
    voided_at timestamptz,
    paid_at timestamptz,
    success_url text,
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint invoice_order unique (account_id, order_id)
);
create index invoice_account on invoice (account_id, id desc);
create index invoice_link on invoice (link_id, id desc) where link_id is not null;
create index invoice_due on invoice (expires_at) where status = 'open';

create table invoice_option (
    invoice_id text not null references invoice,
    position smallint not null,                    -- the order in which a payer sees them
    chain text not null references chain,
    asset text not null references ledger.asset (code),
    address bytea not null check (octet_length(address) = 20),
    amount numeric(78, 0) not null check (amount > 0),   -- the whole price, ledger base units
    places smallint not null,                      -- decimals a payer is asked for
    rate numeric not null,                         -- invoice currency per unit of the asset
    rate_source text not null,
    rate_at timestamptz not null,
    primary key (invoice_id, position),
    unique (invoice_id, chain, asset)
);

create table invoice_payment (
    deposit_id text primary key,
    invoice_id text not null references invoice,
    chain text not null,
    asset text not null,
    amount numeric(78, 0) not null,
    status text not null check (status in ('confirming', 'credited', 'orphaned', 'reversed')),
    tx_hash bytea not null,
    from_address bytea,
    block_number bigint,
    seen_at timestamptz not null,                  -- the time of its block
    details jsonb not null                         -- the deposit as the API shows it
);
create index invoice_payment_invoice on invoice_payment (invoice_id, deposit_id);

create table refund (
    id text primary key,
    invoice_id text not null references invoice,
    account_id text not null references account,
    currency text not null,
    currency_amount numeric(78, 0) not null check (currency_amount > 0),
    chain text not null,
    asset text not null references ledger.asset (code),
    amount numeric(78, 0) not null check (amount > 0),
    to_address bytea not null check (octet_length(to_address) = 20),
    withdrawal_id text,
    status text not null default 'pending'
        check (status in ('pending', 'confirmed', 'failed', 'rejected', 'cancelled')),
    created_at timestamptz not null default now(),
    ended_at timestamptz
);
create index refund_invoice on refund (invoice_id, id desc);
create index refund_account on refund (account_id, id desc);
