"""Which servers a program needs, and what is in them first."""
