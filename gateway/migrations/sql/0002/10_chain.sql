-- How a chain is read.
alter table chain
    add column native_driver text check (native_driver in
        ('transactions', 'trace_block', 'trace_calls', 'trace_each', 'transfer_logs')),
    add column probe_blocks integer not null default 20 check (probe_blocks >= 0),
    add column read_calls_max integer not null default 50 check (read_calls_max > 0),
    add column read_ahead integer not null default 2 check (read_ahead between 0 and 16),
    add column read_blocks_max integer not null default 200 check (read_blocks_max > 0),
    add column read_logs_max integer not null default 10000 check (read_logs_max > 0);
comment on column chain.native_driver is 'how native coin is found; null: ask the node at start';
comment on column chain.probe_blocks is 'balances are probed every so many blocks; 0: never';
comment on column chain.read_calls_max is 'calls in one JSON-RPC batch';
comment on column chain.read_ahead is 'ranges read while one is taken, in a catch-up';
comment on column chain.read_blocks_max is 'blocks in one range at most';
comment on column chain.read_logs_max is 'an answer of so many logs is taken as cut off';
