-- A refund may wait until its payer says where it goes, on a page of its own.

alter table refund
    alter column to_address drop not null,         -- null: nobody has named one
    add column kind text not null default 'partial' check (kind in ('full', 'partial', 'overpaid')),
    -- at which rate currency_amount became amount: invoice currency per unit of the asset
    add column rate_kind text not null default 'quote' check (rate_kind in ('quote', 'current')),
    add column rate numeric check (rate > 0),
    add column rate_source text,
    add column rate_at timestamptz,
    add column requested_by text,                  -- the key that asked for it
    add column token_hash bytea check (octet_length(token_hash) = 32),   -- of the page's address
    add column expires_at timestamptz,             -- until when the payer may answer
    -- who signed the payments of this asset, a plain account; null: not known to be safe
    add column sender bytea check (octet_length(sender) = 20),
    add column refusals integer not null default 0,      -- addresses that policy refused
    -- promised before the invoice was paid, so that it has to come once more; null: not told yet
    add column before_paid boolean,
    add column refusal text;                       -- why it refused the last one
alter table refund drop constraint refund_status_check;
alter table refund
    add constraint refund_status_check check (status in ('awaiting_address', 'pending',
        'confirmed', 'failed', 'rejected', 'cancelled', 'expired')),
    add constraint refund_goes_somewhere
        check (to_address is not null or status not in ('pending', 'confirmed', 'failed')),
    add constraint refund_waits
        check (status <> 'awaiting_address' or (token_hash is not null and expires_at is not null));
alter table invoice add column amount_returned numeric(78, 0) not null default 0;
create unique index refund_token on refund (token_hash) where token_hash is not null;
create index refund_due on refund (expires_at) where status = 'awaiting_address';
