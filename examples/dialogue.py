"""A dialogue: what is typed here is answered by the avatar whose session is open on the page of `framegen serve`.

    pip install httpx websockets && python examples/dialogue.py http://127.0.0.1:8700

`reply` is where a model belongs that listens and thinks. A new line interrupts what is being said.
"""

import json
import sys

import httpx
from websockets.sync.client import connect


def reply(text: str) -> str:
    """What to say to what was heard."""
    return f"You said: {text}. Tell me more."


def main(server: str) -> None:
    """Answer line after line in the newest session."""
    sessions = httpx.get(f"{server}/v1/sessions").json()["sessions"]
    if not sessions:
        sys.exit(f"no session is open; press Start at {server}")
    url = f"{server.replace('http', 'ws', 1)}/v1/sessions/{sessions[-1]['id']}/socket"
    with connect(url) as socket:
        for line in sys.stdin:
            socket.send(json.dumps({"type": "agent.interrupt"}))
            socket.send(json.dumps({"type": "agent.speak", "text": reply(line.strip())}))
            for message in socket:  # until it is heard
                event = json.loads(message)
                if event["type"] in ("agent.speak_started", "error"):
                    print(event.get("text") or event.get("message"), flush=True)
                    break


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
