"""Who takes which order when: the first standing order that fits a call is used on it."""

import fnmatch
from typing import Any

from local.understudy.fault import Fault, Provider, Strict
from local.understudy.orders import Order


class Call(Strict):
    """What an order is matched against. `sells`: costs tokens (not counting or lists); `talks`: answers in words."""

    provider: Provider
    model: str
    key: str
    path: str
    stream: bool = False
    sells: bool = True
    talks: bool = True


class Standing:
    """One order and its account: matching calls seen, calls it was used on."""

    def __init__(self, number: int, order: Order) -> None:
        self.id, self.order, self.seen, self.used = number, order, 0, 0

    @property
    def left(self) -> int | None:
        return None if self.order.times is None else self.order.times - self.used

    def takes(self, call: Call) -> bool:
        order = self.order
        return (
            self.left != 0
            and order.provider in (None, call.provider)
            and order.key in (None, call.key)
            and (order.model is None or fnmatch.fnmatchcase(call.model, order.model))
            and (call.sells if order.path is None else fnmatch.fnmatchcase(call.path, order.path))
            and (_can_happen(order.fault, call) if order.fault else call.talks)
        )

    def told(self) -> dict[str, Any]:
        order = self.order.model_dump(mode="json", exclude_unset=True)
        return {"id": self.id, "order": order, "seen": self.seen, "used": self.used, "left": self.left}


def _can_happen(fault: Fault, call: Call) -> bool:
    return (
        (call.stream or not fault.streams_only)
        and (call.talks or not fault.talk_only)
        and fault.only_provider in (None, call.provider)
    )


class Orders:
    def __init__(self) -> None:
        self._standing: list[Standing] = []
        self._given = 0

    def give(self, order: Order) -> Standing:
        self._given += 1
        standing = Standing(self._given, order)
        self._standing.append(standing)
        return standing

    def take(self, call: Call) -> Order | None:
        """The first order that takes this call, used once; those that still skip count it and let it through."""
        for standing in self._standing:
            if standing.takes(call):
                standing.seen += 1
                if standing.seen > standing.order.skip:
                    standing.used += 1
                    return standing.order
        return None

    def told(self) -> list[dict[str, Any]]:
        return [standing.told() for standing in self._standing]

    def clear(self) -> None:
        self._standing.clear()
