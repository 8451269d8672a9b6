"""A FastAPI service chassis that works with or without Tarmac."""
