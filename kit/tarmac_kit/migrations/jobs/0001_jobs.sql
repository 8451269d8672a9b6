-- A job and its lease. What ends a run names the fence that it was given: who was given an older one
-- changes nothing.
create table jobs (
    id uuid primary key,
    kind text not null,
    key text not null default '',
    payload jsonb not null,
    headers jsonb not null default '{}',
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'parked')),
    -- Of a queued one: when it may run. Of a running one: when its lease ends.
    due_at timestamptz not null default now(),
    attempts integer not null default 0,
    fence bigint not null default 0,
    -- How often it was woken: a word that comes while it runs is not lost.
    wakes bigint not null default 0,
    result jsonb,
    error text,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);

create index jobs_due on jobs (due_at) where state in ('queued', 'running');
-- Not only the claim sees to it that there is one run at a time per key.
create unique index jobs_one_run_per_key on jobs (key) where state = 'running' and key <> '';
create index jobs_done on jobs (changed_at) where state = 'done';
