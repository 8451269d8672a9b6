"""Charts: where they are, their values, and what their templates make."""
