-- Who decided what, and why: written in the transaction of the decision, sealed into one hash chain
-- a moment later. Sealing apart keeps writers from waiting for each other.

create table journal (
    id text primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,                           -- an API key, policy, signer, system
    action text not null,                          -- withdrawal.approved, pause.placed, …
    subject text not null,
    reason text,
    facts jsonb not null default '{}',
    written_by xid8 not null default pg_current_xact_id()
);
create index journal_subject on journal (subject, id);
create table journal_seal (
    seq bigint primary key check (seq > 0),
    journal_id text not null unique references journal,
    hash bytea not null check (octet_length(hash) = 32)
);
create trigger append_only before update or delete on journal
    for each row execute function ledger.refuse_change();
create trigger append_only before update or delete on journal_seal
    for each row execute function ledger.refuse_change();
create trigger no_truncate before truncate on journal execute function ledger.refuse_change();
create trigger no_truncate before truncate on journal_seal execute function ledger.refuse_change();

-- What an entry contributes to the chain.
create function journal_leaf(p_seq bigint, e journal) returns bytea language sql stable as $$
    select convert_to(jsonb_build_array(p_seq, e.id, extract(epoch from e.at), e.actor, e.action,
                                        e.subject, e.reason, e.facts)::text, 'UTF8')
$$;

-- Append what is committed and not sealed yet; one at a time. Returns how many.
create function journal_append_seals() returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    e journal;
    v_seq bigint; v_hash bytea; v_count integer := 0;
begin
    perform pg_advisory_xact_lock(hashtextextended('journal', 0));
    select seq, hash into v_seq, v_hash from journal_seal order by seq desc limit 1;
    v_seq := coalesce(v_seq, 0);
    v_hash := coalesce(v_hash, '\x00');
    for e in select j.* from journal j left join journal_seal s on s.journal_id = j.id
        where s.seq is null order by j.at, j.id limit 1000
    loop
        v_seq := v_seq + 1;
        v_hash := sha256(v_hash || journal_leaf(v_seq, e));
        insert into journal_seal values (v_seq, e.id, v_hash);
        v_count := v_count + 1;
    end loop;
    return v_count;
end $$;

-- Empty, always: a gap, an entry that is not what was sealed, one that waits for its seal too long.
create view journal_check as
    select seq, journal_id, 'broken' as finding from (
        select s.seq, s.journal_id, s.hash, lag(s.seq, 1, 0::bigint) over w as before,
            sha256(lag(s.hash, 1, '\x00') over w || journal_leaf(s.seq, j)) as expected
        from journal_seal s join journal j on j.id = s.journal_id window w as (order by s.seq)) x
    where seq <> before + 1 or hash <> expected
    union all
    select null, j.id, 'unsealed' from journal j
        left join journal_seal s on s.journal_id = j.id
        where s.seq is null and j.at < now() - interval '10 minutes';

revoke update, delete on journal, journal_seal from mizan_api, mizan_worker;
revoke insert on journal_seal from mizan_api, mizan_worker;
grant insert on journal to mizan_signer;
revoke execute on function journal_append_seals from public;
grant execute on function journal_append_seals to mizan_worker;
grant select on journal_check to mizan_api, mizan_worker;
