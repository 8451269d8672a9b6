-- Purchases: who asked for what, once per key, and how it ended. The steps between are the saga's.
CREATE TABLE purchases (
    id              uuid PRIMARY KEY,
    customer        text NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint     text NOT NULL,
    tier            text,
    lines           jsonb NOT NULL,
    state           text NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'confirmed', 'cancelled')),
    reason          text,
    currency        char(3),
    total_minor     bigint CHECK (total_minor >= 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_purchase_per_key UNIQUE (customer, idempotency_key),
    CONSTRAINT a_confirmed_purchase_has_a_price CHECK (state <> 'confirmed' OR total_minor IS NOT NULL)
);
CREATE INDEX purchases_pending ON purchases (created_at) WHERE state = 'pending';
