-- The balance probe: what is at our addresses against what we know came there.

-- How far the chain's addresses are probed. A round goes through all of them in their order.
create table probe (
    chain text primary key references chain,
    position bytea check (octet_length(position) = 20),   -- probed last; null: a round begins
    round_block bigint                             -- the final block the newest round began at
);

-- Native coin that no payment we saw explains: in the books as owed to somebody unknown.
create table found_coin (
    id text primary key,
    chain text not null references chain,
    asset text not null references ledger.asset (code),
    address bytea not null check (octet_length(address) = 20),
    block_hash bytea not null check (octet_length(block_hash) = 32),  -- it was there by then
    block_number bigint not null,
    units numeric(78, 0) not null check (units > 0),      -- ledger units
    item_id text not null references inbox_item,   -- where a person decides about it
    found_at timestamptz not null default now(),
    unique (chain, address, block_hash)
);
create index found_coin_block on found_coin (chain, block_number);

-- It is fetched by sweeps like what was credited: 50_sweeps keeps the sum.
create function found_coin_is_unswept() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        perform unswept_moves(old.chain, old.asset, old.address, -old.units);
    end if;
    if tg_op <> 'DELETE' then
        perform unswept_moves(new.chain, new.asset, new.address, new.units);
    end if;
    return null;
end $$;
create trigger is_unswept after insert or delete or update of units
    on found_coin for each row execute function found_coin_is_unswept();
