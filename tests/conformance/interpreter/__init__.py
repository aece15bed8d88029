"""An interpreter of routine graphs that shares nothing with the compiler: begin with `state.py`."""
