-- The ledger: every money invariant is enforced here, by the database, not by the application.
--
-- One door, ledger.submit(): posted (1), hold (2), capture (3), release (4). Amounts are whole base
-- units. A stored balance is credits minus debits, so what we own (1xxx) reads negative and what we
-- owe (2xxx) positive.

create schema ledger;

create table ledger.asset (
    id integer generated always as identity primary key,
    code text not null unique,
    name text not null,
    -- the greatest precision of the asset on any of its chains
    decimals smallint not null check (decimals between 0 and 36)
);

-- What a movement is for. A freeze stops new debits and holds only: what the chain has decided
-- (credits, reversals, captures of what was already sent) still posts, so it passes the freeze.
create table ledger.movement (
    code smallint primary key,
    name text not null unique,
    passes_freeze boolean not null
);

create table ledger.account (
    id bigint generated always as identity primary key,
    asset_id integer not null references ledger.asset,
    code smallint not null,                       -- chart of accounts, gateway/ledger/chart.py
    owner text,                                   -- null: the house
    chain text,                                   -- custody is per chain, a person's balance is not
    max_debt numeric(78, 0) default 0 check (max_debt >= 0),  -- null: unbounded (house)
    debit_frozen boolean not null default false,
    credit_frozen boolean not null default false,
    receivable bigint references ledger.account,  -- what the owner owes after a reversed deposit
    debits_pending numeric(78, 0) not null default 0 check (debits_pending >= 0),
    debits_posted numeric(78, 0) not null default 0 check (debits_posted >= 0),
    credits_pending numeric(78, 0) not null default 0 check (credits_pending >= 0),
    credits_posted numeric(78, 0) not null default 0 check (credits_posted >= 0),
    version bigint not null default 0,
    head bytea not null default '\x00',
    constraint never_overdrawn check (
        max_debt is null or credits_posted - debits_posted - debits_pending + max_debt >= 0
    ),
    constraint one_per_place unique nulls not distinct (owner, asset_id, code, chain)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.01);

create table ledger.transfer (
    id uuid primary key,                          -- chosen by the caller: its idempotency key
    kind smallint not null check (kind between 1 and 4),
    hold_id uuid references ledger.transfer,
    debit_account bigint not null,                -- no foreign keys: submit() has changed both rows,
    credit_account bigint not null,               -- and checking them again costs a sixth of it
    asset_id integer not null,
    amount numeric(78, 0) not null check (amount > 0),
    code smallint not null,
    ref text not null,                            -- the object that caused it: dep_, wd_, tr_, …
    chain text,                                   -- the chain fact behind it, where there is one
    block_number bigint,
    tx_hash bytea check (octet_length(tx_hash) = 32),
    created_at timestamptz not null default clock_timestamp(),
    check (debit_account <> credit_account),
    check ((kind in (3, 4)) = (hold_id is not null)),
    check ((chain is null) = (block_number is null))
);
create index transfer_hold on ledger.transfer (hold_id) where hold_id is not null;
create index transfer_ref on ledger.transfer (ref);
create index transfer_tx on ledger.transfer (tx_hash) where tx_hash is not null;
create index transfer_day on ledger.transfer using brin (created_at);  -- written in this order

-- The only mutable row of a two-phase transfer.
create table ledger.hold (
    id uuid primary key references ledger.transfer,
    remaining numeric(78, 0) not null check (remaining >= 0),
    expires_at timestamptz,
    resolved boolean not null default false,
    check (resolved = (remaining = 0))
);
create index hold_expiry on ledger.hold (expires_at) where not resolved;

-- Two rows for each posted transfer; gapless per account; each account is a hash chain.
create table ledger.entry (
    account_id bigint not null,
    version bigint not null,
    transfer_id uuid not null,
    amount numeric(78, 0) not null check (amount <> 0),
    balance_after numeric(78, 0) not null,
    hash bytea not null,
    primary key (account_id, version)
);
create index entry_transfer on ledger.entry (transfer_id);

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'ledger.% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger append_only before update or delete on ledger.transfer
    for each row execute function ledger.refuse_change();
