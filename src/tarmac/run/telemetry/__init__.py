"""What a running system tells of itself: received over OTLP, stored in a file, and queried.

A process of its own (`python -m tarmac.run.dashboard`), started by the supervisor. Readers open the
file themselves; they ask no process, and find what there is after the system has stopped, too.
"""
