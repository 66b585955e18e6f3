"""Print tables as Markdown has them, each row as soon as it is measured."""


def print_header(*columns: str) -> None:
    """Print the first two lines of a table."""
    print_row(*columns)
    print("|---" * len(columns) + "|", flush=True)


def print_row(*cells: object) -> None:
    """Print a line of a table."""
    print("|", " | ".join(map(str, cells)), "|", flush=True)
