-- Payments that the payer signs and we send: EIP-3009 authorizations, and the signer that pays
-- their gas. They are credited as deposits are, never by these rows.

-- A relay owns coin for gas and nothing else: no contract of ours listens to it.
alter table signer drop constraint signer_role_check;
alter table signer add constraint signer_role_check check (role in ('payout', 'sweep', 'relay'));
alter table intent drop constraint intent_kind_check;
alter table intent add constraint intent_kind_check
    check (kind in ('payout', 'sweep', 'send', 'relay'));

-- Which tokens take a signature, under which domain (EIP-712), and what is worth its gas. What is
-- signed depends on it, so only the command line writes it.
create table gasless_token (
    chain text not null,
    asset text not null,
    name text not null,
    version text not null,
    minimum numeric(78, 0) not null default 1 check (minimum > 0),   -- ledger units
    worth_gas numeric not null default 5 check (worth_gas >= 0),     -- so many times its gas
    active boolean not null default true,
    created_at timestamptz not null default now(),
    primary key (chain, asset),
    foreign key (chain, asset) references chain_asset (chain, asset)
);
revoke insert, update, delete on gasless_token from mizan_api, mizan_worker;

-- What a payer signed: once per (token, payer, nonce), as the token itself counts.
create table payment_authorization (
    id text primary key,
    invoice_id text not null references invoice,
    chain text not null references chain,
    asset text not null references ledger.asset (code),
    payer bytea not null check (octet_length(payer) = 20),
    to_address bytea not null check (octet_length(to_address) = 20),
    value numeric(78, 0) not null check (value > 0),                 -- chain units
    valid_after numeric(78, 0) not null check (valid_after >= 0),    -- seconds since 1970
    valid_before numeric(78, 0) not null,
    nonce bytea not null check (octet_length(nonce) = 32),
    signature bytea not null check (octet_length(signature) = 65),   -- r, s, v
    status text not null default 'queued'
        check (status in ('queued', 'sent', 'mined', 'confirmed', 'failed')),
    reason text,                                   -- why it failed, or what it waits for
    intent_id text unique references intent,
    tx_hash bytea check (octet_length(tx_hash) = 32),
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    unique (chain, asset, payer, nonce),
    check ((status in ('confirmed', 'failed')) = (ended_at is not null))
);
create index payment_authorization_invoice on payment_authorization (invoice_id, id);
create index payment_authorization_open on payment_authorization (chain, id)
    where status in ('queued', 'sent', 'mined');
create index payment_authorization_payer on payment_authorization (chain, payer, created_at);
-- What was signed stays as it was signed; workers say how it fares.
revoke update, delete on payment_authorization from mizan_api, mizan_worker;
grant update (status, reason, intent_id, tx_hash, ended_at) on payment_authorization
    to mizan_api, mizan_worker;
