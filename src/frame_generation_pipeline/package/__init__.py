"""The avatar package, read and checked: one folder or `.avatar` file, as docs/avatar.md describes it."""
