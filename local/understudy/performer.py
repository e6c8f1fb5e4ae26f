"""Decides what to answer: the same prompt always gets the same. What it costs depends on the prompt cache too."""

import dataclasses
import json
import re
from collections.abc import Sequence

from local.understudy import schemas, tokens, words
from local.understudy.orders import Answer
from local.understudy.performance import Block, Call, Performance, Stop, Text, Thinking, Usage
from local.understudy.prefixes import Prefixes
from local.understudy.prompt import Prompt, Tool

SENTENCES = (
    'Understudy: you asked "{asked}". The part to look at first is {word}; a real model would go on from there.',
    'Understudy: "{asked}" has a short answer: it depends on {word}. The rest needs a real model.',
    'Understudy: here is a stand-in answer to "{asked}". It is made from your own words, {word} among them.',
    'Understudy: "{asked}" comes down to {word}, as far as a stand-in can tell. Ask again with a real model behind.',
    'Understudy: three things matter for "{asked}": what it is, who needs it, and {word}. No real model said this.',
    'Understudy: I read "{asked}" and kept {word} in mind. With a real key, a real model answers here.',
)
FILLER = "word by word the understudy goes on and says what it was told to say, "


class Performer:
    def __init__(self, prefixes: Prefixes) -> None:
        self.prefixes = prefixes

    def perform(self, prompt: Prompt, ordered: Answer | None = None) -> Performance:
        """Answer the prompt; an ordered answer replaces what would have been said, and the counts it names."""
        asked = ordered or Answer()
        blocks = _ordered_blocks(prompt, asked) or _own_blocks(prompt, asked)
        blocks, stop_sequence = _stopped(blocks, prompt.stop)
        # Hidden reasoning takes its share of max_tokens before the first visible word.
        hidden = 0 if any(isinstance(block, Thinking) for block in blocks) else asked.reasoning_tokens or 0
        room = None if prompt.max_tokens is None else max(0, prompt.max_tokens - hidden)
        kept, is_cut = _within(blocks, room)
        stop: Stop = "end"
        if is_cut:
            stop = "length"
        elif stop_sequence is not None:
            stop = "stop_sequence"
        elif any(isinstance(block, Call) for block in kept):
            stop = "tool"
        return Performance(
            blocks=kept,
            usage=_usage(prompt, kept, asked, self.prefixes.split(prompt), is_cut=is_cut),
            stop=stop,
            stop_sequence=None if is_cut else stop_sequence,
            stop_word=asked.stop_reason,
            copies=prompt.copies,
        )


def _ordered_blocks(prompt: Prompt, asked: Answer) -> tuple[Block, ...]:
    blocks: list[Block] = [Thinking(asked.thinking)] if asked.thinking else []
    if asked.text is not None:
        blocks.append(Text(asked.text))
    elif asked.output_tokens is not None and not asked.tool_calls:
        visible = max(0, asked.output_tokens - (asked.reasoning_tokens or 0))
        blocks.append(Text(_filler(min(visible, prompt.max_tokens or visible))))
    for call in asked.tool_calls or []:
        blocks.append(
            Call(call.name, call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments))
        )
    return tuple(blocks) if any(not isinstance(block, Thinking) for block in blocks) else ()


def _own_blocks(prompt: Prompt, asked: Answer) -> tuple[Block, ...]:
    thinking = asked.thinking or (f"The question is about {words.subject(prompt.question)}." if prompt.thinking else "")
    before: tuple[Block, ...] = (Thinking(thinking),) if thinking else ()
    if calls := _tools_to_call(prompt):
        return (*before, *(Call(tool.name, _json(schemas.value(tool.schema, prompt.question))) for tool in calls))
    return (*before, Text(_text(prompt)))


def _tools_to_call(prompt: Prompt) -> Sequence[Tool]:
    if not prompt.tools or prompt.tool_choice == "none" or any(turn.results for turn in prompt.since_question):
        return ()
    if prompt.forced_tool:
        return [tool for tool in prompt.tools if tool.name == prompt.forced_tool][:1]
    named = [tool for tool in prompt.tools if words.mentions(prompt.question, tool.name)]
    if named:
        return named if prompt.parallel else named[:1]
    with_descriptions = prompt.tool_choice == "auto"
    return [max(prompt.tools, key=lambda tool: _likeness(tool, prompt.question, with_descriptions=with_descriptions))]


