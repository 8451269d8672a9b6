"""What `verify` found, written for a reader: one file here for each format."""
