"""``python -m local.stack.part PARENT SOCKET MODULE ARGS...``: it ends when its launcher does.

The launcher can be killed in a way that it cannot answer (-9). The operating system then ends
this process too, and the processes that it forked; where it cannot, a thread watches for it.
SOCKET is the file descriptor of a listening socket that the launcher keeps open, or "-".
"""

import ctypes
import os
import runpy
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_WATCH_EVERY = 0.2
#: The first descriptor that a server looks for a socket at, by systemd's convention.
_FIRST_SOCKET = 3


def die_with(parent: int) -> None:
    """End this process when its parent, which has this id, ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_EVERY)
    os._exit(1)


def take_over(descriptor: int) -> None:
    """Have this process's server listen on an open socket, by systemd's convention (sd_listen_fds).

    gunicorn follows it: it then binds no port of its own.
    """
    os.dup2(descriptor, _FIRST_SOCKET)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))


def main() -> None:
    """Run the module of the command line as ``python -m`` would."""
    parent, descriptor, module, *arguments = sys.argv[1:]
    die_with(int(parent))
    if descriptor != "-":
        take_over(int(descriptor))
    os.register_at_fork(after_in_child=lambda: die_with(os.getppid()))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