def _likeness(tool: Tool, question: str, *, with_descriptions: bool) -> int:
    name = " ".join(re.findall(r"[A-Z]?[a-z]+|\d+|[A-Z]+", tool.name))
    return 3 * words.overlap(question, name) + (words.overlap(question, tool.description) if with_descriptions else 0)


def _text(prompt: Prompt) -> str:
    results = [result for turn in prompt.since_question for result in turn.results]
    if prompt.schema is not None:
        return _json(schemas.value(prompt.schema, "\n".join([prompt.question, *results])))
    if results:
        said = "; ".join(" ".join(result.split())[:400] for result in results)
        return f"Understudy: on {words.subject(prompt.question)}, the tools answered: {said}"
    if labels := words.labels(prompt.question) or words.labels(prompt.system):
        return words.most_mentioned(prompt.question, labels)
    about = words.keywords(prompt.question) or ["it"]
    seed = prompt.system + prompt.question
    sentence = SENTENCES[words.number(seed, len(SENTENCES))]
    return sentence.format(asked=words.beginning(prompt.question), word=about[words.number(seed, len(about))])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _filler(count: int) -> str:
    size = count * tokens.BYTES_PER_TOKEN
    return (FILLER * (size // len(FILLER) + 1))[:size]


def _stopped(blocks: tuple[Block, ...], stops: tuple[str, ...]) -> tuple[tuple[Block, ...], str | None]:
    """The blocks up to the earliest stop sequence in a text, and which it was."""
    for number, block in enumerate(blocks):
        if isinstance(block, Text):
            found = [(place, stop) for stop in stops if stop and (place := block.text.find(stop)) >= 0]
            if found:
                place, stop = min(found)
                return (*blocks[:number], Text(block.text[:place])), stop
    return blocks, None


def _within(blocks: tuple[Block, ...], room: int | None) -> tuple[tuple[Block, ...], bool]:
    """The blocks that fit into `room` tokens, the last one cut short, and whether anything was lost."""
    if room is None:
        return blocks, False
    kept: list[Block] = []
    left = room * tokens.BYTES_PER_TOKEN
    for block in blocks:
        size = len(block.text.encode("utf-8", "surrogatepass"))
        if size > left:
            text = block.text.encode("utf-8", "surrogatepass")[:left].decode("utf-8", "ignore")
            return (*kept, *([dataclasses.replace(block, text=text)] if text else [])), True
        kept.append(block)
        left -= size
    return tuple(kept), False


def _usage(prompt: Prompt, blocks: tuple[Block, ...], asked: Answer, split: Usage, *, is_cut: bool) -> Usage:
    sizes = [(isinstance(block, Thinking), len(block.text.encode("utf-8", "surrogatepass"))) for block in blocks]
    thought = tokens.of_bytes(sum(size for is_thinking, size in sizes if is_thinking))
    reasoning = thought if asked.reasoning_tokens is None else asked.reasoning_tokens
    output = reasoning + tokens.of_bytes(sum(size for is_thinking, size in sizes if not is_thinking))
    if prompt.max_tokens is not None:
        output = prompt.max_tokens if is_cut else min(output, prompt.max_tokens)
    if asked.output_tokens is not None:
        output = asked.output_tokens  # an order wins, also over max_tokens: providers that overrun exist
    return dataclasses.replace(
        _ordered_cache(split, asked), output=output * prompt.copies, reasoning=min(reasoning, output) * prompt.copies
    )


def _ordered_cache(split: Usage, asked: Answer) -> Usage:
    """Ordered cache counts are taken out of the prompt as far as it reaches."""
    total = split.prompt
    if (asked.cache_read_tokens, asked.cache_write_tokens, asked.cache_write_1h_tokens) != (None, None, None):
        read, write, write_1h = asked.cache_read_tokens, asked.cache_write_tokens, asked.cache_write_1h_tokens
        cached = Usage(cache_read=read or 0, cache_write_5m=write or 0, cache_write_1h=write_1h or 0)
        split = dataclasses.replace(cached, input=max(0, total - cached.prompt))
    return split if asked.input_tokens is None else dataclasses.replace(split, input=asked.input_tokens)