create trigger append_only before update or delete on ledger.entry
    for each row execute function ledger.refuse_change();
create trigger no_truncate before truncate on ledger.transfer
    execute function ledger.refuse_change();
create trigger no_truncate before truncate on ledger.entry
    execute function ledger.refuse_change();

create function ledger.refuse_backwards() returns trigger language plpgsql as $$
begin
    raise exception 'the identity of an account is fixed and its totals only grow'
        using errcode = 'restrict_violation';
end $$;
create trigger only_forward before update on ledger.account for each row
    when (new.id <> old.id or new.asset_id <> old.asset_id or new.code <> old.code
        or new.owner is distinct from old.owner or new.chain is distinct from old.chain
        or new.debits_posted < old.debits_posted or new.credits_posted < old.credits_posted
        or new.version < old.version)
    execute function ledger.refuse_backwards();

-- What one entry contributes to its account's hash chain: fixed width, then text behind a separator.
create function ledger.leaf(account bigint, version bigint, transfer uuid, amount numeric, balance numeric)
returns bytea language sql immutable parallel safe as $$
    select int8send(account) || int8send(version) || uuid_send(transfer)
        || convert_to(amount::text || '|' || balance::text, 'UTF8')
$$;

-- False if transfer p_id is the very one that is asked for now; LG003 if it is another.
create function ledger.replayed(
    p_id uuid, p_kind smallint, p_debit bigint, p_credit bigint, p_amount numeric, p_code smallint,
    p_hold uuid
) returns boolean language plpgsql as $$
begin
    perform from ledger.transfer where id = p_id and kind = p_kind and debit_account = p_debit
        and credit_account = p_credit and code = p_code and hold_id is not distinct from p_hold
        and (p_amount is null or amount = p_amount);
    if not found then
        raise exception 'transfer % exists with other fields', p_id using errcode = 'LG003';
    end if;
    return false;
end $$;

-- The one door. Returns true when it was done now, false when the same call was done before.
-- Raises 23514 overdrawn, P0002 no such account or hold, LG001 frozen, LG002 assets differ,
-- LG003 the id was used for something else, LG004 the hold is resolved or too small.
--
-- Written for speed where it is odd: each plpgsql expression is prepared anew in each transaction.
create function ledger.submit(
    p_id uuid, p_kind smallint, p_debit bigint, p_credit bigint, p_amount numeric, p_code smallint,
    p_ref text, p_hold uuid default null, p_expires timestamptz default null,
    p_chain text default null, p_block bigint default null, p_tx bytea default null
) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    h record;
    v_debit bigint := p_debit;
    v_credit bigint := p_credit;
    v_amount numeric := p_amount;
    v_posted numeric := p_amount;     -- what this posts
    v_pending numeric := 0;           -- by how much this changes what is held
    v_step integer := 1;              -- entries for each account
    v_asset integer;
    d_version bigint; d_balance numeric; d_head bytea; d_frozen boolean; d_receivable bigint;
    c_asset integer;
    c_version bigint; c_balance numeric; c_head bytea; c_frozen boolean; c_receivable bigint;
