-- Orders, their lines and history. One order per customer and idempotency key.
CREATE TABLE orders (
    id               uuid PRIMARY KEY,
    customer_id      text NOT NULL,
    email            text NOT NULL,
    idempotency_key  text NOT NULL,
    fingerprint      text NOT NULL,
    state            text NOT NULL DEFAULT 'pending' CHECK (state IN
                     ('pending', 'placed', 'paid', 'confirmed', 'cancelling', 'cancelled')),
    reason           text,
    currency         char(3) NOT NULL,
    total_minor      bigint NOT NULL CHECK (total_minor >= 0),
    payment_token    text NOT NULL,
    shipping_address jsonb,
    -- What was missing when an order was cancelled as out of stock: the same key gets the same answer.
    short            jsonb,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    -- When the sweep may continue the order, and how often it did since the last change of state.
    step_at          timestamptz NOT NULL,
    attempts         integer NOT NULL DEFAULT 0,
    CONSTRAINT one_order_per_key UNIQUE (customer_id, idempotency_key)
);
CREATE INDEX orders_of_customer ON orders (customer_id, created_at DESC, id DESC);
CREATE INDEX orders_by_age ON orders (created_at DESC, id DESC);
-- The sweep walks this one; it stays small, for finished orders are not in it.
CREATE INDEX orders_to_continue ON orders (step_at)
    WHERE state IN ('pending', 'paid', 'cancelling');

CREATE TABLE order_lines (
    order_id         uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position         integer NOT NULL,
    product_id       uuid NOT NULL,
    name             text NOT NULL,
    quantity         integer NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
    PRIMARY KEY (order_id, position),
    UNIQUE (order_id, product_id)
);

CREATE TABLE order_history (
    seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    state    text NOT NULL,
    reason   text,
    at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX order_history_of_order ON order_history (order_id, seq);
