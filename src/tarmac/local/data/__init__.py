"""What the stores hold: set-up, seeds, empty and fresh ones; and the mail sink's program."""
