"""Orders from pending to confirmed or cancelled."""
