"""Whether a Ray cluster can make videos, found out before a server listens.

It is also a process, `python -m frame_generation_pipeline.jobs.cluster_check HOST:PORT`, that writes what is wrong as
JSON: Ray may end the process that it runs in.
"""

import json
import logging
import subprocess
import sys
from typing import Any

from frame_generation_pipeline.errors import FrameGenerationError, OptionError
from frame_generation_pipeline.extras import needing_extra

logger = logging.getLogger(__name__)

LONGEST = 90.0  # seconds that all of it may take
PATIENCE = 30.0  # seconds for the nodes to answer


def check_cluster(address: str) -> None:
    """Raise OptionError, in one line, for a cluster that does not answer or has nodes that cannot make videos."""
    command = [sys.executable, "-m", __name__, address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
        problem, nodes, here = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise OptionError(f"--ray {address}: the cluster does not answer as Ray's do; check the address") from error
    if problem is not None:
        raise OptionError(problem)
    if not nodes:
        logger.warning("--ray %s: no node of the cluster has a core for videos yet; jobs wait for one", address)
    if here:
        logger.warning(
            "--ray %s: this machine makes videos too, and they do not rest for live sessions; "
            "give it no work by ray start --num-cpus=0",
            address,
        )


def main() -> None:
    """Write a line: what is wrong, or null, how many nodes can make videos, and whether this machine is one."""
    address, problem, nodes, here = sys.argv[1], None, 0, False
    try:
        with needing_extra("ray", f"--ray {address}"):
            nodes, here = check_nodes(address)
    except FrameGenerationError as error:
        problem = " ".join(str(error).split())
    print(json.dumps([problem, nodes, here]))


def check_nodes(address: str) -> tuple[int, bool]:
    """How many nodes can make videos, and whether this machine's is one.

    Raises OptionError where one has a core for them and lacks what it takes.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    from frame_generation_pipeline.jobs.cluster import connect
    from frame_generation_pipeline.jobs.node import CPUS, VERSION

    def installed() -> str | None:  # goes there with its code: what it asks for may be missing
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("frame-generation-pipeline")
        except PackageNotFoundError:
            return None

    connect(address)
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= CPUS]
    remote = ray.remote(num_cpus=0, max_retries=0)(installed)
    asked: list[Any] = []
    for node in nodes:
        place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        asked.append(remote.options(scheduling_strategy=place).remote())
    for node, answer in zip(nodes, asked, strict=True):
        try:
            found = ray.get(answer, timeout=PATIENCE)
        except ray.exceptions.RayError as error:
            raise OptionError(f"--ray {address}: node {node['NodeManagerAddress']} does not answer") from error
        if found != VERSION:
            raise OptionError(
                f"--ray {address}: node {node['NodeManagerAddress']} has {f'version {found}' if found else 'none'} of "
                f"this program; run pip install 'frame-generation-pipeline[ray]=={VERSION}' there"
            )
    return len(nodes), ray.get_runtime_context().get_node_id() in [node["NodeID"] for node in nodes]


if __name__ == "__main__":
    main()
