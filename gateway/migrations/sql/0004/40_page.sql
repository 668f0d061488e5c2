-- What the payer's page needs to know.

-- Where a payer's wallet may read this chain when it does not know the network: public, no key in it.
alter table chain
    add column public_rpc_url text check (public_rpc_url ~ '^https?://');

-- When the payer asked for the quote that is valid now; null is the one it was opened with.
alter table invoice
    add column requoted_at timestamptz;

-- Pressed twice it pays once: what came before the press is part of what was pressed.
create table test_payment (
    invoice_id text not null references invoice,
    payments integer not null check (payments >= 0),  -- how many had come when it was pressed
    tx_hash bytea not null check (length(tx_hash) = 32),
    made_at timestamptz not null default now(),
    primary key (invoice_id, payments)
);

create index inbox_invoice on inbox_item (invoice_id) where invoice_id is not null;
