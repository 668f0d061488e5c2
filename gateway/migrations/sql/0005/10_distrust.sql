-- A token that does not do what was assumed when it was listed: it tells other decimals, or less
-- arrives than it says. Workers begin to doubt; the command line trusts it again.

alter table chain_asset add column distrusted_since timestamptz;
comment on column chain_asset.distrusted_since is
    'what is paid in it since then is set aside for a person; null: it is trusted';
grant update (distrusted_since) on chain_asset to mizan_worker;
