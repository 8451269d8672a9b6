-- Stock, what of it is set aside, the ledger of every movement, and reservations by order.
CREATE TABLE stock (
    product_id uuid PRIMARY KEY,
    on_hand    integer NOT NULL CONSTRAINT stock_never_below_zero CHECK (on_hand >= 0),
    reserved   integer NOT NULL DEFAULT 0 CONSTRAINT reserved_never_below_zero CHECK (reserved >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reserved_never_above_stock CHECK (reserved <= on_hand)
);

-- At any time sum(on_hand_change) = stock.on_hand and sum(reserved_change) = stock.reserved.
CREATE TABLE stock_ledger (
    seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id      uuid NOT NULL,
    movement        text NOT NULL CHECK (movement IN
                    ('opening', 'count', 'reserve', 'commit', 'retake', 'release', 'expire')),
    on_hand_change  integer NOT NULL,
    reserved_change integer NOT NULL,
    order_id        uuid,
    actor           text,
    at              timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stock_ledger_by_product ON stock_ledger (product_id, seq);
CREATE UNIQUE INDEX stock_ledger_one_opening ON stock_ledger (product_id)
    WHERE movement = 'opening';

CREATE TABLE reservations (
    order_id   uuid PRIMARY KEY,
    state      text NOT NULL CHECK (state IN ('held', 'committed', 'released', 'expired')),
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
-- The sweep walks this one; it stays small, for only held reservations are in it.
CREATE INDEX reservations_held ON reservations (expires_at) WHERE state = 'held';

CREATE TABLE reservation_lines (
    order_id   uuid NOT NULL REFERENCES reservations (order_id) ON DELETE CASCADE,
    product_id uuid NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, product_id)
);
