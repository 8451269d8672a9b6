"""The set-up of servers before and after their start: users, rights, topics, queues, containers."""
