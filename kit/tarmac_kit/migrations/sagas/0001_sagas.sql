-- A saga and where it stands. Each write names the version that it read.
create table sagas (
    name text not null,
    id uuid not null,
    state text not null check (state in ('running', 'compensating', 'done', 'compensated')),
    -- The steps by name, as they were when it began: what is deployed later does not change its way.
    steps text[] not null,
    -- The step in hand, from 0; of a compensating one the step that is undone next.
    step integer not null default 0,
    data jsonb not null,
    reason text,
    -- How often the step in hand failed.
    failures integer not null default 0,
    version bigint not null default 0,
    began_at timestamptz not null default now(),
    step_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    primary key (name, id)
);

create index sagas_open on sagas (began_at) where state in ('running', 'compensating');
create index sagas_ended on sagas (changed_at) where state in ('done', 'compensated');

create table saga_history (
    seq bigint generated always as identity primary key,
    name text not null,
    id uuid not null,
    step text not null,
    what text not null check (what in ('begun', 'done', 'failed', 'refused', 'undone')),
    reason text,
    at timestamptz not null default clock_timestamp(),
    foreign key (name, id) references sagas (name, id) on delete cascade
);

create index saga_history_of_saga on saga_history (name, id, seq);
