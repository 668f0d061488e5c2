-- Development's way to try what a receiver that hangs does to a shop: until then no call leaves, and
-- each is recorded as if it had run out of time.
alter table webhook_endpoint add column stuck_until timestamptz;
