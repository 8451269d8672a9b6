"""Accounts, cash, positions and trades."""
