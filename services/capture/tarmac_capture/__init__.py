"""What changes in a database's tables, as messages."""
