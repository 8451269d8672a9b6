-- A row is claimed until locked_until, then either done (status set) or free to be claimed again.
create table idempotency_keys (
    scope text not null,
    key text not null,
    id uuid not null,
    fingerprint text not null,
    claim uuid,
    locked_until timestamptz,
    status integer,
    headers jsonb,
    body jsonb,
    created_at timestamptz not null default now(),
    primary key (scope, key)
);

create index idempotency_keys_created on idempotency_keys (created_at);
