-- Products, their search words and the indexes that the four sort orders walk.
CREATE TABLE products (
    id          uuid PRIMARY KEY,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description text NOT NULL DEFAULT '',
    category    text NOT NULL CHECK (category ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    price_minor bigint NOT NULL CHECK (price_minor > 0),
    currency    char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    active      boolean NOT NULL DEFAULT true,
    version     integer NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    -- 'simple' keeps every word as typed, so that a prefix of it is found;
    -- 'english' adds the stems, so that "boiling" finds what boils.
    search      tsvector GENERATED ALWAYS AS (
        to_tsvector('simple', name || ' ' || category || ' ' || description)
        || to_tsvector('english', name || ' ' || description)
    ) STORED
);

CREATE INDEX products_search ON products USING gin (search);
CREATE INDEX products_by_name ON products (name, id) WHERE active;
CREATE INDEX products_by_price ON products (price_minor, id) WHERE active;
CREATE INDEX products_by_age ON products (created_at, id) WHERE active;
CREATE INDEX products_by_category ON products (category, name, id) WHERE active;
