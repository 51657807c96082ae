"""Google's two Datastore emulators, for comparisons; they need gcloud and Java."""

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.host.ports import choose_port

#: The name of each emulator and the arguments that start it.
EMULATORS = {
    "classic": "beta emulators datastore start --no-store-on-disk --consistency=1.0",
    "fsd": "emulators firestore start --database-mode=datastore-mode",
}
_PATIENCE = 60.0
#: Ends a command and the Java that it starts, in a process group of their own, as soon as the
#: other end of stdin closes: when the session ends, however it ends.
_TETHERED = ["sh", "-c", '"$@" & read -r _; kill -9 -$! 0', "sh"]
#: The classic emulator's own script, which takes more options than gcloud passes on.
_SCRIPT = "platform/cloud-datastore-emulator/cloud_datastore_emulator"
_ENFORCING = "start --host=127.0.0.1 --store_on_disk=False --consistency=1.0 --require_indexes"


class EmulatorFailed(Exception):
    """An emulator did not start; the message has the end of its log."""


@dataclass
class Emulator:
    """One of Google's emulators, in a process group of its own with the Java that it starts."""

    host: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_ready(self) -> None:
        """Return once it answers; raise EmulatorFailed if it does not within a minute."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://{self.host}/", timeout=1):
                    return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise EmulatorFailed(f"the emulator did not start:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Kill it and wait until it is gone; its data is lost."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def are_installed() -> bool:
    """Return whether the emulators can be started on this machine."""
    return bool(shutil.which("gcloud") and shutil.which("java"))


def start_emulator(name: str, folder: Path) -> Emulator:
    """Start an emulator on a free port, with its log and settings in a folder, without waiting."""
    host = f"127.0.0.1:{choose_port()}"
    command = ["gcloud", *EMULATORS[name].split(), f"--host-port={host}", "--project=x"]
    return _launch(command, host, folder / name)


def start_enforcing_emulator(folder: Path, indexes: str) -> Emulator:
    """Start the classic emulator so that it refuses queries without their composite index.

    ``indexes`` is the text of a datastore-indexes.xml.
    """
    settings = folder / "enforcing"
    (settings / "WEB-INF").mkdir(parents=True)
    (settings / "WEB-INF" / "datastore-indexes.xml").write_text(indexes)
    port = choose_port()
    command = [
        str(_find_sdk(settings) / _SCRIPT),
        *_ENFORCING.split(),
        f"--port={port}",
        str(settings),
    ]
    return _launch(command, f"127.0.0.1:{port}", settings)


def _find_sdk(settings: Path) -> Path:
    asked = ["gcloud", "info", "--format=value(installation.sdk_root)"]
    answer = subprocess.run(
        asked, env=_get_environment(settings), capture_output=True, text=True, check=True
    )
    return Path(answer.stdout.strip())


def _get_environment(settings: Path) -> dict[str, str]:
    return os.environ | {
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CONFIG": str(settings),
        # By default the Firestore emulator takes 2.3 GB, and more time to compile than to answer.
        "JAVA_TOOL_OPTIONS": "-Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }


def _launch(command: Sequence[str], host: str, settings: Path) -> Emulator:
    log = settings.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_TETHERED, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_get_environment(settings),
            start_new_session=True,
        )
    return Emulator(host, process, log)
