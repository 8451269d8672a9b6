"""One payment per order, through a sandbox provider."""
