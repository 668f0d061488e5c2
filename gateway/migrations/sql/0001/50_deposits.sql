-- Where payers pay, the blocks we read, and what arrived in them.

create table address (
    chain text not null references chain,
    address bytea not null check (octet_length(address) = 20),
    salt bytea not null check (octet_length(salt) = 32),
    account_id text not null references account,
    invoice_id text,                               -- null: the account's own address
    -- which transaction wrote the row: how the watcher finds what it has not loaded, in commit order
    written_by xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    primary key (chain, address)
);
create unique index address_of_account on address (account_id, chain) where invoice_id is null;
create unique index address_of_invoice on address (invoice_id, chain) where invoice_id is not null;
create index address_written on address (chain, written_by);

-- Every block we accepted. Orphans stay: they are the evidence of what was undone.
create table block (
    chain text not null references chain,
    hash bytea not null check (octet_length(hash) = 32),
    number bigint not null check (number >= 0),
    parent_hash bytea not null check (octet_length(parent_hash) = 32),
    time timestamptz not null,
    canonical boolean not null default true,
    seen_at timestamptz not null default now(),
    primary key (chain, hash)
);
create unique index block_canonical on block (chain, number) where canonical;

-- How far each chain is read. It moves by compare-and-set in the transaction that writes deposits.
create table watch_cursor (
    chain text primary key references chain,
    number bigint not null,                        -- start_block - 1 before the first block
    hash bytea check (octet_length(hash) = 32),    -- null before the first block
    block_time timestamptz,
    seen_at timestamptz,
    node_head bigint,                              -- the newest block the node has told of
    away_since timestamptz,                        -- the node does not answer since then
    halted_since timestamptz                       -- a reorganisation too deep: nothing is credited
);

create table deposit (
    id text primary key,
    chain text not null references chain,
    tx_hash bytea not null check (octet_length(tx_hash) = 32),
    kind text not null check (kind in ('native', 'erc20')),
    position text not null,                        -- place inside the transaction
    account_id text not null references account,
    invoice_id text,
    address bytea not null,
    -- the latest sighting's facts
    from_address bytea not null check (octet_length(from_address) = 20),
    asset text not null references ledger.asset (code),
    amount numeric(78, 0) not null check (amount > 0),      -- ledger units
    block_number bigint not null,
    block_hash bytea not null check (octet_length(block_hash) = 32),
    block_time timestamptz not null,
    log_index integer,                             -- place inside the block; null: no log
    status text not null check (status in ('confirming', 'credited', 'orphaned', 'reversed')),
    epoch integer not null default 1,              -- a credit after a reversal is a new epoch
    credited_at timestamptz,
    created_at timestamptz not null default now(),
    unique (chain, tx_hash, kind, position),
    foreign key (chain, address) references address (chain, address)
);
create index deposit_of_account on deposit (account_id, id desc);
create index deposit_of_invoice on deposit (invoice_id) where invoice_id is not null;
create index deposit_confirming on deposit (chain, block_number) where status = 'confirming';
create index deposit_pending on deposit (account_id) where status = 'confirming';
create index deposit_block on deposit (chain, block_hash);
create index deposit_tx on deposit (tx_hash);

-- Every block in which a deposit was seen.
create table sighting (
    deposit_id text not null references deposit,
    chain text not null,
    block_hash bytea not null,
    log_index integer,
    amount numeric(78, 0) not null,                -- ledger units
    canonical boolean not null default true,
    seen_at timestamptz not null default now(),
    primary key (deposit_id, block_hash),
    foreign key (chain, block_hash) references block (chain, hash)
);
create unique index sighting_canonical on sighting (deposit_id) where canonical;
