-- What an owner has left of a limit, and when the first of what is reserved runs out. It only reads:
-- to look at a limit opens no account and gives nothing back.
drop function ledger.limit_left(bigint);
create function ledger.limit_left(p_owner text, p_code smallint, p_limit numeric)
    returns table (left_units numeric, frees_at timestamptz)
language sql stable security definer set search_path = ledger, pg_temp as $$
    select greatest(p_limit - coalesce(sum(h.remaining), 0), 0), min(h.expires_at)
    from account a
        join transfer t on t.debit_account = a.id and t.kind = 2 and t.code = 20
        join hold h on h.id = t.id and not h.resolved and h.expires_at > now()
    where a.owner = p_owner and a.code = p_code
        and a.asset_id = (select id from asset where code = 'LIMIT-USD')
$$;
revoke execute on function ledger.limit_left from public;
grant execute on function ledger.limit_left to mizan_api, mizan_worker;
