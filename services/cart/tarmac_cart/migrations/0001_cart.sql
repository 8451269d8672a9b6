-- One open cart for each customer, its lines, and the attempts to order what was in it.
CREATE TABLE carts (
    id          uuid PRIMARY KEY,
    customer_id text NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ordered')),
    -- Grows with every change of the lines: an order is made of one version.
    version     bigint NOT NULL DEFAULT 1,
    order_id    uuid,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX one_open_cart ON carts (customer_id) WHERE state = 'open';

CREATE TABLE cart_lines (
    cart_id    uuid NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
    product_id uuid NOT NULL,
    quantity   integer NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    added_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cart_id, product_id)
);

-- What each Idempotency-Key asked for: the same key gets the same order, whatever the cart holds now.
CREATE TABLE checkouts (
    customer_id text NOT NULL,
    key         text NOT NULL,
    cart_id     uuid NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
    version     bigint NOT NULL,
    lines       jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (customer_id, key)
);
