"""Stock and price of an item in one answer."""
