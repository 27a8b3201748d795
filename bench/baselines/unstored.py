"""python -m bench.baselines.unstored CREDENTIALS PORT: the GitLab relay's own server, which stores nothing.

It checks as the relay does and answers at once: what is left of the time is what being durable costs.
"""

import socket
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import cast

from relays.base.process import shorten_turns
from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Stats
from relays.sources.gitlab.app import App
from relays.sources.gitlab.authenticity import read_authenticity
from relays.sources.gitlab.batcher import Batcher
from relays.sources.gitlab.http.refusals import Refusals
from relays.sources.gitlab.http.server import HttpServer
from relays.sources.gitlab.inbox import Delivery, Inbox
from relays.sources.gitlab.webhook_request import Reception


class Nowhere:
    """Takes deliveries as relays.sources.gitlab.inbox does."""

    def put(self, take: Callable[[], Sequence[Delivery]], here: bool) -> Future[None]:
        """Forgets them."""
        take()
        done: Future[None] = Future()
        done.set_result(None)
        return done


def main(credentials: Path, port: int) -> None:
    """Serve until the process is asked to end."""
    shorten_turns()
    authenticity = read_authenticity(credentials, required=False)
    metrics = Metrics(lambda: Stats(0, 0, None, None), lambda: False)
    counters: Counter[str] = Counter()
    refusals = Refusals(counters, metrics)
    reception = Reception(Batcher(cast(Inbox, Nowhere())), authenticity, 1024 * 1024, metrics, refusals)
    app = App(reception, counters, lambda: (True, {}), {})
    HttpServer(app.begin, socket.create_server(("127.0.0.1", port))).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
