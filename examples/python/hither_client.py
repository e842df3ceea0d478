"""A small client of hither, written from spec/wire.md alone.

It keeps what the specification asks a client to keep (a device, a token, the last event it took) so
that it goes on with its sessions when its connection breaks.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

VERSIONS = [1]
ACK_AFTER = 16
IN_FLIGHT = 32
# Close codes after which coming back by oneself makes no sense (spec/wire.md, close codes).
FINAL = {1000, 1003, 1009, 4000, 4001, 4003, 4008}

Frame = dict[str, Any]


def guid() -> str:
    """A fresh GUID as the protocol writes it."""
    return "{" + str(uuid.uuid4()).upper() + "}"


def units(text: str) -> int:
    """The length of a text in UTF-16 code units, as limits count it."""
    return len(text.encode("utf-16-le")) // 2


class Refused(Exception):
    """The service refused a request."""

    def __init__(self, answer: Frame) -> None:
        self.code: int = answer["code"]
        self.name: str = answer.get("name", f"0x{answer['code']:08x}")
        self.retry_after: float | None = answer["retry_after_ms"] / 1000 if "retry_after_ms" in answer else None
        super().__init__(f"{self.name}: {answer.get('message', '')}")


class SignedOut(Exception):
    """The service does not want this client back."""


class StayLost(Exception):
    """The client is back, but too late: its sessions are over and its unanswered requests are forgotten."""


class Client:
    """One device of one person, who signs in with a password or with tokens of the product's own backend."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str | None = None,
        fresh_token: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """`fresh_token` gives a new token of the backend whenever one is needed."""
        assert (password is None) != (fresh_token is None), "give either a password or fresh_token"
        self.url, self.user, self._password, self._fresh_token = url, user, password, fresh_token
        self.device = guid()
        self.token: str | None = None
        self.resumptions = 0
        # What has happened; an exception where a stay was lost, or everything has ended.
        self.events: asyncio.Queue[Frame | Exception] = asyncio.Queue()
        self._epoch: int | None = None
        self._taken = self._told = 0
        self._id = self._key = 0
        self._key_prefix = uuid.uuid4().hex[:8]
        self._waiting: deque[tuple[Frame, asyncio.Future[Frame]]] = deque()
        self._socket: ClientConnection | None = None
        self._signed_in = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._leaving = self._ended = False
        # Lock and Key: challenges by their cookie, and who waits for what comes of them.
        self._challenges: dict[int, str] = {}
        self._results: dict[int, asyncio.Future[bool]] = {}

    async def sign_in(self) -> None:
        """Connects and signs in; afterwards the connection is kept up until sign_out."""
        await self._open()
        self._task = asyncio.create_task(self._run())

    async def sign_out(self) -> None:
        """Leaves; sessions that go on end for the other side."""
        self._leaving = True
        if self._socket and self._signed_in.is_set():
            try:
                await self.ask("sign-out")
            except (SignedOut, StayLost):
                pass  # The service was first.
        if self._task:
            await self._task

    async def ask(self, do: str, **fields: Any) -> Frame:
        """Sends a request, again with the same key if the connection breaks, and waits for the answer."""
        if self._ended:
            raise _signed_out()
        self._key += 1
        request = {"do": do, "key": f"{self._key_prefix}-{self._key}", **fields}
        while len(self._waiting) >= IN_FLIGHT:
            await asyncio.wait([future for _, future in self._waiting], return_when=asyncio.FIRST_COMPLETED)
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._signed_in.is_set():
            await self._send(request)
        answer = await future
        if answer["code"] & 0x80000000:
            raise Refused(answer)
        return answer

    async def invite(self, to: str, app: str, name: str = "", data: str = "") -> str:
        """Invites somebody to a new session, with this side attached; the session's id."""
        session = guid()
        await self.ask(
            "invite",
            session=session,
            to=to,
            app={"guid": app, "name": name},
            data={"text": data},
            attach=True,
        )
        return session

    async def accept(self, session: str, data: str = "") -> None:
        """Accepts an invitation, with this side attached."""
        await self.ask("accept", session=session, data={"text": data}, attach=True)

    async def decline(self, session: str, data: str = "") -> None:
        """Declines an invitation."""
        await self.ask("decline", session=session, data={"text": data})

    async def context(self, session: str, text: str) -> None:
        """Sends context data: 1 to 300 UTF-16 units, five times at most."""
        await self.ask("context", session=session, data={"text": text})

    async def cancel(self, session: str, hr: int = 0, data: str = "") -> None:
        """Ends a session."""
        await self.ask("cancel", session=session, hr=hr, data={"text": data})

    async def unlock(self, app_id: str, key: str, md5: bool = False) -> bool:
        """Proves to a service with Lock and Key on that this application has a key; whether it was right."""
        cookie = random.randrange(1, 1 << 32)
        await self.ask("challenge", cookie=cookie)
        # The challenge comes before the answer.
        challenge = self._challenges.pop(cookie)
        return await self.respond(app_id, key, cookie, challenge, md5)

    async def respond(self, app_id: str, key: str, cookie: int, challenge: str, md5: bool = False) -> bool:
        """Answers a challenge, perhaps one that the service made by itself; whether that was right."""
        if md5:
            response = hashlib.md5((challenge + key).encode()).hexdigest()
        else:
            response = hmac.new(key.encode(), challenge.encode(), hashlib.sha256).hexdigest()
        result = self._results[cookie] = asyncio.get_running_loop().create_future()
        try:
            await self.ask("response", app_id=app_id, response=response, cookie=cookie)
            return await result
        finally:
            self._results.pop(cookie, None)

    async def event(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The next event that is wanted; those before it are dropped."""
        while True:
            event = await self.events.get()
            if isinstance(event, SignedOut):
                self.events.put_nowait(event)  # For whoever asks next: nothing comes after it.
            if isinstance(event, Exception):
                raise event
            if wanted(event):
                return event

    async def break_connection(self) -> None:
        """Drops the connection without a word, as a bad network does."""
        if self._socket:
            self._socket.transport.abort()

    async def _open(self) -> None:
        self._socket = await connect(self.url, max_size=1 << 20)
        await self._plain("hello", versions=VERSIONS, client="hither-python/0.1.0", capabilities=[])
        if self._fresh_token:
            credential = {"token": await self._fresh_token()}
        else:
            credential = {"token": self.token} if self.token else {"password": self._password}
        resume = {} if self._epoch is None else {"epoch": self._epoch, "ack": self._taken}
        answer = await self._plain("sign-in", user=self.user, device=self.device, **credential, **resume)
        signed_in = answer["signed_in"]
        self.token = signed_in.get("token", self.token)
        had_a_stay = self._epoch is not None
        self._epoch = signed_in["epoch"]
        self._told = self._taken
        if signed_in["resumed"]:
            self.resumptions += 1
        elif had_a_stay:
            # What was is over: sessions, unanswered requests, and the count of events.
            self._taken = self._told = 0
            self._forget(StayLost("the service did not wait so long: sessions and unanswered requests are lost"))
        self._signed_in.set()
        for request, _ in list(self._waiting):
            await self._send(request)

    async def _plain(self, do: str, **fields: Any) -> Frame:
        """A request before the sign-in, whose answer comes next."""
        assert self._socket
        self._id += 1
        await self._socket.send(json.dumps({"id": self._id, "do": do, **fields}))
        answer = json.loads(await self._socket.recv())
        if answer["code"] & 0x80000000:
            raise Refused(answer)
        return answer

    async def _send(self, request: Frame) -> None:
        """Puts a request on the wire under a new id; the acknowledgement rides on it."""
        self._id += 1
        request["id"] = self._id
        frame = dict(request)
        if self._taken > self._told:
            frame["ack"] = self._told = self._taken
        try:
            assert self._socket
            await self._socket.send(json.dumps(frame))
        except ConnectionClosed:
            pass  # Sent again after resuming.

    def _forget(self, why: Exception) -> None:
        """Tells everybody who waits for something that it will not come."""
        waiting = [future for _, future in self._waiting] + list(self._results.values())
        for future in waiting:
            if not future.done():
                future.set_exception(why)
                future.exception()  # Seen here, even if nobody waits for it any more.
        self._waiting.clear()
        self._results.clear()
        self._challenges.clear()
        self.events.put_nowait(why)

    async def _run(self) -> None:
        try:
            while True:
                code = await self._listen()
                self._signed_in.clear()
                if self._leaving or code in FINAL:
                    break
                if not await self._come_back():
                    break
        finally:
            self._ended = True
            self._forget(_signed_out())

    async def _come_back(self) -> bool:
        """Tries again and again, a little later each time; whether it is worth going on."""
        wait = 0.5
        while not self._leaving:
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))
            try:
                await self._open()
                return True
            except ConnectionClosed as closed:
                if closed.rcvd and closed.rcvd.code in FINAL:
                    return False
                wait = min(wait * 2, 30.0)
            except OSError:
                wait = min(wait * 2, 30.0)
            except Refused as refused:
                # The connection stays open for another try, which this client makes on a new one.
                if self._socket:
                    await self._socket.close()
                if refused.retry_after is None:
                    return False
                # Twice, because it may be halved.
                wait = max(min(wait * 2, 30.0), refused.retry_after * 2)
        return False

    async def _listen(self) -> int | None:
        """Takes frames until the connection ends; its close code."""
        assert self._socket
        try:
            async for text in self._socket:
                frame = json.loads(text)
                if "re" in frame:
                    self._answered(frame)
                elif "event" in frame:
                    await self._happened(frame)
        except ConnectionClosed:
            pass
        return self._socket.close_code

    async def _renew(self, fresh_token: Callable[[], Awaitable[str]]) -> None:
        """Gives the service a new token in place of one that ends."""
        try:
            await self.ask("renew", token=await fresh_token())
        except (OSError, Refused, SignedOut, StayLost):
            pass  # The old one counts until it ends; then the client comes back with a new one.

    def _answered(self, answer: Frame) -> None:
        for waiting in self._waiting:
            if waiting[0].get("id") == answer["re"]:
                self._waiting.remove(waiting)
                if not waiting[1].done():
                    waiting[1].set_result(answer)
                return

    async def _happened(self, event: Frame) -> None:
        seq = event.get("seq")
        if seq is not None:
            if seq <= self._taken:
                return  # It came before the connection broke.
            self._taken = seq
        if event["event"] == "lock-challenge":
            self._challenges[event["cookie"]] = event["challenge"]
        elif event["event"] == "lock-result" and event["cookie"] in self._results:
            self._results.pop(event["cookie"]).set_result(event["ok"])
        elif event["event"] == "expiring" and self._fresh_token:
            # Not here: the answer is read by whoever called this.
            self._renewing = asyncio.create_task(self._renew(self._fresh_token))
        await self.events.put(event)
        if self._taken - self._told >= ACK_AFTER and self._socket:
            self._told = self._taken
            await self._socket.send(json.dumps({"ack": self._taken}))


def _signed_out() -> SignedOut:
    return SignedOut("the service has signed this client out")
