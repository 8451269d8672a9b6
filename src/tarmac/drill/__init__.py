"""Drills of a running system: load, a fault, and whether the system held what it promises.

`drill` has the contract that a kind declares and a run's result. `file` reads what a user wrote,
`running` carries it out, `kinds` has one file for each kind of drill, `report` keeps what a run
leaves and shows it; `load` makes the requests, `experiments` writes a drill for other tools.
"""
