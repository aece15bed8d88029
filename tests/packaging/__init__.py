"""The shape of the repository: packages, layers, sizes."""
