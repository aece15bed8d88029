"""What can happen: expressions, machines, the Windows rules, the language drivers are written in.

`machine.py` is the contract that everything else meets at; `wdk.py` is what patterns import.
"""
