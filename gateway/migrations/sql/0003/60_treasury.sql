-- What the payout vault should hold of each asset, and how what we missed is booked.

alter table chain_asset
    add column hot_min numeric(78, 0) not null default 0,   -- ledger units, as hot_target
    add column hot_max numeric(78, 0),                      -- null: no more is too much
    add check (hot_min between 0 and hot_target),
    add check (hot_max >= hot_target);
comment on column chain_asset.hot_min is 'below this the treasury is asked for a refill';
comment on column chain_asset.hot_max is 'above this the payout vault is drained into the treasury';

insert into ledger.movement (code, name, passes_freeze) values
    (16, 'unknown_payout', true),    -- left by a transaction of ours, for no withdrawal that we know
    (17, 'custody', true);           -- between the payout vault and the treasury, by the cold owner
