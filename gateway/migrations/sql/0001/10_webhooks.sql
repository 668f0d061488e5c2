-- Who must know: events in the transaction of the change, one delivery for each endpoint that listens.

create table event (
    id text primary key,
    type text not null,
    account_id text references account,            -- null: the house
    object_id text not null,
    data jsonb not null,                           -- the object as the API shows it
    seq bigint generated always as identity,       -- the order in which one object's events happened
    xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default clock_timestamp()
);
create index event_account on event (account_id, id);
create index event_type on event (type, id);
create index event_object on event (object_id, id);
-- Replay forward: ids are made before the commit, so readers follow (xid, seq) behind every
-- transaction that may still commit.
create index event_replay on event (xid, seq);
create index event_account_replay on event (account_id, xid, seq);

create table webhook_endpoint (
    id text primary key,
    account_id text references account,            -- null: the house, which sees every event
    url text not null,
    events text[],                                 -- null: all; "invoice.paid" or "invoice.*"
    secret text not null,                          -- whsec_…, needed to sign
    previous_secret text,                          -- signs too until previous_until, after a rotation
    previous_until timestamptz,
    active boolean not null default true,
    disabled_reason text,
    created_at timestamptz not null default now(),
    check ((previous_secret is null) = (previous_until is null))
);
create index webhook_endpoint_account on webhook_endpoint (account_id, id);
create index webhook_endpoint_active on webhook_endpoint (account_id) where active;

-- The row is the job: pending until the endpoint answered 2xx or the schedule is used up.
create table delivery (
    id text primary key,
    event_id text not null references event,
    endpoint_id text not null references webhook_endpoint,
    object_id text not null,
    seq bigint not null,                           -- of the event
    status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    lease_until timestamptz,                       -- a worker is sending it; afterwards anybody may
    response_status integer,
    response_body text,
    error text,
    delivered_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    unique (event_id, endpoint_id)
);
create index delivery_endpoint on delivery (endpoint_id, id);
create index delivery_due on delivery (endpoint_id, next_attempt_at) where status = 'pending';
create index delivery_leased on delivery (endpoint_id, lease_until)
    where status = 'pending' and lease_until is not null;
create index delivery_order on delivery (endpoint_id, object_id, seq) where status = 'pending';

-- What an operator must look at: at most one open alarm for a kind and subject.
create table alarm (
    id text primary key,
    kind text not null,
    subject text not null,
    detail text not null,
    created_at timestamptz not null default now(),
    acknowledged_at timestamptz,
    acknowledged_by text                           -- the key
);
create unique index alarm_open on alarm (kind, subject) where acknowledged_at is null;
