"""The process behind `IsolatedProcess`: it bounds itself, then opens and runs programs until its parent ends."""

import resource
import signal
import sys
from multiprocessing.connection import Connection

from frame_generation_pipeline.errors import quoted
from frame_generation_pipeline.runtime.isolated_messages import receive, send
from frame_generation_pipeline.runtime.onnx_session import Session, open_session


def main() -> None:
    """Arguments: the descriptor to talk over, bytes of memory, seconds of one run."""
    connection, memory, seconds = Connection(int(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(kind, (most, most))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, with which this process ends
    sessions: list[Session] = []
    while True:
        try:
            asked, values = receive(connection)
        except EOFError:
            return
        try:
            if "open" in asked:
                sessions.append(open_session(values[0].tobytes(), threads=1))
                stated = {
                    role: [(tensor.name, tensor.type, tensor.shape) for tensor in tensors]
                    for role, tensors in (
                        ("inputs", sessions[-1].get_inputs()),
                        ("outputs", sessions[-1].get_outputs()),
                    )
                }
                send(connection, stated)
            else:
                # By default it ends the process, whatever a program does, and also after the parent has ended.
                signal.setitimer(signal.ITIMER_REAL, seconds)
                outputs = sessions[asked["run"]].run(asked["names"], dict(zip(asked["inputs"], values, strict=True)))
                signal.setitimer(signal.ITIMER_REAL, 0)
                send(connection, {}, outputs)
        except Exception as error:  # MemoryError among them
            signal.setitimer(signal.ITIMER_REAL, 0)
            send(connection, {"error": quoted(error)})


if __name__ == "__main__":
    main()
