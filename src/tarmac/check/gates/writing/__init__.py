"""Gates on how files are written: keys and words that their readers know."""
