-- Stock that was sold may come back: the purchase that took it is undone.
ALTER TABLE stock_ledger DROP CONSTRAINT stock_ledger_movement_check;
ALTER TABLE stock_ledger ADD CONSTRAINT stock_ledger_movement_check CHECK (movement IN
    ('opening', 'count', 'reserve', 'commit', 'retake', 'release', 'expire', 'return'));
