"""Turn checkpoints into packages: networks, graphs, export and packing. It needs the extra `[train]`."""
