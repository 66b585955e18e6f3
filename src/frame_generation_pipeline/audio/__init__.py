"""From any audio file to the windows of features that the generator sees."""
