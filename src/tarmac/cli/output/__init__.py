"""What verbs print: tables, progress and reports, for a person or for a program."""
