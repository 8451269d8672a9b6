"""One typed file describes a system; from it Tarmac runs, renders, verifies and drills it."""
