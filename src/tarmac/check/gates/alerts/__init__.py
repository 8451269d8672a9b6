"""Gates on alerts: their rules, their routes, what silences them."""
