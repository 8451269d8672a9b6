"""What a system can be made of, and what can happen to it: kinds of stores and faults."""
