"""What changes between two versions, what it costs, and how a version is promoted."""
