"""A Ray cluster of two nodes that work, and the server's, which does not: prints its address, ends with its input.

python tests/jobs/two_nodes.py FOLDER, which holds what the nodes keep, each in a folder of its own
"""

import sys
from pathlib import Path

from ray.cluster_utils import Cluster

folder = Path(sys.argv[1])
cluster = Cluster()
for name, cores in (("server", 0), ("one", 1), ("two", 1)):
    cluster.add_node(
        num_cpus=cores,
        include_dashboard=False,
        env_vars={"XDG_CACHE_HOME": str(folder / name), "RAY_worker_niceness": "0"},
    )
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
