"""Who looks: engines that explore or prove machines, their verdicts and traces.

Read `reference.py` first: it defines what a machine means. `engine.py` is the contract of engines.
"""
