-- What is public about a chain we serve. Endpoints are settings, because their URLs carry keys.

create table chain (
    id text primary key,                           -- CAIP-2: eip155:31337
    chain_id bigint not null unique,
    name text not null,
    confirmations integer not null check (confirmations >= 1),        -- blocks, in and out
    block_seconds numeric not null,
    start_block bigint not null,                   -- the first block the watcher reads
    vault_factory bytea not null check (octet_length(vault_factory) = 20),
    payout_vault bytea not null check (octet_length(payout_vault) = 20),
    treasury bytea not null check (octet_length(treasury) = 20),
    explorer_url text,                             -- {tx} stands for the hash
    active boolean not null default true,
    created_at timestamptz not null default now()
);

create table chain_asset (
    chain text not null references chain,
    asset text not null references ledger.asset (code),
    contract bytea check (octet_length(contract) = 20),               -- null: the native coin
    decimals smallint not null check (decimals between 0 and 36),
    minimum_deposit numeric(78, 0) not null default 1,                -- base units of the ledger
    hot_target numeric(78, 0) not null default 0,  -- what the payout vault should hold
    active boolean not null default true,
    primary key (chain, asset)
);
create unique index chain_asset_contract on chain_asset (chain, contract) nulls not distinct;
