-- How many endpoints a chain is read by, and how many of them rest.
alter table watch_cursor
    add column endpoints integer not null default 1 check (endpoints > 0),
    add column endpoints_benched integer not null default 0 check (endpoints_benched >= 0);
comment on column watch_cursor.endpoints_benched is 'did not answer, lag or lie; for the metrics';
