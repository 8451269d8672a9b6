-- One payment per order.
CREATE TABLE payments (
    id                 uuid PRIMARY KEY,
    order_id           uuid NOT NULL CONSTRAINT one_payment_per_order UNIQUE,
    customer_id        text NOT NULL,
    amount_minor       bigint NOT NULL CHECK (amount_minor >= 0),
    currency           char(3) NOT NULL,
    payment_token      text,
    state              text NOT NULL CHECK (state IN
                       ('processing', 'captured', 'declined', 'voided', 'refunding', 'refunded')),
    reason             text,
    provider_reference text,
    cancelled          boolean NOT NULL DEFAULT false,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    -- When the sweep may ask the provider again, and how often it was asked since the last change.
    step_at            timestamptz NOT NULL,
    attempts           integer NOT NULL DEFAULT 0,
    CHECK (state <> 'captured' OR provider_reference IS NOT NULL)
);
CREATE INDEX payments_to_continue ON payments (step_at)
    WHERE state IN ('processing', 'refunding');
