-- Where an account's money may go. Loosening waits, tightening is instant.

create table address_book (
    id text primary key,
    account_id text not null references account,
    chain text not null references chain,
    address bytea not null check (octet_length(address) = 20),
    label text not null,
    active_after timestamptz not null,
    proven_at timestamptz,                         -- its owner signed that it is the account's
    added_by text not null,
    removed_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index address_book_active on address_book (account_id, chain, address)
    where removed_at is null;
create index address_book_list on address_book (account_id, id desc);
create index address_book_address on address_book (address) where removed_at is null;

-- A message to be signed once (EIP-4361).
create table address_challenge (
    nonce text primary key,
    entry_id text not null references address_book,
    message text not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

-- Whether an account's money goes to its address book only.
create table address_book_rule (
    account_id text primary key references account,
    required boolean not null,
    optional_from timestamptz,                     -- from then on it is not required any more
    set_by text not null
);
create index withdrawal_place on withdrawal (account_id, chain, to_address)
    where status = 'confirmed';
