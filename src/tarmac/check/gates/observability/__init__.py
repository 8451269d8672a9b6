"""Gates on metrics, rules, alerts, panels and traces."""
