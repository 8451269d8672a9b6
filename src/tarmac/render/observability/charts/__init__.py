"""Values of the charts that others publish, and Datadog's definitions."""
