"""The house: everything one understudy remembers, and how a request becomes a delivery."""

import itertools
import json
from collections.abc import Callable, Iterable

from local.understudy import embeddings, faults, show, tokens
from local.understudy.delivery import Delivery
from local.understudy.openai import model_in
from local.understudy.orderbook import Call, Orders
from local.understudy.orders import Order
from local.understudy.performance import Usage
from local.understudy.performer import Performer
from local.understudy.prefixes import Prefixes
from local.understudy.prompt import Json, Prompt
from local.understudy.recorded import Received, Recorded
from local.understudy.sold import Sale, Sold
from local.understudy.wire import Arrival, Identity, Refused, Wire, as_object


class House:
    def __init__(self, pace: show.Pace | None = None) -> None:
        self.orders, self.sold, self.recorded, self.prefixes = Orders(), Sold(), Recorded(), Prefixes()
        self.performer = Performer(self.prefixes)
        self.usual_pace = self.pace = pace or show.Pace()
        self.numbers = itertools.count(1)

    def clear(self) -> None:
        """As new, but numbers go on: no id is ever given twice."""
        for part in (self.orders, self.sold, self.recorded, self.prefixes):
            part.clear()
        self.pace = self.usual_pace

    def converse(
        self, wire: Wire, received: Received, *, model: str | None = None, stream: bool | None = None
    ) -> Delivery:
        """Messages, chat completions, invocations."""
        visit = _Visit(self, wire, received)
        try:
            key = wire.key(received.headers)
            prompt = visit.prompt(Arrival(received.headers, visit.body(), model, stream), key)
            visit.sale.model, visit.sale.key, visit.sale.stream = prompt.model, key, prompt.stream
            order = visit.order(
                Call(provider=wire.provider, model=prompt.model, key=key, path=received.path, stream=prompt.stream)
            )
            if acts := faults.instead(order.fault if order else None):
                return visit.unsold(acts)
            visit.refuse_if(order, tokens.of_prompt(prompt.segments))
            performance = self.performer.perform(prompt, order.answer if order else None)
            performance = faults.recast(order.fault if order else None, performance, wire)
        except Refused as refused:
            return visit.refused(refused)
        visit.sale.id, visit.sale.usage = wire.answer_id(visit.identity), performance.usage
        play = show.streamed if prompt.stream else show.whole
        acts_of_play = play(wire, prompt, performance, visit.identity, self.pace)
        return visit.deliver(faults.staged(order.fault if order else None, acts_of_play, wire))

    def embed(self, wire: Wire, received: Received) -> Delivery:
        visit = _Visit(self, wire, received)
        try:
            visit.sale.key = wire.key(received.headers)
            body = visit.body()
            visit.sale.model = model_in(body)
            answer, count = embeddings.answer(body, visit.sale.model)
            return visit.plain(answer, Usage(input=count))
        except Refused as refused:
            return visit.refused(refused)

    def tell(self, wire: Wire, received: Received, what: Callable[[Json, str], Json]) -> Delivery:
        """Counting and lists: answered like the rest, but nothing is sold."""
        visit = _Visit(self, wire, received)
        try:
            key = visit.sale.key = wire.key(received.headers)
            body = visit.body() if received.method == "POST" else {}
            visit.sale.model = str(body.get("model") or "")
            return visit.plain(what(body, key), None)
        except Refused as refused:
            return visit.refused(refused)


class _Visit:
    """One request on its way through the house."""

    def __init__(self, house: House, wire: Wire, received: Received) -> None:
        self.house, self.wire, self.received = house, wire, received
        self.identity = Identity(received.raw, received.seq)
        self.sale = Sale(
            seq=received.seq, provider=wire.provider, model=received.model or "", key="", path=received.path
        )

    def body(self) -> Json:
        try:
            body = json.loads(self.received.raw)
        except ValueError:
            raise Refused(400, "We could not parse the JSON body of your request.") from None
        return as_object(body, "body")

    def prompt(self, arrival: Arrival, key: str) -> Prompt:
        try:
            return self.wire.read(arrival, key)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # A shape nobody foresaw: the providers say 400 to those as well.
            raise Refused(400, f"The understudy cannot read this request: {error}") from error

    def order(self, call: Call) -> Order | None:
        order = self.house.orders.take(call)
        self.sale.fault = str(getattr(order.fault, "kind", "")) or None if order else None
        return order

    def refuse_if(self, order: Order | None, prompt_tokens: int) -> None:
        if refused := faults.refusal(order.fault if order else None, self.wire, prompt_tokens):
            raise refused

    def plain(self, answer: Json, usage: Usage | None) -> Delivery:
        call = Call(
            provider=self.wire.provider,
            model=self.sale.model,
            key=self.sale.key,
            path=self.received.path,
            sells=usage is not None,
            talks=False,
        )
        order = self.order(call)
        if acts := faults.instead(order.fault if order else None):
            return self.unsold(acts)
        self.refuse_if(order, usage.input if usage else 0)
        self.sale.usage, self.sale.sold = usage or Usage(), usage is not None
        acts_of_answer = show.plain(answer, self.wire.headers(self.identity))
        staged = faults.staged(order.fault if order else None, acts_of_answer, self.wire)
        return self.deliver(staged, counted=usage is not None)

    def refused(self, refused: Refused) -> Delivery:
        body, own = self.wire.error(refused, self.identity)
        headers = {**self.wire.headers(self.identity), **own}
        if refused.retry_after is not None:
            headers["retry-after"] = f"{refused.retry_after:g}"
        self.sale.status = refused.status
        return self.unsold(show.plain(body, headers, status=refused.status))

    def unsold(self, acts: Iterable[show.Act]) -> Delivery:
        acts = list(acts)
        self.sale.sold = False
        self.sale.status = next((act.status for act in acts if isinstance(act, show.Start)), 0)
        return self.deliver(acts)

    def deliver(self, acts: Iterable[show.Act], *, counted: bool = True) -> Delivery:
        if counted:
            self.house.sold.begin(self.sale)

        def progress(generated: int, is_whole: bool) -> None:
            self.sale.generated = max(self.sale.generated, generated)
            self.sale.ended = self.sale.ended or is_whole

        return Delivery(acts, progress, lambda: self.house.sold.finish(self.sale))
