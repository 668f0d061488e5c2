-- What a merchant does without, and what becomes of money that comes too late.
-- Bounds of late payments: null is none. So it was for the invoices that are there already.

create table checkout_terms (
    account_id text primary key references account,
    under_percent numeric not null check (under_percent between 0 and 50),
    under_amount numeric(78, 0) not null check (under_amount >= 0),   -- US cents
    over_percent numeric not null check (over_percent between 0 and 100),
    over_amount numeric(78, 0) not null check (over_amount >= 0),     -- US cents
    late_percent numeric check (late_percent between 0 and 100),
    late_hours integer check (late_hours >= 0),
    late_else text not null check (late_else in ('credit', 'refund')),
    changed_by text not null,                      -- the API key
    changed_at timestamptz not null default now()
);

-- The terms an invoice was opened with, in its own currency, whatever the merchant changes later.
alter table invoice
    add column under_tolerance numeric(78, 0) not null default 0,    -- may be missing
    add column over_tolerance numeric(78, 0) not null default 0,     -- is not told as too much
    add column late_percent numeric,               -- how far the market may have moved
    add column late_hours integer,               -- how long after the end
    add column late_else text not null default 'credit',
    -- of rules.outcome(): what to do about enough money that was too late to settle
    add column late_action text,
    -- since when money that had counted is gone, until the invoice is paid again
    add column reverted_at timestamptz;
alter table invoice
    add constraint invoice_tolerance check (under_tolerance >= 0 and over_tolerance >= 0) not valid,
    add constraint invoice_late check (
        late_else in ('credit', 'refund') and late_action in ('review', 'refund')
        and late_percent >= 0 and late_hours >= 0
    ) not valid;
create index invoice_late_action on invoice (account_id, id desc) where late_action is not null;

alter table invoice_payment
    add column heard_at timestamptz,               -- when we first heard of it, by our clock
    add column rate numeric check (rate > 0),      -- the market's then; null: not asked or unknown
    add column accepted_at timestamptz,            -- a person let it settle
    add column accepted_by text,                   -- the API key
    add column counted_rate numeric check (counted_rate > 0),   -- null: as quoted
    add column counted_source text,                -- who said so, and when
    add column counted_at timestamptz;

-- What came in the wrong asset may be taken for its invoice.
alter table inbox_item drop constraint inbox_item_status_check;
alter table inbox_item add constraint inbox_item_status_check check (status in
    ('open', 'assigned', 'accepted', 'refunded', 'dismissed', 'orphaned'));
alter table inbox_decision drop constraint inbox_decision_decision_check;
alter table inbox_decision add constraint inbox_decision_decision_check check (decision in
    ('assigned', 'accepted', 'refunded', 'dismissed', 'reopened'));
