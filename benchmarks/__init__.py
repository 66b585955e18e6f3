"""What is measured, each program by one command."""
