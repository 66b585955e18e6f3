"""A Ray cluster of two nodes on this machine: prints its address and ends when standard input does.

python tests/jobs/two_nodes.py FOLDER, which holds what the nodes keep, each in a folder of its own
"""

import sys
from pathlib import Path

from ray.cluster_utils import Cluster

folder = Path(sys.argv[1])
cluster = Cluster()
for name in ("one", "two"):
    cluster.add_node(
        num_cpus=1, include_dashboard=False, env_vars={"XDG_CACHE_HOME": str(folder / name), "RAY_worker_niceness": "0"}
    )
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
