"""Writes rendered files into a folder: manual edits are kept, and no write is partial."""
