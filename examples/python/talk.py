"""One side of a session: invites somebody or waits to be invited, exchanges context data, and ends.

    python talk.py --service ws://127.0.0.1:4000/v1 --user alice@example.org --password-file alice.txt \\
        invite bob@example.org --say "hello" --expect 1
    python talk.py --service ws://127.0.0.1:4000/v1 --user bob@example.org --password-file bob.txt \\
        wait --say "hello yourself"
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from hither_client import Client, Refused, SignedOut, StayLost

APP = "{2F1A5B60-0F0B-4A53-9C1C-6E2D0D3B8A11}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", required=True, help="the service: wss://HOST/v1 or ws://HOST:PORT/v1")
    parser.add_argument("--user", required=True, help="the sign-in name, NAME@DOMAIN")
    parser.add_argument("--password-file", required=True, type=Path, help="its final newline is dropped")
    parser.add_argument("--app-id", help="the id of the application, for a service with its lock on")
    parser.add_argument("--key-file", type=Path, help="the key of that id; its final newline is dropped")
    parser.add_argument("--contact", action="append", default=[], help="add somebody to the contacts first")
    parser.add_argument("--json", action="store_true", help="print each event as it came, one JSON object a line")
    parser.add_argument("--break-once", action="store_true", help="drop the connection once CONNECTED, and resume")
    sides = parser.add_subparsers(dest="side", required=True)
    invite = sides.add_parser("invite", help="invite somebody, and end the session at last")
    invite.add_argument("who", help="whom to invite")
    invite.add_argument("--guid", default=APP, help="the application")
    wait = sides.add_parser("wait", help="wait for an invitation, and accept it")
    for side in (invite, wait):
        side.add_argument("--say", action="append", default=[], help="send this as context data, up to five times")
        side.add_argument("--expect", type=int, default=0, help="wait for so many context data")
    args = parser.parse_args()
    if (args.app_id is None) != (args.key_file is None):
        parser.error("--app-id and --key-file go together")
    return args


async def talk(args: argparse.Namespace) -> None:
    password = line_of(args.password_file)
    client = Client(args.service, args.user, password)
    await client.sign_in()
    tell(args, {"event": "signed-in", "user": args.user})
    if args.app_id is not None:
        await unlock(client, args.app_id, line_of(args.key_file))
    for who in args.contact:
        try:
            await client.ask("contact", add=who)
        except Refused as refused:
            if refused.name != "MSGR_E_ALREADY_IN_LIST":
                raise
    if args.side == "invite":
        session = await client.invite(args.who, args.guid, data="come")
    else:
        invitation = await next_event(args, client, lambda event: event["event"] == "invitation")
        session = invitation["session"]
        await client.accept(session, "gladly")

    def mine(event: dict[str, Any]) -> bool:
        return event.get("session") == session

    event = await next_event(args, client, lambda e: mine(e) and e["event"] in ("connected", "ended"))
    if event["event"] == "ended":
        raise SystemExit(f"it came to nothing: code 0x{event['code']:08x}")
    if args.break_once:
        await client.break_connection()
    for text in args.say:
        await client.context(session, text)
    for _ in range(args.expect):
        event = await next_event(args, client, lambda e: mine(e) and e["event"] in ("context", "ended"))
        if event["event"] == "ended":
            raise SystemExit("it ended before everything had been said")
    if args.side == "invite":
        await client.cancel(session, data="bye")
    await next_event(args, client, lambda e: mine(e) and e["event"] == "ended")
    if args.break_once:
        tell(args, {"event": "resumed", "times": client.resumptions})
    await client.sign_out()


async def unlock(client: Client, app_id: str, key: str) -> None:
    try:
        if not await client.unlock(app_id, key):
            raise SystemExit("the service has not taken the id and the key")
    except Refused as refused:
        if refused.name != "MSGR_E_API_DISABLED":
            raise


def line_of(file: Path) -> str:
    return file.read_text(encoding="utf-8").removesuffix("\n")


async def next_event(args: argparse.Namespace, client: Client, wanted: Any) -> dict[str, Any]:
    def look(event: dict[str, Any]) -> bool:
        tell(args, event)
        return bool(wanted(event))

    return await client.event(look)


def tell(args: argparse.Namespace, event: dict[str, Any]) -> None:
    if args.json:
        print(json.dumps(event), flush=True)
        return
    data = (event.get("data") or {}).get("text", "")
    extra = event.get("from") or event.get("who") or event.get("stage") or event.get("how") or ""
    # What others wrote is escaped before it reaches a terminal.
    print(event["event"], extra, json.dumps(data) if data else "", flush=True)


def main() -> int:
    args = arguments()
    try:
        asyncio.run(talk(args))
    except (OSError, Refused, SignedOut, StayLost) as error:
        print(f"talk.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
