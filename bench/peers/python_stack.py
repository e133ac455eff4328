# SPDX-License-Identifier: Apache-2.0
"""What a small Python stack reaches: a Realtime-like broker and a sandbox in one process, written for
comparison only (no journal, no limits, no presence). python_stack.py WORKSPACE; prints its port."""

import asyncio
import json
import sys
from collections import defaultdict
from pathlib import Path

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

WORKSPACE = Path(sys.argv[1])
TOPICS = defaultdict(set)


def compact(message):
    return json.dumps(message, separators=(",", ":"))


async def run(command):
    match command["type"]:
        case "fs.read":
            return {"ok": True, "content": (WORKSPACE / command["path"]).read_text()}
        case "fs.write":
            (WORKSPACE / command["path"]).write_text(command["content"])
            return {"ok": True}
        case "shell.exec":
            child = await asyncio.create_subprocess_shell(
                command["cmd"], cwd=WORKSPACE, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
            out, err = await child.communicate()
            return {"ok": True, "stdout": out.decode(), "stderr": err.decode(), "exit_code": child.returncode}
        case _:
            return {"ok": False, "error": "unsupported"}


async def answer(ws, topic, command):
    result = {"type": "result", "id": command["id"], **await run(command)}
    text = compact([None, None, topic, "broadcast", {"type": "broadcast", "event": "result", "payload": result}])
    for other in list(TOPICS[topic]):
        await other.send(text)


async def member(ws):
    joined = []
    try:
        async for data in ws:
            join_ref, ref, topic, event, payload = json.loads(data)
            if event == "phx_join":
                TOPICS[topic].add(ws)
                joined.append(topic)
                reply = {"status": "ok", "response": {"postgres_changes": []}}
                await ws.send(compact([join_ref, ref, topic, "phx_reply", reply]))
            elif event == "broadcast":
                text = compact([None, None, topic, "broadcast", payload])
                for other in list(TOPICS[topic]):
                    if other is not ws:
                        await other.send(text)
                asyncio.ensure_future(answer(ws, topic, payload["payload"]))
    except ConnectionClosed:
        pass  # the bench's client ends without a word
    finally:
        for topic in joined:
            TOPICS[topic].discard(ws)


async def main():
    async with serve(member, "127.0.0.1", 0, compression=None, max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
