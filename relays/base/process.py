"""What is set for the whole process of a relay, in this place alone: log lines, turns of threads, memory, signals."""

import ctypes
import logging
import signal
import sys
import threading

from relays.base import logging as journal

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Python's own 5 ms, for which another thread may compute before one has its turn, are longer than an answer takes.
_TURN_SECONDS = 0.0002
# glibc, <malloc.h>: from which size on an allocation is a mapping of its own.
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1024 * 1024


def set_up() -> None:
    """Set what holds from the start on: how lines are logged, how a thread ends, how long its turns are, memory."""
    journal.set_up()
    threading.excepthook = _log_end
    shorten_turns()
    give_back_large_blocks()


def shorten_turns() -> None:
    """Have the interpreter hand over to another thread that waits for it soon."""
    sys.setswitchinterval(_TURN_SECONDS)


def give_back_large_blocks() -> None:
    """Have what was a large body go back to the system as soon as it is freed.

    Left alone, glibc keeps blocks of up to 32 MB for later once it has seen such sizes, in each thread's arena its own.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # other C libraries keep none
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def hold_stop_signals() -> None:
    """Have SIGTERM and SIGINT wait for who asks for them (sigwait), in this thread and those that it starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def _log_end(failure: threading.ExceptHookArgs) -> None:
    # Instead of a traceback, whose last line may hold anything.
    name = failure.thread.name if failure.thread else "?"
    logging.getLogger(__name__).error("ended thread=%s error=%s", name, failure.exc_type.__name__)
