"""Gates on Compose files, as Compose and the servers in them read these."""
