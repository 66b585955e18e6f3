"""The avatar package: a person's avatar in one folder or `.avatar` file, as docs/avatar.md describes it."""
