-- Several transactions in flight, cancels, and batches that wait for company.

alter table chain add column batch_seconds numeric check (batch_seconds >= 0);
comment on column chain.batch_seconds is
    'how long the first withdrawal waits for others; null: a block, at most 2 s';

-- What is cancelled spends its nonce on nothing; its sequence number is free again.
alter table transaction drop constraint transaction_state_check;
alter table transaction add constraint transaction_state_check
    check (state in ('signed', 'mined', 'confirmed', 'reverted', 'cancelled'));
drop index transaction_seq;
create unique index transaction_seq on transaction (signer_id, seq)
    where state not in ('reverted', 'cancelled');

alter table intent drop constraint intent_status_check;
alter table intent add constraint intent_status_check check (status in
    ('planned', 'signed', 'refused', 'void', 'done', 'reverted', 'cancelled'));
alter table intent add column cancel_wanted text;
alter table intent add column cancel_gas bigint check (cancel_gas > 0);
comment on column intent.cancel_wanted is 'who wants its nonce spent on nothing: a key, or doomed';

-- An attempt that cancels is a transfer of nothing from the signer to itself (same nonce).
alter table attempt add column cancels boolean not null default false;
create index transaction_newest on transaction (id desc);
