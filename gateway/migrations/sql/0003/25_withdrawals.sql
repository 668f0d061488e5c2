-- What policy says of a withdrawal: refused with a reason its owner can act on, or not before a time.
alter table withdrawal add column failure_detail text, add column not_before timestamptz;
alter table policy_decision drop constraint policy_decision_outcome_check;
alter table policy_decision add constraint policy_decision_outcome_check
    check (outcome in ('allow', 'wait', 'hold', 'refuse'));
