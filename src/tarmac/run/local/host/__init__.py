"""What this machine has and runs: programs, ports, sockets, privileges, the processes below us."""
