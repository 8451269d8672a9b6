-- Orders remember when they were paid.
SET lock_timeout = '2s';
ALTER TABLE orders ADD COLUMN paid_at timestamptz;
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_paid_at ON orders (paid_at);
