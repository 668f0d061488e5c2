-- How money leaves: who signs, what is meant to be sent, what was signed, and how it fared.
--
-- The signer process alone inserts transactions and attempts and moves next_nonce (grants below):
-- a nonce is used if and only if its signed bytes are stored.

create table signer (
    id text primary key,
    chain text not null references chain,
    address bytea not null check (octet_length(address) = 20),
    role text not null check (role in ('payout', 'sweep')),
    next_nonce bigint not null default 0 check (next_nonce >= 0),
    -- what the payout vault expected of this operator when it was registered here
    first_seq bigint not null default 0 check (first_seq >= 0),
    active boolean not null default true,
    created_at timestamptz not null default now(),
    unique (chain, address)
);

-- One on-chain action, before it has a nonce. `payload` repeats what is to be done, so that the
-- signer can refuse an intent whose rows say something else.
create table intent (
    id text primary key,
    chain text not null references chain,
    kind text not null check (kind in ('payout', 'sweep')),
    asset text not null references ledger.asset (code),
    signer_id text not null references signer,
    amount numeric(78, 0) not null check (amount >= 0),     -- ledger units
    payload jsonb not null,
    gas bigint not null check (gas > 0),
    tip numeric(78, 0) not null,                            -- wei a unit of gas (EIP-1559)
    cap numeric(78, 0) not null check (cap >= tip),
    status text not null default 'planned'
        check (status in ('planned', 'signed', 'refused', 'void', 'done', 'reverted')),
    refusal text,
    created_at timestamptz not null default now()
);
create index intent_open on intent (chain, kind) where status in ('planned', 'signed', 'refused');

create table transaction (
    id text primary key,
    signer_id text not null references signer,
    nonce bigint not null check (nonce >= 0),
    intent_id text not null unique references intent,
    seq bigint check (seq >= 0),                            -- payouts: the vault's sequence number
    -- keccak256 of target and call data: whatever is signed for this nonce calls the same
    call_hash bytea not null check (octet_length(call_hash) = 32),
    state text not null default 'signed'
        check (state in ('signed', 'mined', 'confirmed', 'reverted')),
    tx_hash bytea check (octet_length(tx_hash) = 32),       -- the attempt that was mined
    block_number bigint,
    block_hash bytea check (octet_length(block_hash) = 32),
    succeeded boolean,
    gas_used bigint,
    fee numeric(78, 0),                                     -- wei paid for gas
    created_at timestamptz not null default now(),
    unique (signer_id, nonce),
    check ((state = 'signed') = (block_hash is null))
);
-- Two payouts that could both be mined never carry one sequence number.
create unique index transaction_seq on transaction (signer_id, seq) where state <> 'reverted';
create index transaction_open on transaction (signer_id, nonce) where state in ('signed', 'mined');

create table attempt (
    hash bytea primary key check (octet_length(hash) = 32),
    transaction_id text not null references transaction,
    raw bytea not null,
    tip numeric(78, 0) not null,
    cap numeric(78, 0) not null,
    gas bigint not null,
    outcome text,                                           -- what the node last said of it
    sent_at timestamptz,
    created_at timestamptz not null default now()
);
create index attempt_transaction on attempt (transaction_id);

-- The vaults of a sweep. `swept` is what the receipt says was credited before, `surplus` the rest.
create table sweep_item (
    intent_id text not null references intent,
    asset text not null references ledger.asset (code),
    salt bytea not null check (octet_length(salt) = 32),
    chain text not null references chain,
    address bytea not null check (octet_length(address) = 20),
    expected numeric(78, 0) not null,
    swept numeric(78, 0),
    surplus numeric(78, 0),
    failed boolean not null default false,
    created_at timestamptz not null default now(),
    primary key (intent_id, asset, salt)
);
create index sweep_item_address on sweep_item (chain, asset, address);

-- What sending costs now, as the pay worker last heard: a fee can be quoted while the node is away.
create table fee_level (
    chain text primary key references chain,
    base_fee numeric(78, 0) not null,
    tip numeric(78, 0) not null,
    heard_at timestamptz not null default now()
);
