"""``python -m local.stack.part PARENT SOCKET MODULE ARGS...``: a process that ends with its parent.

If the parent is killed with -9, it cannot end its children. On Linux the operating system then ends
this process and those that it forked; elsewhere a thread watches the parent. SOCKET is the file
descriptor of a listening socket that the parent keeps open, or "-".
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
#: The descriptor of the first socket that a server inherits, by systemd's convention.
_FIRST_SOCKET = 3


def die_with(parent: int) -> None:
    """End this process when its parent, which has the process id `parent`, ends."""
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
    """Let this process's server use an open socket, by systemd's convention (sd_listen_fds).

    gunicorn follows the convention and then binds no port itself.
    """
    os.dup2(descriptor, _FIRST_SOCKET)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))


def main() -> None:
    """Run the module named on the command line as ``python -m`` does."""
    parent, descriptor, module, *arguments = sys.argv[1:]
    die_with(int(parent))
    if descriptor != "-":
        take_over(int(descriptor))
    os.register_at_fork(after_in_child=lambda: die_with(os.getppid()))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
