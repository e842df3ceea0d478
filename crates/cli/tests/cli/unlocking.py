"""Somebody who unlocks with responses made by hmac and hashlib: run by `unlocking.rs`, which writes one
JSON request a line and gets one JSON answer a line. Arguments: the service, the person, the password file.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any

from hither_client import Client, Refused


def response(key: str, challenge: str, md5: bool) -> str:
    if md5:
        return hashlib.md5((challenge + key).encode()).hexdigest()
    return hmac.new(key.encode(), challenge.encode(), hashlib.sha256).hexdigest()


async def perform(client: Client, do: str, **asked: Any) -> Any:
    if do == "compute":
        return {"response": response(**asked)}
    if do == "event":
        return await client.event(lambda event: all(event.get(name) == value for name, value in asked.items()))
    if do == "told":
        return {"told": [client.events.get_nowait() for _ in range(client.events.qsize())]}
    answer = await client.ask(do, **asked)
    if do == "challenge":
        return await client.event(lambda event: event["event"] == "lock-challenge")
    if do == "response":
        return await client.event(lambda event: event["event"] == "lock-result")
    return answer


async def main(url: str, user: str, password_file: str) -> None:
    password = Path(password_file).read_text().strip()
    client: Client | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        try:
            if asked["do"] == "sign-in":
                if client:
                    await client.sign_out()
                client = Client(url, user, password)
                await client.sign_in()
                answer = await client.event(lambda event: event["event"] == "lock")
            else:
                assert client
                answer = await perform(client, **asked)
        except Refused as refused:
            answer = {"refused": refused.name}
        print(json.dumps(answer), flush=True)


asyncio.run(main(*sys.argv[1:]))
