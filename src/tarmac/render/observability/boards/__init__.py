"""Dashboards: panels and the queries behind them."""
