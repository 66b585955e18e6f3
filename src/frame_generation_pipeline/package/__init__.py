"""The avatar package: everything a person's avatar needs to speak, in one folder or `.avatar` file; see docs/avatar.md."""
