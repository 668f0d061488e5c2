-- What is known of an endpoint's health, and every attempt with its request and its answer.

-- streak: failures since the last good answer, those in a row of one object counted once, so that one
-- object that fails does not speak for its endpoint. probe_at: nothing leaves before; then one at a time.
alter table webhook_endpoint
    add column streak integer not null default 0 check (streak >= 0),
    add column failed_object text,
    add column failing_since timestamptz,
    add column probe_at timestamptz,
    add column last_success_at timestamptz,
    add column last_failure_at timestamptz;

-- A merchant's shops are told apart by their links: null hears of all, else only what names the link.
alter table webhook_endpoint add column payment_link text references payment_link;

-- The body is the event's, so it is not kept again.
create table delivery_attempt (
    id text primary key,                           -- sorts by time: what is old is found by it
    delivery_id text not null references delivery,
    endpoint_id text not null references webhook_endpoint,
    number integer not null,                       -- 1 is the first since it was last asked for
    url text not null,
    request_headers jsonb not null,
    response_status integer,
    response_headers jsonb,
    response_body text,                            -- its beginning
    error text,
    milliseconds integer not null,
    created_at timestamptz not null                -- when it was sent
);
create index delivery_attempt_delivery on delivery_attempt (delivery_id, id);

-- Answers by the hour, so that the rate of a day costs 24 rows and not a day's attempts.
create table webhook_hour (
    endpoint_id text not null references webhook_endpoint,
    hour timestamptz not null,
    good integer not null default 0,
    bad integer not null default 0,
    primary key (endpoint_id, hour)
);

-- Secrets are sealed by the application from now on; this finds those that are not yet.
create index webhook_endpoint_unsealed on webhook_endpoint (id)
    where starts_with(secret, 'whsec_') or starts_with(previous_secret, 'whsec_');
