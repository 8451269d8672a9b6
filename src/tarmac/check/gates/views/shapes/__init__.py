"""The shapes of files that gates read, and how files are made to fit them."""
