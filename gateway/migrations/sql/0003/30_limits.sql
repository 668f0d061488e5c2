-- What an account may take out in a day and in thirty, as holds in the ledger that run out by
-- themselves: of fifty withdrawals at once exactly as many pass as the limit allows.

-- A limit is counted in an asset that is no money: nobody can own, send or deposit it.
alter table ledger.asset add column is_money boolean not null default true;
insert into ledger.asset (code, name, decimals, is_money)
    values ('LIMIT-USD', 'Limits, in cents of a US dollar', 2, false) on conflict do nothing;
insert into ledger.movement (code, name, passes_freeze) values (20, 'limit', true);

-- How well we know an account (0 not at all .. 3), since when, and who says so. Never changed.
create table account_tier (
    id text primary key,
    account_id text not null references account,
    tier smallint not null check (tier between 0 and 3),
    valid_from timestamptz not null default now(),
    evidence text not null,
    set_by text not null,
    created_at timestamptz not null default now()
);
create index account_tier_now on account_tier (account_id, valid_from desc);

-- What a tier allows, since when. The newest row that has begun counts.
create table tier_limit (
    id text primary key,
    tier smallint not null check (tier between 0 and 3),
    -- day, month: US dollars in 24 h, in 30 d; count: withdrawals in 24 h; approval: above it, a person
    kind text not null check (kind in ('day', 'month', 'count', 'approval')),
    amount numeric(30, 2) not null check (amount >= 0),
    valid_from timestamptz not null default now(),
    set_by text not null,
    created_at timestamptz not null default now()
);
create index tier_limit_now on tier_limit (tier, kind, valid_from desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger append_only before update or delete on account_tier
    for each row execute function refuse_change();
create trigger append_only before update or delete on tier_limit
    for each row execute function refuse_change();

-- The account whose debt may grow up to the limit. What ran out is given back first; a limit below
-- what is reserved leaves nothing, until that runs out.
create function ledger.limit_account(p_owner text, p_code smallint, p_limit numeric) returns bigint
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    v_asset integer := (select id from asset where code = 'LIMIT-USD');
    v_id bigint := open_account(v_asset, p_code, p_owner, null, 0);
    v_hold uuid;
begin
    perform from account where id = v_id for update;
    for v_hold in
        select h.id from hold h join transfer t on t.id = h.id
        where t.debit_account = v_id and t.kind = 2 and t.code = 20
            and not h.resolved and h.expires_at <= now()
    loop
        perform submit(md5('expired' || v_hold::text)::uuid, 4::smallint, null, null, null,
                       20::smallint, p_owner, v_hold);
    end loop;
    update account set max_debt = greatest(p_limit, debits_pending)
        where id = v_id and max_debt is distinct from greatest(p_limit, debits_pending);
    return v_id;
end $$;
create index transfer_limit on ledger.transfer (debit_account) where kind = 2 and code = 20;

-- What a limit account has left, and when the first of what is reserved runs out.
create function ledger.limit_left(p_account bigint) returns table (left_units numeric, frees_at timestamptz)
language sql stable security definer set search_path = ledger, pg_temp as $$
    select a.max_debt - a.debits_pending,
        (select min(h.expires_at) from hold h join transfer t on t.id = h.id
         where t.debit_account = a.id and t.kind = 2 and t.code = 20 and not h.resolved)
    from account a where a.id = p_account
$$;
grant execute on function ledger.limit_account, ledger.limit_left to mizan_api, mizan_worker;
revoke execute on function ledger.limit_account, ledger.limit_left from public;
revoke update, delete on account_tier, tier_limit from mizan_api, mizan_worker;
