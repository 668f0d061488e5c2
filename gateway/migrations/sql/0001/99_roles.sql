-- Who may do what. Roles are cluster-wide, so a second database finds them there already.
-- Nobody updates or deletes a ledger row, whatever code it runs: only submit() can write them.

do $$
declare
    v_role text;
begin
    foreach v_role in array array['mizan_api', 'mizan_worker', 'mizan_signer'] loop
        if not exists (select 1 from pg_roles where rolname = v_role) then
            execute format('create role %I login', v_role);
        end if;
        execute format('grant %I to current_user', v_role);
        execute format('grant usage on schema public, ledger to %I', v_role);
        execute format('grant select on all tables in schema public, ledger to %I', v_role);
    end loop;
end $$;

revoke execute on all functions in schema ledger from public;
grant execute on all functions in schema ledger to mizan_api, mizan_worker;
grant insert, update, delete on all tables in schema public to mizan_api, mizan_worker;

-- The signer alone signs: it inserts transactions and attempts and moves nonces, and nothing else.
-- The others follow what it signed, and can neither add to it nor change what it was.
revoke insert, delete on transaction, attempt from mizan_api, mizan_worker;
revoke update on signer, transaction, attempt from mizan_api, mizan_worker;
grant update (active) on signer to mizan_api, mizan_worker;
grant update (state, tx_hash, block_number, block_hash, succeeded, gas_used, fee) on transaction
    to mizan_api, mizan_worker;
grant update (outcome, sent_at) on attempt to mizan_api, mizan_worker;
grant insert on transaction, attempt to mizan_signer;
grant update (next_nonce) on signer to mizan_signer;
grant update (status, refusal) on intent to mizan_signer;
grant usage on all sequences in schema public to mizan_api, mizan_worker;
grant insert on ledger.asset to mizan_api, mizan_worker;
