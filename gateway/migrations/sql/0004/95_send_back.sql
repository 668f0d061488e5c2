-- A payment that does not settle its invoice goes back whole, once.

alter table refund add column deposit_id text;     -- the payment that goes back; null: an amount
alter table refund drop constraint refund_currency_amount_check;
alter table refund
    -- an asset that was not asked for is nothing of the invoice
    add constraint refund_currency_amount_check
        check (currency_amount > 0 or (currency_amount = 0 and deposit_id is not null));
create unique index refund_of_payment on refund (deposit_id)
    where deposit_id is not null and status in ('awaiting_address', 'pending', 'confirmed');

-- The refund that carries it back: it is no money of the invoice then.
alter table invoice_payment add column refund_id text;
