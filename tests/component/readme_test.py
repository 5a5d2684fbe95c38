# SPDX-License-Identifier: Apache-2.0
"""The root README's example configuration is one that a worker accepts."""
import pathlib
import re
import subprocess

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def test_the_example_configuration_is_good(program, tmp_path):
    text = re.search(r"```ini\n(.*?)```", README.read_text(), re.DOTALL).group(1)
    for name in re.findall(r"/run/secrets/(\S+)", text):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text("x\n")
    path = tmp_path / "lookup.ini"
    path.write_text(text.replace("/run/secrets", str(tmp_path)))
    done = subprocess.run([program("lookup-worker"), "--config", path, "--check"], text=True, capture_output=True,
                          timeout=20, check=False)
    assert done.returncode == 0, done.stderr
