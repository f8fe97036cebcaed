"""Run by the Dockerfile in the base image: takes away what installs packages or lends rights, documentation, and itself.

What a scanner reads of the packages that are there (/var/lib/dpkg/status) stays.
"""

import shutil
import stat
import sys
import sysconfig
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))
INSTALLERS = ("pip", "pip-*", "setuptools", "setuptools-*", "wheel", "wheel-*", "pkg_resources", "_distutils_hack", "ensurepip")
FOLDERS = {LIBRARY, *(Path(name) for name in sys.path if name), *(Path(name) for name in ("/usr/lib/python3/dist-packages",))}
PLACES = [(folder, name) for folder in FOLDERS for name in INSTALLERS]
PLACES += [(LIBRARY, name) for name in ("test", "idlelib", "tkinter", "turtledemo", "lib2to3", "config-*/*.a")]
PLACES += [(Path(folder), "pip*") for folder in ("/usr/bin", "/usr/local/bin")]
PROGRAMS = ("apt", "apt-*", "dpkg", "dpkg-*", "debconf*", "deb-systemd-*", "update-alternatives", "apk")
PLACES += [(Path(folder), name) for folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin") for name in PROGRAMS]
PLACES += [(Path("/usr/lib"), name) for name in ("apt", "dpkg", "*/libapt-p*")]
PLACES += [(Path("/usr/share"), name) for name in ("doc/*", "man/*", "info/*", "locale/*", "python-wheels")]
PLACES += [(Path("/var"), name) for name in ("cache/apt/*", "lib/apt/lists/*", "cache/debconf/*", "log/*")]

for place, pattern in PLACES:
    for found in place.glob(pattern):
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found)
        else:
            found.unlink()
for folder in ("/bin", "/sbin", "/usr"):
    for found in Path(folder).rglob("*"):
        mode = found.lstat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            found.chmod(stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID))
Path(__file__).unlink()
