"""Every printed output in the documentation is executed."""
