-- What merchants missed: late money nobody could price, ways to pay that a new quote leaves out,
-- where payers ask for help.

-- When late money first asked for the market's rate and there was none; it is asked for again.
alter table invoice_payment add column rate_missed_at timestamptz;
create index invoice_payment_rate_missed on invoice_payment (rate_missed_at)
    where rate_missed_at is not null;

-- Since when a new quote left it out: it had no price, or nobody served it. Its address is watched.
alter table invoice_option add column dropped_at timestamptz;

-- Where payers ask the merchant: https or mailto.
alter table checkout_terms add column support_url text check (support_url ~ '^(https://|mailto:)');
