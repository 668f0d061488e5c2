-- Who is signed in to the operators' page. The cookie's value is shown to the browser alone.
create table console_session (
    hash bytea primary key,                        -- sha256 of the cookie
    key_id text not null references api_key,
    form_token text not null,                      -- what every form of the session carries
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index console_session_expiry on console_session (expires_at);
