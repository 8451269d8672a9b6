"""Stock and reservations, never below zero."""
