-- Switches that stop what leaves, and cases a person must decide.

create table pause (
    id text primary key,
    scope text not null check (scope in ('all', 'chain', 'asset', 'account')),
    subject text not null default '',              -- chain, asset or account id; empty for all
    side text check (side in ('debit', 'credit')), -- of an account
    reason text not null,
    placed_by text not null,
    lifted_by text,
    lifted_at timestamptz,
    created_at timestamptz not null default now(),
    check ((scope = 'all') = (subject = '')),
    check ((scope = 'account') = (side is not null)),
    check ((lifted_by is null) = (lifted_at is null))
);
create unique index pause_active on pause (scope, subject, side) nulls not distinct
    where lifted_at is null;

grant insert on journal to mizan_approver;

-- Something held: why, since when, until when, who looks at it, how it ended.
create table held_case (
    id text primary key,
    kind text not null check (kind in ('withdrawal', 'deposit')),
    subject text not null,
    account_id text not null references account,
    reason text not null,
    owner text,                                    -- the operator's key that took it
    status text not null default 'open'
        check (status in ('open', 'approved', 'rejected', 'expired', 'closed')),
    ends_at timestamptz,                           -- then it is rejected by itself; null: never
    decided_by text,
    decided_at timestamptz,
    note text,
    created_at timestamptz not null default now(),
    check ((status = 'open') = (decided_at is null))
);
create unique index held_case_open on held_case (subject) where status = 'open';
create index held_case_ends on held_case (ends_at) where status = 'open';
create index held_case_list on held_case (status, id desc);

alter table account add column credit_frozen boolean not null default false;
create function ledger.freeze_credit(p_owner text, p_frozen boolean) returns void
language sql security definer set search_path = ledger, pg_temp as $$
    update account set credit_frozen = p_frozen where owner = p_owner and code = 2000
$$;
revoke execute on function ledger.freeze_credit from public;
grant execute on function ledger.freeze_credit to mizan_api, mizan_worker;
