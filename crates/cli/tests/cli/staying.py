"""How the example's client stays, comes back and gives up: run by `python.rs` and `unlocking.rs`.

Arguments: what is to be tried, the service, the person, and the file of a password or a private key.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hither_client import Client, SignedOut, StayLost

# Whoever waits longer waits for ever.
PATIENCE = 30


async def fails(why: type[Exception], what: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> None:
    try:
        await asyncio.wait_for(what, PATIENCE)
    except why:
        return
    raise AssertionError(f"no {why.__name__}")


async def removed(url: str, user: str, file: str) -> None:
    """A device that another one removes does not come back, and nobody waits for it."""
    password = Path(file).read_text().strip()
    one, other = Client(url, user, password), Client(url, user, password)
    await one.sign_in()
    await other.sign_in()
    waits = asyncio.create_task(one.event(lambda event: False))
    await other.ask("remove-device", device=one.device)
    await fails(SignedOut, waits)
    await fails(SignedOut, one.event(lambda event: False))
    await fails(SignedOut, one.ask("contacts"))
    await asyncio.wait_for(one.sign_out(), PATIENCE)
    devices = (await other.ask("devices"))["devices"]
    assert [device["device"] for device in devices] == [other.device], devices
    await other.sign_out()


async def lost(url: str, user: str, file: str) -> None:
    """Who waits for the result of a response is told when the stay is lost; the client goes on."""
    client = Client(url, user, Path(file).read_text().strip())
    await client.sign_in()
    # A wrong response is told a second later.
    trying = asyncio.create_task(client.unlock("nobody", "wrong"))
    while client._waiting or not client._results:
        await asyncio.sleep(0)
    client._epoch = 1
    await client.break_connection()
    await fails(StayLost, trying)
    await fails(StayLost, client.event(lambda event: False))
    assert await client.ask("contacts") and client.resumptions == 0
    await client.sign_out()


async def tokens(url: str, user: str, file: str) -> None:
    """With tokens of a backend: renewed in time, and where that fails, resumed with a new one."""
    import jwt

    key = Path(file).read_text()
    issued = 0

    async def fresh_token() -> str:
        nonlocal issued
        issued += 1
        if issued == 3:
            raise OSError("the backend is away")
        # The first is renewed while it counts, however busy the machine is.
        life = 5 if issued == 1 else 3
        claims = {"iss": "https://shop.example", "aud": "hither", "sub": user, "exp": int(time.time()) + life}
        return jwt.encode(claims, key, algorithm="ES256")

    client = Client(url, user, fresh_token=fresh_token)
    await client.sign_in()
    await client.event(lambda event: event["event"] == "lock")
    expiring = lambda event: event["event"] == "expiring"
    await asyncio.wait_for(client.event(expiring), PATIENCE)
    await asyncio.wait_for(client.event(expiring), PATIENCE)
    assert client.resumptions == 0, "the first token was renewed on the same connection"
    await asyncio.wait_for(client.event(lambda event: event["event"] == "lock"), PATIENCE)
    assert client.resumptions == 1, "the second was not, so the client came back with another"
    await client.sign_out()


asyncio.run({"removed": removed, "lost": lost, "tokens": tokens}[sys.argv[1]](*sys.argv[2:]))
