-- Parked jobs are counted every few seconds.
create index jobs_parked on jobs (changed_at) where state = 'parked';
