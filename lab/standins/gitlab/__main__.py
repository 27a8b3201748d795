"""`python -m lab.standins.gitlab --port N --data DIR --external-url URL`."""

import argparse
import os
from pathlib import Path

import uvicorn

from lab.standins.gitlab.server.app import create_app
from lab.standins.gitlab.state.config import Config
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.webhooks import dispatcher


def main() -> None:
    """Start the stand-in and serve until asked to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.standins.gitlab", description="A stand-in for GitLab."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    parser.add_argument("--data", type=Path, required=True, help="folder of everything that is kept")
    parser.add_argument("--external-url", required=True, help="GitLab's address as people see it")
    parser.add_argument(
        "--webhook-timeout", type=float, default=10.0, help="seconds a hook's receiver has to answer"
    )
    options = parser.parse_args()
    config = Config(
        data=options.data,
        external_url=options.external_url.rstrip("/"),
        settings_cache_seconds=float(os.environ.get("LAB_SETTINGS_CACHE_SECONDS", "2")),
        webhook_timeout=options.webhook_timeout,
    )
    instance = Instance(config)
    (config.data / "external_url").write_text(config.external_url)  # for the console
    try:
        instance.first_start(
            *(os.environ.get(f"GITLAB_ROOT_{name}") for name in ("PASSWORD", "TOKEN", "READ_TOKEN"))
        )
    except ValueError as error:
        parser.error(str(error))
    dispatcher.start(instance)
    uvicorn.run(
        create_app(instance), host=options.host, port=options.port, access_log=False, log_level="info"
    )


if __name__ == "__main__":
    main()