begin
    if p_kind > 2 then
        select t.debit_account, t.credit_account, o.remaining, o.resolved into h
            from hold o join transfer t on t.id = o.id where o.id = p_hold for update of o;
        if not found then
            raise exception 'no hold %', p_hold using errcode = 'P0002';
        end if;
        v_debit := h.debit_account;
        v_credit := h.credit_account;
        if exists (select from transfer where id = p_id) then
            return replayed(p_id, p_kind, v_debit, v_credit, p_amount, p_code, p_hold);
        end if;
        v_amount := case when p_kind = 4 then h.remaining else coalesce(p_amount, h.remaining) end;
        if h.resolved or v_amount > h.remaining then
            raise exception 'hold % is resolved or too small', p_hold using errcode = 'LG004';
        end if;
        update hold set remaining = remaining - v_amount, resolved = (remaining = v_amount)
            where id = p_hold;
        v_posted := v_amount;
        v_pending := -v_amount;
    elsif p_kind = 2 then
        v_pending := p_amount;
    end if;
    if p_kind in (2, 4) then
        v_posted := 0;
        v_step := 0;
    end if;
    -- of two equal calls at once the second waits here for the first
    insert into transfer (id, kind, hold_id, debit_account, credit_account, asset_id, amount, code,
                          ref, chain, block_number, tx_hash)
        select p_id, p_kind, p_hold, v_debit, v_credit, asset_id, v_amount, p_code,
            p_ref, p_chain, p_block, p_tx
        from account where id = v_debit
        on conflict (id) do nothing
        returning asset_id into v_asset;
    if v_asset is null then
        if not exists (select from transfer where id = p_id) then
            raise exception 'no such account' using errcode = 'P0002';
        end if;
        return replayed(p_id, p_kind, v_debit, v_credit, p_amount, p_code, p_hold);
    end if;
    -- both legs, by account id: one order for every writer, so that none waits for another in turn
    for v_leg in 1..2 loop
        if (v_leg = 1) = (v_debit < v_credit) then
            update account set
                debits_posted = debits_posted + v_posted,
                debits_pending = debits_pending + v_pending,
                version = version + v_step,
                head = case v_step when 0 then head else sha256(head || leaf(
                    id, version + 1, p_id, -v_posted, credits_posted - debits_posted - v_posted)) end
            where id = v_debit
            returning version, credits_posted - debits_posted, head, debit_frozen, receivable
            into d_version, d_balance, d_head, d_frozen, d_receivable;
        else
            update account set
                credits_posted = credits_posted + v_posted,
                credits_pending = credits_pending + v_pending,
                version = version + v_step,
                head = case v_step when 0 then head else sha256(head || leaf(
                    id, version + 1, p_id, v_posted, credits_posted + v_posted - debits_posted)) end
            where id = v_credit
            returning version, credits_posted - debits_posted, head, credit_frozen, receivable, asset_id
            into c_version, c_balance, c_head, c_frozen, c_receivable, c_asset;
        end if;
    end loop;
    if c_asset is distinct from v_asset then
        if c_asset is null then
            raise exception 'no such account' using errcode = 'P0002';
        end if;
        raise exception 'assets differ' using errcode = 'LG002';
    end if;
    if (d_frozen or c_frozen) and p_kind < 3
        and not (select passes_freeze from movement where code = p_code)
    then
        raise exception 'the account is frozen' using errcode = 'LG001';
    end if;
    if v_step = 1 then
        insert into entry (account_id, version, transfer_id, amount, balance_after, hash) values
            (v_debit, d_version, p_id, -v_posted, d_balance, d_head),
            (v_credit, c_version, p_id, v_posted, c_balance, c_head);
    end if;
    if p_kind = 2 then
        insert into hold (id, remaining, expires_at) values (p_id, p_amount, p_expires);
    -- money that becomes free again (a release) repays as well as money that arrives
    elsif p_kind = 4 and d_receivable is not null then
        perform repay(p_id, v_debit, d_receivable, p_ref);
    elsif p_kind <> 4 and c_receivable is not null then
        perform repay(p_id, v_credit, c_receivable, p_ref);
    end if;
    return true;
end $$;

-- What an account owes us from a reversed deposit is repaid by its next credit, whatever credits it.
create function ledger.repay(p_transfer uuid, p_payer bigint, p_receivable bigint, p_ref text)
returns void language plpgsql as $$
declare
    v_amount numeric;
begin
    select debits_posted - credits_posted into v_amount
        from ledger.account where id = p_receivable for update;
    select least(v_amount, credits_posted - debits_posted - debits_pending) into v_amount
        from ledger.account where id = p_payer;
    if v_amount > 0 then
        perform ledger.submit(md5('repay' || p_transfer::text)::uuid, 1::smallint, p_payer,
                              p_receivable, v_amount, 13::smallint, p_ref);
    end if;
