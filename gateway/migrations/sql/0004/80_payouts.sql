-- A merchant's balance on its way to an address of its book: when it goes by itself, and each payout
-- with the withdrawal that carries it.

create table payout_schedule (
    id text primary key,
    account_id text not null references account,
    chain text not null,
    asset text not null,
    entry_id text not null references address_book,
    every text not null check (every in ('day', 'week', 'month')),
    -- week: 1 Monday .. 7 Sunday; month: the day, 28 at most so that every month has it
    day smallint not null default 1,
    hour smallint not null check (hour between 0 and 23),   -- UTC
    minimum numeric(78, 0) not null check (minimum >= 0),   -- ledger units; less waits
    keep numeric(78, 0) not null check (keep >= 0),         -- ledger units that stay
    active boolean not null,
    next_at timestamptz not null,
    set_by text not null,                                   -- the key that asks for its payouts
    created_at timestamptz not null default now(),
    check (day between 1 and case every when 'week' then 7 when 'month' then 28 else 1 end),
    unique (account_id, chain, asset),
    foreign key (chain, asset) references chain_asset
);
create index payout_schedule_due on payout_schedule (next_at) where active;
create index payout_schedule_list on payout_schedule (account_id, id desc);

create table payout (
    id text primary key,
    account_id text not null references account,
    chain text not null,
    asset text not null,
    entry_id text not null references address_book,
    to_address bytea not null check (octet_length(to_address) = 20),
    amount numeric(78, 0) check (amount > 0),               -- null until a withdrawal carries it
    status text not null check (status in ('waiting', 'skipped', 'pending', 'confirmed', 'failed',
                                           'rejected', 'cancelled')),
    waiting_reason text,
    retry_at timestamptz not null default now(),
    schedule_id text references payout_schedule,            -- null: asked for by a person
    due_at timestamptz,                                     -- which of the schedule's times
    withdrawal_id text unique references withdrawal,
    requested_by text not null,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    check ((schedule_id is null) = (due_at is null)),
    check ((status in ('waiting', 'skipped')) = (withdrawal_id is null)),
    check ((amount is null) = (withdrawal_id is null)),
    foreign key (chain, asset) references chain_asset,
    unique (schedule_id, due_at)                            -- a time of a schedule is paid once
);
create index payout_list on payout (account_id, id desc);
create index payout_waiting on payout (retry_at) where status = 'waiting';
create index payout_pending on payout (withdrawal_id) where status = 'pending';

-- What carries a payout never changes, and an end is an end.
create function payout_keeps_its_word() returns trigger language plpgsql as $$
begin
    if (old.withdrawal_id is not null and (new.withdrawal_id, new.amount, new.to_address)
            is distinct from (old.withdrawal_id, old.amount, old.to_address))
        or (old.status not in ('waiting', 'pending') and new.status <> old.status)
    then
        raise exception 'payout % cannot change that way', old.id
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger keeps_its_word before update on payout
    for each row execute function payout_keeps_its_word();
