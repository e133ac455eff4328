# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on purpose, one fault after the other, and the record of all that happened."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path

from agent import Agent
from gate import Gate, Weather
from house import House


class History:
    def __init__(self, path: Path):
        self.path = path
        self.file = path.open("w")
        self.began = time.monotonic()

    def __call__(self, ev: str, **more) -> None:
        self.file.write(json.dumps({"t": round(time.monotonic() - self.began, 4), "ev": ev, **more}))
        self.file.write("\n")

    def close(self) -> None:
        self.file.close()


class Trouble:
    """One fault after the other, until it is told to stop."""

    def __init__(self, house: House, gate: Gate, agents: list[Agent], history: History,
                 chance: random.Random, rough: float):
        self.house, self.gate, self.agents = house, gate, agents
        self.history, self.chance, self.rough = history, chance, rough
        self.stop = False
        self.faults = {self.kill: 10, self.kill_in_outage: 3, self.freeze: 6, self.reset: 8,
                       self.break_one: 20, self.swallow: 8, self.cut_early: 12, self.slow: 10,
                       self.slices: 5, self.reorder: 12, self.refuse: 5, self.copies: 20}

    async def run(self) -> None:
        """Until `stop`. A fault is never cut short: a daemon that was killed is started again."""
        while not self.stop:
            await asyncio.sleep(self.chance.uniform(0.02, 0.7) / self.rough)
            fault = self.chance.choices(list(self.faults), list(self.faults.values()))[0]
            self.history("fault", what=fault.__name__)
            await fault()
            self.gate.weather = Weather()

    async def kill(self) -> None:
        await self.house.kill()

    async def kill_in_outage(self) -> None:
        self.gate.weather = Weather(refuse=True)
        self.gate.reset_all()
        await asyncio.sleep(self.chance.uniform(0, 0.3))
        await self.house.kill()
        await asyncio.sleep(self.chance.uniform(0, 0.3))

    async def freeze(self) -> None:
        await self.house.pause(self.chance.choice((0.05, 0.3, 1.0, 2.0)))

    async def reset(self) -> None:
        self.gate.reset_all()

    async def break_one(self) -> None:
        self.gate.break_one()

    async def swallow(self) -> None:
        self.gate.weather = Weather(swallow=True)
        await asyncio.sleep(self.chance.choice((0.05, 0.2, 1.0)))
        self.gate.weather = Weather()
        self.gate.reset_all()  # a TCP stream with a hole in it does not go on

    async def cut_early(self) -> None:
        cuts = [self.chance.randrange(1, 1500) for _ in range(6)]
        if self.chance.random() < 0.5:
            self.gate.weather = Weather(cut_up=cuts)
        else:
            self.gate.weather = Weather(cut_down=cuts)
        self.gate.reset_all()
        await asyncio.sleep(self.chance.uniform(0.1, 1.0))

    async def slow(self) -> None:
        self.gate.weather = Weather(delay_s=self.chance.choice((0.01, 0.05, 0.2)))
        await asyncio.sleep(self.chance.uniform(0.1, 1.0))

    async def slices(self) -> None:
        self.gate.weather = Weather(slice=True)
        await asyncio.sleep(self.chance.uniform(0.1, 0.5))

    async def reorder(self) -> None:
        self.gate.weather = Weather(reorder=self.chance.choice((0.2, 0.5)))
        await asyncio.sleep(self.chance.uniform(0.3, 1.5))

    async def refuse(self) -> None:
        self.gate.weather = Weather(refuse=True)
        self.gate.reset_all()
        await asyncio.sleep(self.chance.uniform(0.05, 0.8))

    async def copies(self) -> None:
        """The network delivers once more what it delivered before, answered and released or not."""
        for agent in self.agents:
            await agent.repeat_some()
