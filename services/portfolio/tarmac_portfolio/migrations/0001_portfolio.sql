-- Accounts and positions, the orders that change them, and the ledger that they are the sums of.
CREATE TABLE accounts (
    -- The subject of the user's tokens.
    owner      text PRIMARY KEY,
    currency   char(3) NOT NULL,
    -- What there is, and what of it open orders hold.
    cash_minor bigint NOT NULL DEFAULT 0,
    held_minor bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT never_overdrawn CHECK (cash_minor >= 0),
    CONSTRAINT held_cash_is_there CHECK (held_minor BETWEEN 0 AND cash_minor)
);

CREATE TABLE positions (
    owner      text NOT NULL REFERENCES accounts (owner),
    symbol     text NOT NULL,
    quantity   bigint NOT NULL DEFAULT 0,
    held       bigint NOT NULL DEFAULT 0,
    -- What was paid for the shares that are still there.
    cost_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, symbol),
    CONSTRAINT never_short CHECK (quantity >= 0),
    CONSTRAINT held_shares_are_there CHECK (held BETWEEN 0 AND quantity),
    CONSTRAINT no_cost_without_shares CHECK (cost_minor >= 0 AND (quantity > 0 OR cost_minor = 0))
);

CREATE TABLE deposits (
    id              uuid PRIMARY KEY,
    owner           text NOT NULL REFERENCES accounts (owner),
    idempotency_key text NOT NULL,
    amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_deposit_per_key UNIQUE (owner, idempotency_key)
);

CREATE TABLE trade_orders (
    seq               bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    id                uuid PRIMARY KEY,
    owner             text NOT NULL REFERENCES accounts (owner),
    idempotency_key   text NOT NULL,
    symbol            text NOT NULL,
    side              text NOT NULL CHECK (side IN ('buy', 'sell')),
    kind              text NOT NULL CHECK (kind IN ('market', 'limit')),
    quantity          bigint NOT NULL CHECK (quantity > 0),
    limit_price_minor bigint CHECK (limit_price_minor > 0),
    status            text NOT NULL CHECK (status IN
                      ('open', 'filled', 'cancelled', 'expired', 'rejected')),
    reason            text,
    -- What it was filled at.
    price_minor       bigint,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    expires_at        timestamptz,
    CONSTRAINT one_order_per_key UNIQUE (owner, idempotency_key),
    CONSTRAINT a_limit_has_a_price CHECK ((kind = 'limit') = (limit_price_minor IS NOT NULL)),
    CONSTRAINT filled_at_a_price CHECK ((status = 'filled') = (price_minor IS NOT NULL)),
    CONSTRAINT only_limits_stand_open CHECK (status <> 'open' OR kind = 'limit')
);
CREATE INDEX trade_orders_of_owner ON trade_orders (owner, seq DESC);

CREATE TABLE trades (
    seq            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Orders are filled whole, so an order has one trade at most.
    order_id       uuid NOT NULL UNIQUE REFERENCES trade_orders (id),
    owner          text NOT NULL,
    symbol         text NOT NULL,
    side           text NOT NULL,
    quantity       bigint NOT NULL,
    price_minor    bigint NOT NULL,
    -- The market's tick: the price is that of the walk there.
    quote_seq      bigint NOT NULL,
    -- What a sale brought beyond what its shares had cost.
    realised_minor bigint,
    at             timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX trades_of_owner ON trades (owner, seq DESC);

CREATE TABLE ledger (
    seq                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner              text NOT NULL REFERENCES accounts (owner),
    kind               text NOT NULL CHECK (kind IN ('deposit', 'hold', 'release', 'buy', 'sell')),
    deposit_id         uuid UNIQUE REFERENCES deposits (id),
    order_id           uuid REFERENCES trade_orders (id),
    symbol             text,
    cash_change_minor  bigint NOT NULL DEFAULT 0,
    held_change_minor  bigint NOT NULL DEFAULT 0,
    quantity_change    bigint NOT NULL DEFAULT 0,
    held_shares_change bigint NOT NULL DEFAULT 0,
    cost_change_minor  bigint NOT NULL DEFAULT 0,
    at                 timestamptz NOT NULL DEFAULT now(),
    -- Nothing happens to an order twice.
    CONSTRAINT once_per_order UNIQUE (order_id, kind),
    CONSTRAINT of_a_deposit_or_an_order CHECK ((deposit_id IS NULL) <> (order_id IS NULL)),
    CONSTRAINT shares_have_a_symbol CHECK (
        symbol IS NOT NULL OR (quantity_change, held_shares_change, cost_change_minor) = (0, 0, 0))
);
CREATE INDEX ledger_of_owner ON ledger (owner, seq);

CREATE FUNCTION refuse_to_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger: rows are added and never changed; add one that corrects it';
END
$$;
CREATE TRIGGER ledger_is_only_added_to BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite();
