-- Who may sign how much, why a signer waits, and the second key that agrees to payouts.

-- The approver has a login of its own: it reads, and writes approvals alone.
do $$
begin
    if not exists (select 1 from pg_roles where rolname = 'mizan_approver') then
        create role mizan_approver login;
    end if;
    grant mizan_approver to current_user;
end $$;
grant usage on schema public, ledger to mizan_approver;
grant select on all tables in schema public, ledger to mizan_approver;
alter default privileges in schema public grant select on tables to mizan_approver;

-- Where money is sent from and what an asset's contract is decide what a signature means: only
-- the command line, as the owner of the tables, says so. The rest may be tuned while running.
alter table chain add column payout_approver bytea check (octet_length(payout_approver) = 20);
comment on column chain.payout_approver is
    'whose approval each payout needs on chain; null: the payout vault asks for none';
revoke insert, update, delete on chain, chain_asset from mizan_api, mizan_worker;
grant update (native_driver) on chain to mizan_api, mizan_worker;
grant update (minimum_deposit, hot_target, active) on chain_asset to mizan_api, mizan_worker;
revoke insert, delete on signer from mizan_api, mizan_worker;

-- What a signer signs at most. The newest row of a kind counts, null lifts it; none is changed.
create table signer_limit (
    id bigint generated always as identity primary key,
    chain text not null references chain,
    address bytea not null check (octet_length(address) = 20),
    kind text not null check (kind in ('fee_per_gas', 'gas', 'fee_per_hour', 'value_per_day')),
    asset text references ledger.asset (code),
    ceiling numeric(78, 0) check (ceiling >= 0),   -- wei, gas, wei, ledger units of the asset
    set_by text not null,
    created_at timestamptz not null default now(),
    check ((kind = 'value_per_day') = (asset is not null))
);
create index signer_limit_newest on signer_limit (chain, address, kind, asset, id desc);
revoke insert, update, delete on signer_limit from mizan_api, mizan_worker;

-- What was signed away, in the signer's own words: an intent can be changed by others.
alter table transaction
    add column asset text references ledger.asset (code),
    add column amount numeric(78, 0) check (amount >= 0);
create index transaction_signed on transaction (signer_id, created_at);
create index attempt_signed on attempt (created_at);

alter table intent add column waiting text;
comment on column intent.waiting is 'what its signer waits for: it is tried again by itself';
grant update (waiting) on intent to mizan_signer;

-- The second key's word on one payout: a signature over vault, chain, operator, number, token,
-- payments and deadline (EIP-712), or why not. Written once.
create table approval (
    id text primary key,
    intent_id text not null references intent,
    signer_id text not null references signer,
    seq bigint not null check (seq >= 0),
    asset text not null references ledger.asset (code),
    amount numeric(78, 0) not null check (amount >= 0),
    withdrawals text[] not null,
    deadline timestamptz not null,
    signature bytea check (octet_length(signature) = 64),          -- r, s with the parity (EIP-2098)
    refusal text,
    created_at timestamptz not null default now(),
    unique (intent_id, seq),
    check ((signature is null) = (refusal is not null))
);
create index approval_withdrawals on approval using gin (withdrawals);
create index approval_signed on approval (signer_id, created_at);
revoke insert, update, delete on approval from mizan_api, mizan_worker;
grant insert on approval to mizan_approver;

alter table attempt add column approval_id text references approval;
