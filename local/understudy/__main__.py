"""python -m local.understudy [--host 127.0.0.1] [--port 0] [--ready-file PATH] [--pace SECONDS]"""

import argparse
import signal
import sys
from pathlib import Path

from local.understudy.app import create_app
from local.understudy.server import Server
from local.understudy.show import Pace


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.understudy", description="A stand-in for every provider.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="gets the address once requests are answered")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between words")
    asked = parser.parse_args()

    def announce(url: str) -> None:
        sys.stdout.write(f"understudy {url}\n")
        sys.stdout.flush()
        if asked.ready_file:
            # Renamed into place, so that nobody reads half an address.
            written = asked.ready_file.with_suffix(".part")
            written.write_text(url)
            written.replace(asked.ready_file)

    # The server raises the signal once more when it is done; to be told to go is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    pace = Pace(first_token_s=asked.pace, between_tokens_s=asked.pace)
    Server(create_app(pace), host=asked.host, port=asked.port, on_ready=announce).go()


if __name__ == "__main__":
    main()
