"""Load: visits at a rate, by a process of their own, and what they met."""
