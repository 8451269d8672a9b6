-- What can be traded from the first start on. Run as market-service's role on market-db after its migrations; running it
-- again changes nothing, and what staff listed meanwhile stays. All of them are made up.
INSERT INTO instruments (symbol, name, currency, base_minor, volatility_ppm) VALUES
    ('ALDR', 'Alder & Ash Timber',       'USD',   4820,  150),
    ('BRSK', 'Brisk Logistics',          'USD',   7615,  220),
    ('CRVN', 'Corvin Aerospace',         'USD',  31240,  260),
    ('DUNE', 'Dune Solar',               'USD',   2975,  420),
    ('FJRD', 'Fjord Shipping',           'USD',  11890,  180),
    ('HELX', 'Helix Biologics',          'USD',  18430,  480),
    ('KTTL', 'Kettle & Cup Foods',       'USD',   5360,  120),
    ('MRBL', 'Marble Arch Bank',         'USD',   9125,  160),
    ('NMBS', 'Nimbus Robotics',          'USD',  24780,  380),
    ('TARM', 'Tarmac Roads',             'USD',  12500,  200)
ON CONFLICT (symbol) DO NOTHING;
