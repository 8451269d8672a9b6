-- Two orders of the administrator, whose id is the same everywhere: somebody has bought something.
INSERT INTO orders (id, customer_id, email, idempotency_key, fingerprint, state, currency, total_minor,
                    payment_token, accepted, created_at, updated_at, step_at)
VALUES
  ('5eed0000-0000-4000-8000-00000000a001', 'fad5ac95-22cc-5e83-9f5c-9e575676ae25',
   'admin@starter.example.com', 'seed-1', repeat('0', 64), 'confirmed', 'EUR', 900, '', true,
   '2026-01-05 09:00+00', '2026-01-05 09:00+00', '2026-01-05 09:00+00'),
  ('5eed0000-0000-4000-8000-00000000a002', 'fad5ac95-22cc-5e83-9f5c-9e575676ae25',
   'admin@starter.example.com', 'seed-2', repeat('0', 64), 'confirmed', 'EUR', 3450, '', true,
   '2026-02-11 16:30+00', '2026-02-11 16:30+00', '2026-02-11 16:30+00');

INSERT INTO order_lines (order_id, position, product_id, name, quantity, unit_price_minor)
VALUES
  ('5eed0000-0000-4000-8000-00000000a001', 1, '5eed0000-0000-4000-8000-000000001003', 'Espresso cup', 2, 450),
  ('5eed0000-0000-4000-8000-00000000a002', 1, '5eed0000-0000-4000-8000-000000001001', 'Kettle', 1, 2550),
  ('5eed0000-0000-4000-8000-00000000a002', 2, '5eed0000-0000-4000-8000-000000001003', 'Espresso cup', 2, 450);

INSERT INTO order_history (order_id, state, at)
SELECT id, unnest(ARRAY['pending', 'confirmed']), created_at
  FROM orders WHERE idempotency_key IN ('seed-1', 'seed-2') ORDER BY created_at;