end $$;

-- The account at a place of the chart, opened on first use.
create function ledger.open_account(
    p_asset integer, p_code smallint, p_owner text, p_chain text, p_max_debt numeric
) returns bigint
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    v_id bigint;
begin
    select id into v_id from account
        where owner is not distinct from p_owner and asset_id = p_asset and code = p_code
            and chain is not distinct from p_chain;
    if found then return v_id; end if;
    insert into account (asset_id, code, owner, chain, max_debt, debit_frozen)
        values (p_asset, p_code, p_owner, p_chain, p_max_debt,
                p_code = 2000 and exists (select 1 from account
                    where owner = p_owner and code = 2000 and debit_frozen))
        on conflict on constraint one_per_place do nothing
        returning id into v_id;
    if v_id is null then
        select id into v_id from account
            where owner is not distinct from p_owner and asset_id = p_asset and code = p_code
                and chain is not distinct from p_chain;
    end if;
    -- a receivable (1200) is what its owner's available balance (2000) must repay
    if p_code = 1200 then
        update account set receivable = v_id
            where owner = p_owner and asset_id = p_asset and code = 2000 and receivable is null;
    end if;
    return v_id;
end $$;

create function ledger.freeze(p_owner text, p_frozen boolean) returns void
language sql security definer set search_path = ledger, pg_temp as $$
    update account set debit_frozen = p_frozen where owner = p_owner and code = 2000
$$;

insert into ledger.movement (code, name, passes_freeze) values
    (1, 'deposit', true),
    (2, 'deposit_reversal', true),
    (3, 'transfer', false),
    (4, 'withdrawal', false),
    (5, 'withdrawal_fee', false),
    (6, 'sweep', true),
    (7, 'gas', true),
    (8, 'capital', true),
    (9, 'refund', false),
    (13, 'repayment', true);

-- The five proofs: each is empty, always. ---------------------------------------------------------
create view ledger.check_zero as
    select asset_id, sum(credits_posted - debits_posted) as posted,
        sum(credits_pending - debits_pending) as pending
    from ledger.account group by asset_id
    having sum(credits_posted - debits_posted) <> 0 or sum(credits_pending - debits_pending) <> 0;

create view ledger.check_balance as
    select a.id as account_id from ledger.account a
    left join lateral (
        select version, balance_after, hash from ledger.entry e
        where e.account_id = a.id order by version desc limit 1) e on true
    where a.version <> coalesce(e.version, 0) or a.head <> coalesce(e.hash, '\x00')
        or a.credits_posted - a.debits_posted <> coalesce(e.balance_after, 0);

create view ledger.check_chain as
    select account_id, version from (
        select e.*, lag(hash, 1, '\x00') over w as previous_hash,
            lag(balance_after, 1, 0) over w as previous_balance,
            lag(version, 1, 0::bigint) over w as previous_version
        from ledger.entry e window w as (partition by account_id order by version)) x
    where version <> previous_version + 1 or balance_after <> previous_balance + amount
        or hash <> sha256(previous_hash
            || ledger.leaf(account_id, version, transfer_id, amount, balance_after));

create view ledger.check_two_legs as
    select t.id as transfer_id from ledger.transfer t
    left join ledger.entry e on e.transfer_id = t.id
    where t.kind in (1, 3) group by t.id, t.amount
    having count(e.*) <> 2 or sum(e.amount) <> 0 or max(e.amount) <> t.amount;

create view ledger.check_holds as
    select a.id as account_id from ledger.account a
    left join (
        select x.account_id, sum(h.remaining) filter (where x.side = 'debit') as debits,
            sum(h.remaining) filter (where x.side = 'credit') as credits
        from ledger.hold h join ledger.transfer t on t.id = h.id
        cross join lateral (values (t.debit_account, 'debit'), (t.credit_account, 'credit'))
            x (account_id, side)
        group by x.account_id) p on p.account_id = a.id
    where a.debits_pending <> coalesce(p.debits, 0) or a.credits_pending <> coalesce(p.credits, 0);
