-- What merchants missed: late money that came while nobody knew the market.

-- When late money first asked for the market's rate and there was none; it is asked for again.
alter table invoice_payment add column rate_missed_at timestamptz;
create index invoice_payment_rate_missed on invoice_payment (rate_missed_at) where rate is null;
