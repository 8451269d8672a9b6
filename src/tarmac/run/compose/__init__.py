"""Puts a rendered environment onto one machine with Docker Compose; says why it does not run."""
