"""What the compiler makes of drivers."""
