-- Since when the newest block that was read of a chain has been too old to go by, at every look.
create table stale_chain (
    chain text primary key references chain (id),
    since timestamptz not null default clock_timestamp()
);
revoke insert, update, delete on stale_chain from mizan_api;
