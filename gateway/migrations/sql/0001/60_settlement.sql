-- What happened: every movement of a customer's money, and each day once it is closed.

-- One row per ledger entry of a customer's available balance (2000). `movement` joins the two
-- captures of a withdrawal, its amount and its fee, which are one movement of money.
create view customer_entry as
    select e.account_id, a.owner, a.asset_id, s.code as asset, s.decimals, e.version, e.amount,
        e.balance_after, t.id as transfer_id, t.code, t.ref, t.chain, t.block_number, t.tx_hash,
        t.created_at,
        case when t.code in (4, 5, 9) then t.ref else t.id::text end as movement,
        case when t.code = 5 then 'fee'
            when t.code = 9 or (t.code = 4 and w.refund_id is not null) then 'refund'
            when t.code = 4 or (t.code = 3 and e.amount < 0) then 'payout'
            else 'gross' end as bucket
    from ledger.entry e
    join ledger.account a on a.id = e.account_id and a.code = 2000 and a.owner is not null
    join ledger.asset s on s.id = a.asset_id
    join ledger.transfer t on t.id = e.transfer_id
    left join withdrawal w on w.id = t.ref and t.code = 4;

create index transfer_block on ledger.transfer (chain, block_number) where chain is not null;

-- A day is closed once: after its last block is final on every chain, and after every transaction
-- older than `boundary` (the first one after midnight) has ended.
create table settlement_day (
    date date primary key,
    boundary xid8 not null default pg_current_xact_id(),
    seen_at timestamptz not null default now(),
    closed_at timestamptz
);

-- Signed, so that columns add up: what leaves the balance is negative.
create table settlement (
    id text primary key,                           -- set_<yyyymmdd>_<account>_<asset>
    date date not null references settlement_day,
    account_id text not null references account,
    asset text not null references ledger.asset (code),
    gross numeric(78, 0) not null,                 -- paid in: deposits, transfers in, reversals
    fees numeric(78, 0) not null,
    refunds numeric(78, 0) not null,
    net numeric(78, 0) not null check (net = gross + fees + refunds),
    payouts numeric(78, 0) not null,               -- withdrawals and transfers out
    opening_balance numeric(78, 0) not null,
    closing_balance numeric(78, 0) not null
        check (closing_balance = opening_balance + net + payouts),
    count integer not null,
    created_at timestamptz not null default now(), -- when the day was closed
    unique (date, account_id, asset)
);
create index settlement_account on settlement (account_id, id);
create index settlement_asset on settlement (account_id, asset, date);
