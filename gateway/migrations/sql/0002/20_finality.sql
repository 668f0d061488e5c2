-- When a deposit counts: after so many blocks, or when the network itself calls its block safe or
-- final; the more is at stake the surer.

create table finality_tier (
    chain text not null,
    asset text not null,
    from_amount numeric(78, 0) not null check (from_amount >= 0),     -- base units of the ledger
    rule text not null check (rule in ('blocks', 'safe', 'finalized')),
    blocks integer check (blocks >= 1),
    primary key (chain, asset, from_amount),
    foreign key (chain, asset) references chain_asset (chain, asset),
    check ((rule = 'blocks') = (blocks is not null))
);
comment on table finality_tier is
    'the rule of deposits from an amount on; without a row: chain.confirmations blocks';

alter table deposit
    add column finality text,
    add column required integer;
update deposit d set finality = 'blocks', required = c.confirmations
    from chain c where c.id = d.chain;
alter table deposit
    alter column finality set not null,
    add check (finality in ('blocks', 'safe', 'finalized')),
    add check ((finality = 'blocks') = (required is not null));
comment on column deposit.finality is 'the rule it is credited by, fixed when it was seen last';
comment on column deposit.required is 'confirmations, its own block counts; null for tags';

alter table watch_cursor
    add column safe bigint,
    add column finalized bigint,
    add column finalized_hash bytea check (octet_length(finalized_hash) = 32),
    add column index_epoch bigint not null default 0;
comment on column watch_cursor.safe is 'the newest block the node called safe; null: it never did';
comment on column watch_cursor.finalized is 'the same for finalized; nothing below is taken back';
comment on column watch_cursor.finalized_hash is 'our block at that height, once it is read';
comment on column watch_cursor.index_epoch is
    'counts what changed beside the flow of blocks; the index of pending deposits names it';

-- Null heights are heights the node does not tell: what waits for them is not final.
create function is_final(
    finality text, required integer, block bigint, head bigint, safe bigint, finalized bigint
) returns boolean language sql immutable parallel safe
return coalesce(case finality
    when 'blocks' then block + required - 1 <= head
    when 'safe' then block <= safe and block <= head
    when 'finalized' then block <= finalized and block <= head
end, false);
