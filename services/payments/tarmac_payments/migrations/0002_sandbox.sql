-- The sandbox provider's own books: what it took stays taken, whatever its callers heard of it.
CREATE TABLE sandbox_charges (
    idempotency_key text PRIMARY KEY,
    token           text NOT NULL,
    amount_minor    bigint NOT NULL CHECK (amount_minor >= 0),
    currency        char(3) NOT NULL,
    reference       text NOT NULL UNIQUE,
    declined        text,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sandbox_refunds (
    idempotency_key text PRIMARY KEY,
    reference       text NOT NULL UNIQUE REFERENCES sandbox_charges (reference),
    amount_minor    bigint NOT NULL CHECK (amount_minor >= 0),
    created_at      timestamptz NOT NULL DEFAULT now()
);

-- Every call, so that "the first one fails" is true over a restart too.
CREATE TABLE sandbox_calls (
    idempotency_key text PRIMARY KEY,
    calls           integer NOT NULL
);
