-- What can be traded. A price is base and volatility taken along a walk that its symbol and the seed decide, so neither
-- may change once somebody has traded: there is no update of them.
CREATE TABLE instruments (
    symbol         text PRIMARY KEY CHECK (symbol ~ '^[A-Z][A-Z0-9]{0,9}$'),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    currency       char(3) NOT NULL,
    base_minor     bigint NOT NULL CHECK (base_minor BETWEEN 100 AND 1000000000),
    volatility_ppm integer NOT NULL CHECK (volatility_ppm BETWEEN 1 AND 10000),
    listed_at      timestamptz NOT NULL DEFAULT now()
);
