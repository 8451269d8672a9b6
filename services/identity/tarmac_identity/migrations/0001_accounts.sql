create table users (
    id uuid primary key,
    email text not null unique,
    name text not null,
    password_hash text not null,
    roles text[] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- A row per address that was tried, whether or not it has an account: both cost the same.
create table login_attempts (
    email text primary key,
    failures integer not null,
    last_at timestamptz not null,
    locked_until timestamptz
);

create index login_attempts_last_at on login_attempts (last_at);

create table refresh_tokens (
    token_hash bytea primary key,
    family uuid not null,
    user_id uuid not null references users (id) on delete cascade,
    issued_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz
);

create index refresh_tokens_family on refresh_tokens (family);
create index refresh_tokens_expires_at on refresh_tokens (expires_at);

create table signing_keys (
    kid text primary key,
    private_key bytea not null,
    public_jwk jsonb not null,
    created_at timestamptz not null default now()
);
