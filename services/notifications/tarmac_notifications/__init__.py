"""Events to rendered mail."""
