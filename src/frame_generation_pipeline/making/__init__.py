"""From a checkpoint to what plays: networks, graphs, export and packing. It needs the extra `[train]`."""
