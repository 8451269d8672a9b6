-- What TravelSources sells, and how many places each trip has. Run as catalog's role on catalog-db after the migrations
-- of both of its parts; running it again changes nothing, and what staff changed meanwhile stays as it is.
-- One statement: a trip's places and the ledger row that explains them are written together or not at all.
WITH trips (id, category, name, price_minor, places, day, description) AS (VALUES
    ('7eed0000-0000-4000-8000-000000001001', 'city', 'Lisbon, three days on the hills', 39900, 24, 10,
     'Tram 28 by nine, grilled sardines by one, fado in Alfama at night. Two nights near Graça.'),
    ('7eed0000-0000-4000-8000-000000001002', 'city', 'Ghent by canal', 28900, 30, 17,
     'A weekend between belfry and bistro; bikes, a boat and the altarpiece before the crowds.'),
    ('7eed0000-0000-4000-8000-000000001003', 'city', 'Istanbul, two continents', 52900, 18, 24,
     'Four days of ferries, mosques and breakfast that lasts until noon. A guide for the Bazaar.'),
    ('7eed0000-0000-4000-8000-000000001004', 'city', 'Kyoto in November', 214000, 8, 31,
     'Maples, moss and a tea master. Seven nights in a machiya, rail pass included.'),
    ('7eed0000-0000-4000-8000-000000001005', 'city', 'Marrakesh riad week', 89900, 14, 38,
     'A courtyard of your own, a cooking day, and a drive over the Tizi n''Tichka.'),
    ('7eed0000-0000-4000-8000-000000002001', 'coast', 'Algarve cliff walk', 61900, 20, 45,
     'Five days on the Fishermen''s Trail, bags carried from one village to the next.'),
    ('7eed0000-0000-4000-8000-000000002002', 'coast', 'Sailing the Kornati', 128000, 6, 52,
     'A week on a 12 m sloop with a skipper who knows where the octopus is.'),
    ('7eed0000-0000-4000-8000-000000002003', 'coast', 'Orkney, wind and stone', 74900, 12, 59,
     'Ferries, seals and a village older than the pyramids. Four nights at the harbour.'),
    ('7eed0000-0000-4000-8000-000000002004', 'coast', 'Sardinia, slow south', 96500, 16, 66,
     'White sand at Chia, a farm table inland, a car for all of it. Seven nights.'),
    ('7eed0000-0000-4000-8000-000000002005', 'coast', 'Lofoten in the light', 149000, 9, 73,
     'Midnight sun from a fisherman''s cabin; kayak for two and a boat to the eagles.'),
    ('7eed0000-0000-4000-8000-000000003001', 'mountains', 'Hut to hut in the Dolomites', 88500, 22, 80,
     'Six days on the Alta Via 1 with beds booked and a map that has been walked.'),
    ('7eed0000-0000-4000-8000-000000003002', 'mountains', 'Tour du Mont Blanc', 164000, 10, 87,
     'Eleven days, three countries, one mountain. Lodges, luggage, forecasts by text.'),
    ('7eed0000-0000-4000-8000-000000003003', 'mountains', 'Tatra winter week', 69900, 15, 94,
     'Snowshoes, a sauna and Zakopane''s smoked cheese. Guide for the avalanche course.'),
    ('7eed0000-0000-4000-8000-000000003004', 'mountains', 'Picos de Europa, self-guided', 57900, 26, 101,
     'Gorges, goats and the Cares trail; four villages, five nights.'),
    ('7eed0000-0000-4000-8000-000000003005', 'mountains', 'Last places: Gran Paradiso', 112000, 10, 108,
     'The ibex and the glacier before they go. Ten places, one guide.'),
    ('7eed0000-0000-4000-8000-000000004001', 'rail', 'Night train to Vienna', 34900, 40, 115,
     'Berth, breakfast and the Belvedere by ten. Back on the Sunday sleeper.'),
    ('7eed0000-0000-4000-8000-000000004002', 'rail', 'Glacier Express, window seats', 79900, 20, 122,
     'Zermatt to St. Moritz, eight hours, 291 bridges. One night at each end.'),
    ('7eed0000-0000-4000-8000-000000004003', 'rail', 'West Highland Line', 42900, 28, 129,
     'Rannoch Moor, the viaduct, a whisky in Mallaig. Three days by the slow train.'),
    ('7eed0000-0000-4000-8000-000000004004', 'rail', 'Interrail for two, one month', 138000, 100, 136,
     'Thirty days, thirty-three countries, seat reservations by us.'),
    ('7eed0000-0000-4000-8000-000000004005', 'rail', 'Douro valley by steam', 45900, 0, 143,
     'Porto, terraces and a lunch that ends at five. Long weekend.')
),
added AS (
    INSERT INTO products (id, category, name, price_minor, currency, description, created_at, updated_at)
    SELECT id::uuid, category, name, price_minor, 'EUR', description, opened, opened
      FROM trips, LATERAL (SELECT timestamptz '2026-01-05 08:00+00' + day * interval '1 day') AS t (opened)
    ON CONFLICT DO NOTHING
),
counted AS (
    INSERT INTO stock (product_id, on_hand) SELECT id::uuid, places FROM trips
    ON CONFLICT DO NOTHING
    RETURNING product_id, on_hand
)
INSERT INTO stock_ledger (product_id, movement, on_hand_change, reserved_change, actor)
SELECT product_id, 'opening', on_hand, 0, 'seed' FROM counted ORDER BY product_id
ON CONFLICT DO NOTHING;
