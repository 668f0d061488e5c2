-- What is still at deposit addresses, when it is worth a sweep, and what the signers have for gas.

alter table chain
    add column sweep_worth_gas numeric not null default 10 check (sweep_worth_gas >= 0),
    add column sweep_age_seconds integer not null default 604800 check (sweep_age_seconds > 0),
    add column gas_low_transactions integer not null default 20 check (gas_low_transactions > 0),
    add column gas_fill_transactions integer not null default 100,
    add check (gas_fill_transactions >= gas_low_transactions);
comment on column chain.sweep_worth_gas is
    'a vault is swept when it holds so many times its share of the gas; 0: whatever it holds';
comment on column chain.sweep_age_seconds is 'a vault is swept after that long, whatever it holds';
comment on column chain.gas_low_transactions is
    'alarm when a signer can pay for fewer transactions at today''s price';
comment on column chain.gas_fill_transactions is 'for how many transactions the alarm asks';

-- What each address holds that is in the books and that no sweep has taken: the sum of its credited
-- deposits and of what was found there, less what sweeps took. The triggers below keep it, so that
-- no writer of those tables can forget it; `mizan audit` adds everything up again. A row is there
-- only while the sum is not zero: the table is as long as what is open, not as what ever came.
create table unswept (
    chain text not null references chain,
    asset text not null references ledger.asset (code),
    address bytea not null check (octet_length(address) = 20),
    units numeric(78, 0) not null,                 -- ledger units; below zero only after a
    since timestamptz not null default now(),      -- reorganisation deeper than any finality
    primary key (chain, asset, address)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
create index unswept_largest on unswept (chain, asset, units desc) include (address, since)
    where units > 0;
create index unswept_oldest on unswept (chain, asset, since) include (address, units)
    where units > 0;

-- `since` given: what is left there came after that moment.
create function unswept_moves(
    p_chain text, p_asset text, p_address bytea, p_units numeric, p_since timestamptz default null
) returns void language plpgsql as $$
begin
    if coalesce(p_units, 0) = 0 then
        return;
    end if;
    insert into unswept as u (chain, asset, address, units)
        values (p_chain, p_asset, p_address, p_units)
        on conflict (chain, asset, address) do update
            set units = u.units + excluded.units, since = coalesce(p_since, u.since);
    delete from unswept u
        where u.chain = p_chain and u.asset = p_asset and u.address = p_address and u.units = 0;
end $$;

create function deposit_is_unswept() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and (old.status, old.asset, old.address, old.amount)
        is not distinct from (new.status, new.asset, new.address, new.amount)
    then
        return null;
    end if;
    if tg_op <> 'INSERT' and old.status = 'credited' then
        perform unswept_moves(old.chain, old.asset, old.address, -old.amount);
    end if;
    if tg_op <> 'DELETE' and new.status = 'credited' then
        perform unswept_moves(new.chain, new.asset, new.address, new.amount);
    end if;
    return null;
end $$;
create trigger is_unswept after insert or delete or update of status, amount, asset, address
    on deposit for each row execute function deposit_is_unswept();

create function sweep_item_is_swept() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        perform unswept_moves(old.chain, old.asset, old.address, old.swept);
    end if;
    if tg_op <> 'DELETE' then
        perform unswept_moves(new.chain, new.asset, new.address, -new.swept, now());
    end if;
    return null;
end $$;
create trigger is_swept after insert or delete or update of swept
    on sweep_item for each row execute function sweep_item_is_swept();

insert into unswept (chain, asset, address, units, since)
    select chain, asset, address, sum(units), coalesce(max(at), now()) from (
        select chain, asset, address, amount as units, credited_at as at from deposit
            where status = 'credited'
        union all
        select chain, asset, address, -swept, null from sweep_item where swept <> 0
    ) all_of_it group by chain, asset, address having sum(units) <> 0;

-- Why a vault is in a sweep, and what the decision was made from.
alter table sweep_item
    add column reason text check (reason in ('need', 'worth', 'age'));   -- null: coins that went along
create table sweep_decision (
    intent_id text primary key references intent,
    facts jsonb not null,
    created_at timestamptz not null default now()
);

-- From how much on a vault is worth being swept, as last worked out; what holds less is dust today.
create table sweep_worth (
    chain text not null references chain,
    asset text not null references ledger.asset (code),
    least numeric(78, 0),                          -- ledger units; null: no price
    swept_some boolean not null,                   -- false: nothing was worth it
    judged_at timestamptz not null default now(),
    primary key (chain, asset)
);

-- What each signer has for gas, as last seen.
create table gas_tank (
    signer_id text primary key references signer,
    balance numeric(78, 0) not null,               -- wei
    transactions bigint not null,                  -- how many it pays at today's price
    heard_at timestamptz not null default now()
);

create index deposit_unfinal on deposit (chain, address) where status = 'confirming';
create index deposit_credited on deposit (chain, address, asset, block_number) include (amount)
    where status = 'credited';
create index sweep_item_open on sweep_item (chain, address) where swept is null;
create index sweep_item_surplus on sweep_item (chain, asset, address) where surplus > 0;
create index sweep_item_failed on sweep_item (chain, asset, address, created_at) where failed;
-- An item is open only while its intent may still be mined.
update sweep_item i set swept = 0, surplus = 0 from intent n
    where n.id = i.intent_id and i.swept is null and n.status in ('void', 'reverted');

-- The least that is credited, as it was when the price was quoted.
alter table invoice_option add column minimum numeric(78, 0) not null default 1;
