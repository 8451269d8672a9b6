"""The vocabulary of a survey, and how what was found becomes one system."""
