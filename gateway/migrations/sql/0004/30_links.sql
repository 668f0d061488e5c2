-- Payment links: bounds of an open amount, pieces, an end, words for when it is over.
-- Amounts are base units of the link's currency, as in payment_link.amount.

alter table payment_link
    add column min_amount numeric(78, 0) check (min_amount > 0),
    add column max_amount numeric(78, 0) check (max_amount >= min_amount),
    add column suggested_amounts numeric(78, 0)[] not null default '{}',
    add column max_quantity integer check (max_quantity > 1),   -- null: one piece, not asked
    add column expires_at timestamptz,                          -- null: never
    add column inactive_message text,                           -- for payers, while it is over
    add column invoice_seconds integer check (invoice_seconds > 0),   -- null: the default
    add constraint payment_link_amount check (
        amount is null
        or (min_amount is null and max_amount is null and suggested_amounts = '{}')
    ),
    add constraint payment_link_pieces check (max_quantity is null or amount is not null);

-- How many pieces the payer of a link took; the price is for all of them.
alter table invoice add column quantity integer;
-- Not validated: the rows that are there have none, and reading them all would lock the table.
alter table invoice add constraint invoice_quantity check (quantity > 0) not valid;
