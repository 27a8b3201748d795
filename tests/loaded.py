"""What the process that others are forked off (tests.forking) has loaded: importing this module loads it."""

import gc
import sys
from importlib import import_module

# They are executed by their names in each process; what is loaded of them before is what they import.
_PROGRAMS = (
    "lab.standins.gitlab.__main__",
    "lab.standins.mattermost.__main__",
    "relays.sources.gitlab.__main__",
    "relays.choices",
    "relays.dead_letters",
    "relays.sources.gitlab.drop_tables",
    "relays.sources.nextcloud.__main__",
    "tests.relays.speaker",
)
_FURTHER = (
    "lab.standins.nextcloud.server.app",
    "pytest",  # which is the main module of the tests' own process, and becomes that of the others until they begin
    "relays.storage.leave_shared",
    "tests.forking",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)

for name in (*_PROGRAMS, *_FURTHER):
    import_module(name)
for name in _PROGRAMS:
    del sys.modules[name]
gc.freeze()
