"""What a drill leaves: its journal, evidence, and reports of them."""
