-- id, aggregatetype, aggregateid, type and payload are what Debezium's outbox event router reads.
create table outbox (
    id uuid primary key,
    aggregatetype varchar(255) not null,
    aggregateid varchar(255) not null,
    type varchar(255) not null,
    payload jsonb not null,
    headers jsonb not null default '{}',
    created_at timestamptz not null default now(),
    seq bigserial not null,
    published_at timestamptz
);

create index outbox_pending on outbox (seq) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;
