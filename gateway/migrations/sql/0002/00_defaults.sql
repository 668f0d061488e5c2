-- Tables made from here on are granted like the first ones: read by all, written by API and workers.
alter default privileges in schema public grant select on tables
    to mizan_api, mizan_worker, mizan_signer;
alter default privileges in schema public grant insert, update, delete on tables
    to mizan_api, mizan_worker;
alter default privileges in schema public grant usage on sequences to mizan_api, mizan_worker;
