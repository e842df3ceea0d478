"""Unlocks a service's lock with responses made by hashlib and hmac: run by the service's tests.

    python test_unlock.py ws://127.0.0.1:4000/v1

The service has its lock on and an account of alice@example.org with the password `alice`. It knows the pairs `chess` with the key `ssehc`, and `old`, which takes MD5 as well, with the key `dlo`.
"""

from __future__ import annotations

import asyncio
import sys

from hither_client import Client, Refused

CHESS = "{305D86C6-6896-4099-91F5-CB7BA7733563}"


async def invite(client: Client) -> str:
    """The name of what an invitation comes to; nobody is called so."""
    try:
        await client.invite("nobody@example.org", CHESS)
    except Refused as refused:
        return refused.name
    return "S_OK"


async def attempt(url: str, app_id: str, key: str, md5: bool, right: bool) -> None:
    client = Client(url, "alice@example.org", "alice")
    await client.sign_in()
    lock = await client.event(lambda event: event["event"] == "lock")
    assert lock["enabled"] and lock["status"] == "INITIALIZED", lock
    assert await invite(client) == "MSGR_E_API_LOCKED"
    assert await client.unlock(app_id, key, md5) == right, (app_id, md5)
    assert await invite(client) == ("MSGR_E_USER_NOT_FOUND" if right else "MSGR_E_API_LOCKED"), (app_id, md5)
    await client.sign_out()


async def main(url: str) -> None:
    await attempt(url, "chess", "ssehc", md5=False, right=True)
    await attempt(url, "old", "dlo", md5=True, right=True)
    await attempt(url, "chess", "ssehc", md5=True, right=False)
    await attempt(url, "old", "dlo", md5=False, right=True)
    await attempt(url, "chess", "wrong", md5=False, right=False)


if len(sys.argv) != 2:
    raise SystemExit(__doc__)
asyncio.run(main(sys.argv[1]))
