"""The image's tag: a hash of everything in the image."""

import hashlib
import re
from pathlib import Path

from deploy.settings import PROJECT, Settings


def find_sources(root: Path = PROJECT) -> list[Path]:
    """Return the Dockerfile and the files that it copies, sorted."""
    copies = re.findall(r"^COPY (.+) \S+$", (root / "Dockerfile").read_text(), re.MULTILINE)
    paths = [root / name for names in copies for name in names.split()]
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    kept = [file for file in files if file.is_file() and "__pycache__" not in file.parts]
    return sorted({*kept, root / "Dockerfile"})


def requirements_of(settings: Settings) -> str:
    """Return the requirement file that the image is built with."""
    return "requirements-telemetry.lock" if settings.otlp_endpoint else "requirements.lock"


def name_image(settings: Settings, root: Path = PROJECT) -> str:
    """Return the image's name and tag; equal sources give the same tag, so they are built once."""
    digest = hashlib.sha256(f"{settings.base_image} {requirements_of(settings)}".encode())
    for file in find_sources(root):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root)} {len(content)}\n".encode() + content)
    return f"{settings.image}:{digest.hexdigest()[:16]}"
