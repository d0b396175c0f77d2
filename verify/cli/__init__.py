"""The command line: parses arguments, calls the Python interface, prints."""
