"""What installs, checks, upgrades and removes a package in a root of its own."""

from __future__ import annotations

from pathlib import Path

from trial_run import run


class Rpm:
    """Installs with rpm, into a database of the root's own, which knows no other package."""

    leftovers = ("var/lib/rpm", "var/log/nuvla", "var/lib/nuvla", "etc/default/nuvla-job-")

    def __init__(self, root: Path) -> None:
        self._rpm = ["rpm", "--root", str(root), "--dbpath", "/var/lib/rpm", "--nosignature"]

    def install(self, package: Path) -> None:
        """Install, or upgrade."""
        run(*self._rpm, "-U", "--nodeps", "--ignoreos", package)

    def verify(self) -> str:
        """Return how the files differ from what was packaged."""
        return run(*self._rpm, "-V", "--nodeps", "nuvla-job-engine", check=False)

    def remove(self) -> None:
        """Remove it."""
        run(*self._rpm, "-e", "nuvla-job-engine")

    new_config = "etc/default/nuvla-job-executor.rpmnew"
    kept_config = "etc/default/nuvla-job-executor.rpmsave"


class Deb:
    """Installs with dpkg, into a database of the root's own."""

    leftovers = ("var/lib/dpkg", "var/log", "var/lib/nuvla", "etc/default", "etc/logrotate.d")

    def __init__(self, root: Path) -> None:
        (root / "var/lib/dpkg/updates").mkdir(parents=True)
        (root / "var/lib/dpkg/info").mkdir()
        (root / "var/lib/dpkg/status").touch()
        self._dpkg = [
            "dpkg",
            f"--root={root}",
            "--force-depends",
            "--force-confold",
            "--no-triggers",
        ]

    def install(self, package: Path) -> None:
        """Install, or upgrade."""
        run(*self._dpkg, "--install", package)

    def verify(self) -> str:
        """Return how the files differ from what was packaged."""
        return run(*self._dpkg[:2], "--verify", "nuvla-job-engine", check=False)

    def remove(self) -> None:
        """Remove it."""
        run(*self._dpkg, "--remove", "nuvla-job-engine")

    new_config = "etc/default/nuvla-job-executor.dpkg-dist"
    kept_config = "etc/default/nuvla-job-executor"
