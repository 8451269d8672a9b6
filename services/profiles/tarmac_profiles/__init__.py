"""User documents, and what each user has ordered."""
