"""The prompt cache: which prefixes of prompts were seen before, per provider, model and key."""

import hashlib
from collections import OrderedDict

from local.understudy import tokens
from local.understudy.performance import Usage
from local.understudy.prompt import Prompt

KEPT = 20_000


class Prefixes:
    """A prefix lives until 20,000 others were used more recently: no clock, so that tests are deterministic."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def clear(self) -> None:
        self._seen.clear()

    def split(self, prompt: Prompt) -> Usage:
        """The prompt's tokens by bucket; what it marks for caching is remembered."""
        counts = tokens.running(prompt.segments)
        total = tokens.of_prompt(prompt.segments)
        marks = [place for place, segment in enumerate(prompt.segments) if segment.cache]
        if not marks:
            return Usage(input=total)
        names = self._names(prompt, marks[-1] + 1)
        # As the real one: the longest prefix seen before is read, wherever its mark stood at that time.
        read = next((place for place in range(marks[-1], -1, -1) if names[place] in self._seen), -1)
        done = counts[read] if read >= 0 else 0
        usage = {"cache_read": done, "5m": 0, "1h": 0}
        for mark in marks:
            self._remember(names[mark])
            if mark > read:
                usage[prompt.segments[mark].cache or "5m"] += counts[mark] - done
                done = counts[mark]
        return Usage(
            input=total - done, cache_write_5m=usage["5m"], cache_write_1h=usage["1h"], cache_read=usage["cache_read"]
        )

    def _remember(self, name: str) -> None:
        self._seen[name] = None
        self._seen.move_to_end(name)
        if len(self._seen) > KEPT:
            self._seen.popitem(last=False)

    def _names(self, prompt: Prompt, count: int) -> list[str]:
        digest = hashlib.sha256(f"{prompt.provider}\0{prompt.model}\0{prompt.key}".encode())
        names = []
        for segment in prompt.segments[:count]:
            digest.update(b"\0" + segment.text.encode("utf-8", "surrogatepass") + str(segment.images).encode())
            names.append(digest.hexdigest())
        return names
