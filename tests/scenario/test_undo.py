"""x"""

from __future__ import annotations
from pathlib import Path
import pytest
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered, Pending
from tests.support.stage import Bot, Room
from tests.support.two_stores import House, bot, case, house, houses, on_both_stores, room, simulator, store

__all__ = ["bot", "house", "houses", "room", "simulator", "store"]
GRAPHS = ("reversible",)
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
  channel: "#ops"
"""


@on_both_stores
async def test_try(house: House, bot: Bot, room: Room, tmp_path: Path) -> None:
    import time

    t = time.time()
    async with case(house, room, f"/task reversible journal={tmp_path / 'j'} asks=true") as c:
        await c.stands(Pending)
        print("A", time.time() - t)
        print(room.read(await c.card()))
        for each in await c.copies():
            print("COPY", room.read(each))
        print(room.read((await c.shown(MessageKind.OPENING))[0]))
        await room.press("bob", await c.card(), "approve")
        await c.stands(Pending, number=1)
        print("B", time.time() - t)
        for n in (0, 1):
            print(n, room.read(await c.card(n)))
            for each in await c.copies(n):
                print("COPY", room.read(each))
        print(room.read((await c.shown(MessageKind.OPENING))[0]))
        print([m.kind + ":" + str(m.request_id) for m in await c.storage.messages_of((await c.task()).id)])
        await c.later(minutes=11)
        await c.stands(Delivered, number=1)
        print("C", time.time() - t)
        for n in (0, 1):
            print(n, room.read(await c.card(n)))
            for each in await c.copies(n):
                print("COPY", room.read(each))
        print(room.read((await c.shown(MessageKind.OPENING))[0]))
        print(room.read((await c.shown(MessageKind.OUTCOME))[0]))
        print([e.kind for e in await c.storage.history((await c.task()).id)])
        print("D", time.time() - t)
