-- How many of each product are on the shelf. Run as inventory-service's role after its migrations; running it again
-- changes nothing. One statement: a level and the ledger row that explains it are written together or not at all.
WITH shelf (id, on_hand) AS (VALUES
    ('0de110dd-0000-4000-8000-000000000001', 48),
    ('0de110dd-0000-4000-8000-000000000002', 120),
    ('0de110dd-0000-4000-8000-000000000003', 500),
    ('0de110dd-0000-4000-8000-000000000004', 75),
    ('0de110dd-0000-4000-8000-000000000005', 30),
    ('0de110dd-0000-4000-8000-000000000006', 900),
    ('0de110dd-0000-4000-8000-000000000007', 0),
    ('0de110dd-0000-4000-8000-000000000008', 12)
),
counted AS (
    INSERT INTO stock (product_id, on_hand) SELECT id::uuid, on_hand FROM shelf
    ON CONFLICT DO NOTHING
    RETURNING product_id, on_hand
)
INSERT INTO stock_ledger (product_id, movement, on_hand_change, reserved_change, actor)
SELECT product_id, 'opening', on_hand, 0, 'seed' FROM counted ORDER BY product_id
ON CONFLICT DO NOTHING;
