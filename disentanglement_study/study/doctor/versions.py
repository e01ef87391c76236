"""What is installed here, in a form that can be compared between machines."""

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from pathlib import Path

import disentanglement_study

PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "ray")
OURS = "disentanglement_study"


def versions() -> dict[str, str]:
    """{name: version} of Python, of the packages that scores depend on, of Ray and of this package; "none" if missing.

    This package's is its version, the commit if it is known, and the beginning of a digest of its source files: two
    machines with the same one run the same code, changes that were not committed included.
    """
    found = {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}
    parts = [_version(OURS.replace("_", "-")), f"commit {commit()[:7]}" if commit() else "", f"code {sources()}"]
    return found | {OURS: ", ".join(part for part in parts if part)}


def commit() -> str:
    """The commit that this package is from: of the work tree that it lies in, or that pip took it from; or ""."""
    package = Path(disentanglement_study.__file__).parent
    if (package.parent / ".git").exists():
        command = ["git", "-C", str(package.parent), "rev-parse", "HEAD"]
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            return ""
    try:
        about = importlib.metadata.distribution(OURS.replace("_", "-")).read_text("direct_url.json")
        return json.loads(about or "{}").get("vcs_info", {}).get("commit_id", "")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""


def sources() -> str:
    """The first 8 hexadecimal digits of the SHA-256 of the package's Python files and their paths."""
    package = Path(disentanglement_study.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"
