#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tidy - clang-tidy over all C and C++ files of a build tree, on all cores; files that passed are not looked at again.

  tidy.py BUILD-TREE CACHE-DIR [PATH-PREFIX...]

A file's pass is remembered under a hash of everything that can change the verdict: the text of the file and of every
project header it includes, its compiler command, .clang-tidy, and the version of clang-tidy.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def dependencies(entry):
    """The project files that `entry` is compiled from."""
    words = shlex.split(entry["command"])
    words = [w for w in words if not w.endswith("ccache")]
    if "-o" in words:
        del words[words.index("-o"):words.index("-o") + 2]
    done = subprocess.run(words + ["-MM", "-MG", "-MF", "/dev/stdout", "-MT", "x"], cwd=entry["directory"], text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        return None, done.stderr
    names = done.stdout.replace("\\\n", " ").split(":", 1)[1].split()
    paths = {pathlib.Path(entry["directory"], n).resolve() for n in names}
    return sorted(p for p in paths if p.is_file() and ROOT in p.parents), words


def check(entry, build, cache, base):
    """None when the file is clean, else what clang-tidy says."""
    files, words = dependencies(entry)
    if files is None:
        return words
    key = hashlib.sha256(base + json.dumps(words).encode())
    for path in files:
        key.update(path.read_bytes())
    stamp = cache / key.hexdigest()
    if stamp.exists():
        return None
    done = subprocess.run(["clang-tidy", "-p", str(build), "--quiet", entry["file"]], text=True, capture_output=True,
                          check=False)
    if done.returncode == 0:
        stamp.touch()
        return None
    return done.stdout + done.stderr


def main():
    build, cache = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    prefixes = tuple(str(ROOT / p) for p in sys.argv[3:]) or (str(ROOT),)
    cache.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    base = version + (ROOT / ".clang-tidy").read_bytes()
    entries = [e for e in json.loads((build / "compile_commands.json").read_text()) if e["file"].startswith(prefixes) and not e["file"].startswith(str(build))]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for entry, said in zip(entries, pool.map(lambda e: check(e, build, cache, base), entries)):
            if said is not None:
                bad += 1
                print("%s:\n%s" % (os.path.relpath(entry["file"], ROOT), said), flush=True)
    print("clang-tidy: %d files, %d with warnings" % (len(entries), bad))
    sys.exit(1 if bad or not entries else 0)


if __name__ == "__main__":
    main()
