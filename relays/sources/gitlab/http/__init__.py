"""The HTTP server of the GitLab relay, behind the interface in `exchange`: a Request begins an Exchange, which answers.

It is written by hand because GitLab opens a connection for each event: what an ASGI server sets up for one costs more
than all that the relay does with it. It stays as long as `make bench ONLY=accept` shows the relay, with its checks and
its commits, ahead of bare uvicorn that answers 200 to everything (docs/benchmarks.md: the row "relay / bare uvicorn"
has to be at least 1); then it goes, and `exchange` is what another server has to call.

Parsing is httptools'. Nothing here knows what an event is.
"""
