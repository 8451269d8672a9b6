"""What the developer says, typed and strict; knows nothing of machines and does no I/O itself."""
