"""Products: browse, search, staff edits."""
