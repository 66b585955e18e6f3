"""Pages that show people what was found, trained or measured."""
