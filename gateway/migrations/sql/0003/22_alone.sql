-- Native coin to an account that was never used goes by itself where that is cheaper: a plain
-- transaction pays nothing for a new account, a call does (EIP-161). It comes from the signer.
alter table chain add column send_alone boolean not null default true;
comment on column chain.send_alone is
    'native coin to never-used accounts comes from the signer itself where that is cheaper';
alter table intent drop constraint intent_kind_check;
alter table intent add constraint intent_kind_check check (kind in ('payout', 'sweep', 'send'));
insert into ledger.movement (code, name, passes_freeze) values (22, 'sent_alone', true);
