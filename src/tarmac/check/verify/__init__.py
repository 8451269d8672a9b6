"""Runs gates over a plan, a tree or a folder, and joins the results with evidence."""
