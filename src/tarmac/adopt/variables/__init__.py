"""What programs read from their environment and files of settings, and what they are given."""
