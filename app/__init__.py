"""Who asks: the command line, what it prints, and the files it writes."""
