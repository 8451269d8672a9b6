"""What Prometheus, Alertmanager and Grafana read: rules, routes, queries and dashboards."""
