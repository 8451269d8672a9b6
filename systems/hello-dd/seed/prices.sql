-- What products cost, and the rules over that. Run as pricing-service's role after its migrations; running it again
-- changes nothing, and what staff changed meanwhile stays as it is.
INSERT INTO price_rules (id, kind, product_id, name, price_minor, currency)
SELECT gen_random_uuid(), 'list', id::uuid, name, price_minor, 'EUR'
  FROM (VALUES
    ('0de110dd-0000-4000-8000-000000000001', 'Label printer, thermal', 18900),
    ('0de110dd-0000-4000-8000-000000000002', 'Barcode scanner, cordless', 7450),
    ('0de110dd-0000-4000-8000-000000000003', 'Shipping labels, roll of 500', 1290),
    ('0de110dd-0000-4000-8000-000000000004', 'Pallet scale, 1.5 t', 42900),
    ('0de110dd-0000-4000-8000-000000000005', 'Hand truck, aluminium', 9990),
    ('0de110dd-0000-4000-8000-000000000006', 'Packing tape, 66 m', 349),
    ('0de110dd-0000-4000-8000-000000000007', 'Shelf bin, 10 l', 815),
    ('0de110dd-0000-4000-8000-000000000008', 'Picking trolley, three tiers', 25900)
  ) AS listed (id, name, price_minor)
ON CONFLICT DO NOTHING;

INSERT INTO price_rules
       (id, kind, product_id, tier, min_quantity, valid_from, valid_to, price_minor, currency, percent_off_bp)
VALUES (gen_random_uuid(), 'tier', NULL, 'gold', 1, NULL, NULL, NULL, NULL, 500),
       (gen_random_uuid(), 'volume', NULL, NULL, 100, NULL, NULL, NULL, NULL, 300),
       (gen_random_uuid(), 'volume', '0de110dd-0000-4000-8000-000000000003', NULL, 10, NULL, NULL, 1150, 'EUR', NULL),
       (gen_random_uuid(), 'volume', '0de110dd-0000-4000-8000-000000000003', NULL, 100, NULL, NULL, 990, 'EUR', NULL),
       (gen_random_uuid(), 'dated', '0de110dd-0000-4000-8000-000000000006', NULL, 1, '2026-12-01', '2027-01-01', NULL, NULL, 1500)
ON CONFLICT DO NOTHING;
