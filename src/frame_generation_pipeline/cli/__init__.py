"""The command line `framegen`."""
