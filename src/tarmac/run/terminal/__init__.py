"""A running system in the terminal: its processes, their logs, and what keys do to it."""
