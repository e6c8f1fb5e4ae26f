"""A door in a fresh process, as Lambda would run it: one event in, logs and then `ANSWER {...}` out.

python one_invocation.py gateway.chat event.json [MILLISECONDS_LEFT]
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path


class Context:
    function_name = "door"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:door"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return int(left[0]) if left else 20_000


module, event, *left = sys.argv[1:]
answer = importlib.import_module(module).handler(json.loads(Path(event).read_text()), Context())
if answer and isinstance(answer.get("body"), Iterator):  # a stream: to its end
    answer["body"] = b"".join(answer["body"]).decode()
print("ANSWER " + json.dumps(answer))  # noqa: T201 - its output is its purpose
