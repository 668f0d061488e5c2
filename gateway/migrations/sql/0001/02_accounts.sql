-- Who: people and merchants by handle, the API keys that act for them, and the answers given once.

create table account (
    id text primary key,
    handle text not null unique check (handle = lower(handle)),
    kind text not null check (kind in ('person', 'merchant')),
    external_id text unique,
    status text not null default 'active' check (status in ('active', 'frozen')),
    metadata jsonb not null default '{}',
    created_at timestamptz not null default now()
);

create table api_key (
    id text primary key,
    account_id text references account,            -- null: an operator of the house
    name text not null,
    hash bytea not null unique,                    -- sha256 of the secret; the secret is shown once
    scopes text[] not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
create index api_key_account on api_key (account_id);

-- The first 2xx answer of a POST, stored with the change it made (draft-ietf-httpapi-idempotency-key).
create table idempotency_key (
    principal text not null,
    key text not null,
    request_hash bytea not null,                   -- method, path and body
    status smallint not null,
    body jsonb not null,
    created_at timestamptz not null default now(),
    primary key (principal, key)
);

-- Account to account, by handle: posted at once, or not at all.
create table transfer (
    id text primary key,
    from_account text not null references account,
    to_account text not null references account,
    asset text not null references ledger.asset (code),
    amount numeric(78, 0) not null check (amount > 0),
    memo text,
    created_at timestamptz not null default now(),
    check (from_account <> to_account)
);
create index transfer_from on transfer (from_account, id);
create index transfer_to on transfer (to_account, id);
