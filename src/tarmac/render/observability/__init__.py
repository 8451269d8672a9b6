"""Rules, alerts, runbooks, dashboards and the values of the charts that keep signals."""
