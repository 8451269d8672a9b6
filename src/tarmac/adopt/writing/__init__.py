"""The file that `tarmac init` writes, explained and corrected."""
