-- How often logins of an address failed from a source: a network address, a known device, or '' for
-- all unknown devices together. Kept whether or not the address has an account: both cost the same.
-- login_attempts stays for the replicas of the version before, until they have been replaced.
create table login_failures (
    email text not null,
    source text not null,
    level double precision not null,
    failed_at timestamptz not null,
    primary key (email, source)
);

create index login_failures_failed_at on login_failures (failed_at);
