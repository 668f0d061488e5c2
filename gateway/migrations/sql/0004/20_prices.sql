-- What an asset is worth: who is asked, how far they may be apart, what they said last, and each
-- quote with the readings it was made of. An asset without a policy has its price by settings alone.

-- What payers are asked for depends on it, so only the command line writes it.
create table price_policy (
    asset text not null references ledger.asset (code),
    currency text not null default 'USD',
    minimum smallint not null check (minimum between 0 and 20),   -- sources that must agree
    spread_percent numeric not null check (spread_percent > 0 and spread_percent <= 20),
    pin numeric check (pin > 0),                   -- the price, while the market is near it
    depeg_percent numeric check (depeg_percent > 0 and depeg_percent <= 20),
    set_by text not null,
    set_at timestamptz not null default now(),
    primary key (asset, currency),
    check ((pin is null) = (depeg_percent is null)),
    check (minimum > 0 or pin is not null)
);

create table price_source (
    id text primary key,
    asset text not null,
    currency text not null,
    name text not null,                            -- as quotes and reports print it
    kind text not null check (kind in ('bitstamp', 'coinbase', 'kraken', 'feed')),
    symbol text,                                   -- as an exchange names the pair
    base_url text,                                 -- null: the exchange's own
    chain text references chain,
    contract bytea check (octet_length(contract) = 20),
    sequencer bytea check (octet_length(sequencer) = 20),   -- its uptime feed, on a rollup
    age_seconds integer not null check (age_seconds between 1 and 172800),
    set_by text not null,
    created_at timestamptz not null default now(),
    unique (asset, currency, name),
    foreign key (asset, currency) references price_policy on delete cascade,
    check ((kind = 'feed') = (chain is not null and contract is not null)),
    check ((kind = 'feed') = (symbol is null))
);
revoke insert, update, delete on price_policy, price_source from mizan_api, mizan_worker;

-- What each source said last, and what is wrong with it since when.
create table rate_reading (
    source_id text primary key references price_source on delete cascade,
    rate numeric check (rate > 0),
    said_at timestamptz,                           -- the time the source gives its answer
    read_at timestamptz,
    tried_at timestamptz not null,
    error text,
    failing_since timestamptz,
    check ((rate is null) = (said_at is null) and (rate is null) = (read_at is null)),
    check ((error is null) = (failing_since is null))
);

create table rate_quote (
    id text primary key,
    asset text not null,
    currency text not null,
    rate numeric not null check (rate > 0),        -- currency per unit of the asset
    source text not null,                          -- median(coinbase,kraken)
    at timestamptz not null,
    readings jsonb not null                        -- [{source, rate, said_at, read_at}]
);
create index rate_quote_at on rate_quote (at);

-- How it stands: the quote that counts until it expires, or why there is none.
create table rate_state (
    asset text not null,
    currency text not null,
    quote_id text references rate_quote,
    expires_at timestamptz,
    refusal text,
    detail text,
    judged_at timestamptz not null,
    primary key (asset, currency),
    foreign key (asset, currency) references price_policy on delete cascade,
    check ((refusal is null) = (expires_at is not null)),
    check ((refusal is null) = (detail is null)),
    check (refusal is not null or quote_id is not null)
);
revoke insert, update, delete on rate_reading, rate_quote, rate_state from mizan_api;

-- The quote an invoice was priced by; null: a fixed price, or the asset's own currency.
alter table invoice_option add column rate_quote_id text;
create index invoice_option_quote on invoice_option (rate_quote_id)
    where rate_quote_id is not null;
