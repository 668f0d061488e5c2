-- What leaves: the request, what was decided about it, and which payout carries it.

create table withdrawal (
    id text primary key,
    account_id text not null references account,
    chain text not null references chain,
    asset text not null references ledger.asset (code),
    to_address bytea not null check (octet_length(to_address) = 20),
    amount numeric(78, 0) not null check (amount > 0),      -- ledger units; what the recipient gets
    fee numeric(78, 0) not null check (fee >= 0),           -- ledger units, on top
    status text not null check (status in ('requested', 'held', 'approved', 'sent', 'confirmed',
                                           'failed', 'rejected', 'cancelled')),
    held_reason text,
    waiting_reason text,
    failure_reason text,
    requested_by text not null,                             -- the API key
    decided_by text,                                        -- the key that approved or rejected
    refund_id text unique,
    intent_id text references intent,
    tx_hash bytea check (octet_length(tx_hash) = 32),
    block_number bigint,
    confirmations integer not null default 0,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    ended_at timestamptz
);
create index withdrawal_account on withdrawal (account_id, id desc);
create index withdrawal_waiting on withdrawal (chain, asset, id)
    where status = 'approved' and intent_id is null;
create index withdrawal_unsent on withdrawal (account_id)
    where status in ('requested', 'held', 'approved');
create index withdrawal_intent on withdrawal (intent_id) where intent_id is not null;
create index withdrawal_tx on withdrawal (tx_hash) where tx_hash is not null;

-- What was asked for never changes, and an end is an end.
create function withdrawal_keeps_its_word() returns trigger language plpgsql as $$
begin
    if (new.account_id, new.chain, new.asset, new.to_address, new.amount, new.fee, new.requested_by)
        is distinct from
        (old.account_id, old.chain, old.asset, old.to_address, old.amount, old.fee, old.requested_by)
        or (old.status in ('confirmed', 'failed', 'rejected', 'cancelled')
            and new.status <> old.status)
    then
        raise exception 'withdrawal % cannot change that way', old.id
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger keeps_its_word before update on withdrawal
    for each row execute function withdrawal_keeps_its_word();

-- Why it was allowed, held or refused: the facts at that moment and the rules that judged them.
create table policy_decision (
    id text primary key,
    withdrawal_id text not null references withdrawal,
    outcome text not null check (outcome in ('allow', 'hold', 'refuse')),
    reason text,
    rules_version text not null,
    facts jsonb not null,
    created_at timestamptz not null default now()
);
create index policy_decision_withdrawal on policy_decision (withdrawal_id);
