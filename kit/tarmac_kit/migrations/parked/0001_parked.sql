-- Messages that a handler could not take: tried again from here, then parked until they are replayed.
create table parked (
    seq bigint generated always as identity primary key,
    consumer text not null,
    topic text not null,
    message_id text not null,
    key text not null,
    payload jsonb not null,
    headers jsonb not null default '{}',
    state text not null check (state in ('waiting', 'parked')),
    -- Whether later messages of its consumer, topic and key wait behind it.
    holds boolean not null default true,
    failures integer not null default 0,
    error text,
    -- Of a waiting one: when it is tried; while it is tried, when that is given up.
    due_at timestamptz not null default now(),
    -- Grows with each try: who was given an older one changes nothing.
    fence bigint not null default 0,
    received_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    unique (consumer, topic, message_id)
);

create index parked_of_key on parked (consumer, topic, key, seq) where holds;
create index parked_due on parked (due_at) where state = 'waiting';
