-- Lists of addresses nothing may go to or come from, and of token contracts nobody may be paid in.
-- A version is kept for ever: each decision names the versions it was made with.

create table watchlist_version (
    id text primary key,
    source text not null,
    kind text not null check (kind in ('addresses', 'tokens')),
    sha256 bytea not null check (octet_length(sha256) = 32),
    published text,                                -- what the list says of its own date
    fetched_at timestamptz not null default now(),
    confirmed_at timestamptz not null default now(),  -- when the same content was last fetched
    count integer not null,
    accepted boolean not null,
    refusal text,
    check (accepted = (refusal is null))
);
create index watchlist_current on watchlist_version (source, id desc) where accepted;

create table watch_address (
    version_id text not null references watchlist_version,
    address bytea not null check (octet_length(address) = 20),
    party text not null,                           -- who the list says it is
    primary key (version_id, address)
);
create index watch_address_address on watch_address (address);

-- The versions that count: the newest accepted one of each source.
create view watchlist as
    select distinct on (source) id, source, kind, confirmed_at, count
    from watchlist_version where accepted order by source, id desc;
create view watched_address as
    select a.address, a.party, w.source, w.kind, w.id as version_id
    from watchlist w join watch_address a on a.version_id = w.id;
revoke update, delete on watch_address from mizan_api, mizan_worker;
grant select on watchlist, watched_address to mizan_api, mizan_worker, mizan_signer;
