"""Run by the Dockerfile in the base image: takes away what installs packages, documentation, and itself."""

import shutil
import sys
import sysconfig
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))
INSTALLERS = ("pip", "pip-*", "setuptools", "setuptools-*", "wheel", "wheel-*", "pkg_resources", "_distutils_hack", "ensurepip")
FOLDERS = {LIBRARY, *(Path(name) for name in sys.path if name), *(Path(name) for name in ("/usr/lib/python3/dist-packages",))}
PLACES = [(folder, name) for folder in FOLDERS for name in INSTALLERS]
PLACES += [(LIBRARY, name) for name in ("test", "idlelib", "tkinter", "turtledemo", "lib2to3", "config-*/*.a")]
PLACES += [(Path(folder), "pip*") for folder in ("/usr/bin", "/usr/local/bin")]
PLACES += [(Path("/usr/share"), name) for name in ("doc/*", "man/*", "info/*", "locale/*", "python-wheels")]
PLACES += [(Path("/var"), name) for name in ("cache/apt/*", "lib/apt/lists/*", "cache/debconf/*", "log/*")]

for place, pattern in PLACES:
    for found in place.glob(pattern):
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()
Path(__file__).unlink()
