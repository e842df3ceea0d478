"""One side of a session: invites somebody or waits to be invited, exchanges context data, and ends.

    python talk.py --service ws://127.0.0.1:8080/v1 --user alice@example.org --password-file alice.txt \\
        invite bob@example.org --say "hello" --expect 1
    python talk.py --service ws://127.0.0.1:8080/v1 --user bob@example.org --password-file bob.txt \\
        wait --say "hello yourself"
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from hither_client import Client, Refused, SignedOut

APP = "{2F1A5B60-0F0B-4A53-9C1C-6E2D0D3B8A11}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--service", required=True, help="the service: wss://HOST/v1 or ws://HOST:PORT/v1")
    parser.add_argument("--user", required=True, help="the sign-in name, NAME@DOMAIN")
    parser.add_argument("--password-file", required=True, type=Path, help="its final newline is dropped")
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
    return parser.parse_args()


async def talk(args: argparse.Namespace) -> None:
    password = args.password_file.read_text(encoding="utf-8").removesuffix("\n")
    client = Client(args.service, args.user, password)
    await client.sign_in()
    tell(args, {"event": "signed-in", "user": args.user})
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
    except (OSError, Refused, SignedOut) as error:
        print(f"talk.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
