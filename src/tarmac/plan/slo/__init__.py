"""Objectives: their error budgets as mathematics, what is counted, and the queries that count it.

`render` makes rules, alerts, runbooks and dashboards of a `MeasuredObjective`; `gates` hold rules
against the budget. No input or output.
"""
