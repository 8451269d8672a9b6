"""The pipeline as data, and the jobs that each forge makes of it."""
