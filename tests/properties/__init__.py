"""The properties, on systems small enough to build by hand."""
