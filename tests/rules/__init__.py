"""Each driver rule that is cited (R1 to R86), with the smallest driver that breaks it."""
