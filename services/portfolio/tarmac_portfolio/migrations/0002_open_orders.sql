-- An account has only so many open orders; they are counted when one more comes.
CREATE INDEX trade_orders_open ON trade_orders (owner) WHERE status = 'open';
