-- What arrived and could not simply be credited: it waits here, with its reason, for a person.

insert into ledger.movement (code, name, passes_freeze) values
    (14, 'unattributed', true),       -- found at an address, nobody knows by which payment
    (15, 'assignment', true);         -- a person said whose it is

-- An address is the same on every chain, so whose it is is asked without one.
create index address_anywhere on address (address);

-- One thing to decide. Strays of an unknown token are one item for each token and address, however
-- many there are: a name can be had for nothing, and whoever spams must not drown what matters.
create table inbox_item (
    id text primary key,
    chain text not null references chain,
    kind text not null check (kind in
        ('unknown_token', 'wrong_asset', 'wrong_chain', 'unattributed', 'set_aside')),
    status text not null default 'open' check (status in
        ('open', 'assigned', 'refunded', 'dismissed', 'orphaned')),
    account_id text references account,            -- whose address it is; null: not known
    invoice_id text,
    address bytea not null check (octet_length(address) = 20),
    contract bytea check (octet_length(contract) = 20),   -- null: the native coin
    asset text references ledger.asset (code),     -- null: not listed when it came
    sender bytea check (octet_length(sender) = 20),       -- null: unknown, or several
    units numeric not null,                        -- of the chain, all arrivals; spam has no bound
    arrivals bigint not null default 1,            -- on our chain now
    beyond bigint not null default 0,              -- of these, those without a row of their own
    first_block bigint not null,
    detail text not null,                          -- why it is here
    deposit_id text,                               -- what it is about, if that was credited
    withdrawal_id text,                            -- the refund under way or done
    decided_at timestamptz,                        -- the decision that holds; earlier ones below
    decided_by text,                               -- the API key
    reason text,
    created_at timestamptz not null default now(),
    check (status <> 'refunded' or withdrawal_id is not null),
    check (status in ('open', 'orphaned') or decided_by is not null)
);
create unique index inbox_token on inbox_item (chain, address, contract)
    where kind = 'unknown_token' and status <> 'assigned';
create index inbox_contract on inbox_item (chain, contract) where status = 'open';
create index inbox_status on inbox_item (status, id desc);
create index inbox_kind on inbox_item (kind, status, id desc);
create index inbox_kinds on inbox_item (kind, id desc);
create index inbox_chain on inbox_item (chain, status, id desc);
create index inbox_chains on inbox_item (chain, id desc);
create index inbox_account on inbox_item (account_id, id desc);
create index inbox_deposit on inbox_item (deposit_id) where deposit_id is not null;

-- Each transfer of an item, with what is needed to make a deposit of it.
create table inbox_arrival (
    chain text not null references chain,
    kind text not null,
    hash bytea not null check (octet_length(hash) = 32),  -- transaction, or block without one
    position text not null,                        -- place inside the transaction
    native boolean not null,
    address bytea not null,
    item_id text not null references inbox_item,
    tx_hash bytea check (octet_length(tx_hash) = 32),
    sender bytea,
    contract bytea,
    units numeric not null,                        -- of the chain
    block_number bigint not null,
    block_hash bytea not null check (octet_length(block_hash) = 32),
    block_time timestamptz not null,
    log_index integer,
    canonical boolean not null default true,
    deposit_id text,                               -- what it became
    seen_at timestamptz not null default now(),
    primary key (chain, kind, hash, position, native, address)
);
create index inbox_arrival_item on inbox_arrival (item_id, block_number);
create index inbox_arrival_block on inbox_arrival (chain, block_number) where canonical;
create index inbox_arrival_tx on inbox_arrival (tx_hash) where tx_hash is not null;

-- Who decided what, when and why; a refund that did not arrive is followed by 'reopened'.
create table inbox_decision (
    id bigint generated always as identity primary key,
    item_id text not null references inbox_item,
    decision text not null check (decision in ('assigned', 'refunded', 'dismissed', 'reopened')),
    decided_by text not null,                      -- the API key; the withdrawal that reopened it
    reason text,
    account_id text references account,
    withdrawal_id text,
    transfer_id text,
    created_at timestamptz not null default now()
);
create index inbox_decision_item on inbox_decision (item_id, id);
revoke update, delete on inbox_decision from mizan_api, mizan_worker;

-- A refund is paid at most once, and one that was not paid may be asked for again.
alter table withdrawal drop constraint withdrawal_refund_id_key;
create unique index withdrawal_refund on withdrawal (refund_id)
    where refund_id is not null and status not in ('failed', 'rejected', 'cancelled');
