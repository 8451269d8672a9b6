-- Price rules, the lists that brought them in bulk, and quotes.
CREATE TABLE price_rules (
    id             uuid PRIMARY KEY,
    kind           text NOT NULL CHECK (kind IN ('list', 'volume', 'tier', 'dated')),
    -- NULL is for every product.
    product_id     uuid,
    name           text CHECK (length(name) BETWEEN 1 AND 200),
    tier           text CHECK (tier ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    min_quantity   integer NOT NULL DEFAULT 1 CHECK (min_quantity >= 1),
    valid_from     timestamptz,
    valid_to       timestamptz,
    price_minor    bigint CHECK (price_minor >= 0),
    currency       char(3) CHECK (currency ~ '^[A-Z]{3}$'),
    percent_off_bp integer CHECK (percent_off_bp BETWEEN 1 AND 10000),
    changed_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_price_or_a_discount CHECK (num_nonnulls(price_minor, percent_off_bp) = 1),
    CONSTRAINT a_price_has_a_currency CHECK ((price_minor IS NULL) = (currency IS NULL)),
    CONSTRAINT a_period_has_a_length CHECK (valid_from < valid_to),
    CONSTRAINT a_list_price_is_one_products CHECK (kind <> 'list' OR (
        product_id IS NOT NULL AND name IS NOT NULL AND price_minor IS NOT NULL
        AND tier IS NULL AND min_quantity = 1)),
    CONSTRAINT a_volume_begins_at_two CHECK (kind <> 'volume' OR min_quantity >= 2),
    CONSTRAINT a_tier_rule_names_its_tier CHECK (kind <> 'tier' OR tier IS NOT NULL),
    CONSTRAINT a_dated_rule_has_a_date CHECK (
        kind <> 'dated' OR num_nonnulls(valid_from, valid_to) > 0),
    -- Two rules with the same conditions would be one too many: the later one replaces the earlier.
    CONSTRAINT one_rule_per_condition
        UNIQUE NULLS NOT DISTINCT (kind, product_id, tier, min_quantity, valid_from)
);
CREATE INDEX price_rules_of_product ON price_rules (product_id);

CREATE TABLE price_lists (
    -- The id of the job that imports it, too.
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    rules       jsonb NOT NULL,
    sent_by     text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    imported_at timestamptz
);

CREATE TABLE quotes (
    id          uuid PRIMARY KEY,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'released')),
    tier        text,
    currency    char(3) NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    lines       jsonb NOT NULL,
    reference   uuid,
    expires_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT an_accepted_quote_says_by_whom CHECK (state <> 'accepted' OR reference IS NOT NULL)
);
-- Those that nobody accepted are deleted some time after they ended.
CREATE INDEX quotes_open ON quotes (expires_at) WHERE state = 'open';
