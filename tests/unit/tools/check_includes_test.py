# SPDX-License-Identifier: Apache-2.0
"""tools/check-includes.sh: silent on the tree, and loud on each kind of breach."""
import subprocess

import pytest

from conftest import ROOT

LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"
TABLE = """| level | modules | what |
|---|---|---|
| 0 | err str | values |
| 1 | loop | the loop |
| 2 | http | one library |
"""


def run(folder):
    return subprocess.run([ROOT / "tools" / "check-includes.sh", folder], text=True, capture_output=True, check=False,
                          timeout=60)


@pytest.fixture
def tree(tmp_path):
    files = {
        "common/README.md": TABLE,
        "common/err/err.h": LICENCE,
        "common/str/str.c": LICENCE + '#include "err/err.h"\n#include "str/str_priv.h"\n',
        "common/loop/loop.c": LICENCE + '#include <uv.h>\n#include "str/str.h"\n',
        "workers/lookup/lookup_rules.c": LICENCE + '#include "str/str.h"\n',
        "tools/x.sh": "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n",
        "tests/a_test.c": LICENCE,
        "deploy/.keep": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_this_tree_keeps_the_rules():
    done = run(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_good_tree_is_silent(tree):
    done = run(tree)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name, text, says", [
    ("common/str/b.c", LICENCE + '#include "loop/loop.h"\n', "common/str/b.c:2: str includes loop"),
    ("common/err/b.h", LICENCE + '\n#include "str/str.h"\n', "common/err/b.h:3: err includes str"),
    ("common/err/b.c", LICENCE + '#include "other/x.h"\n', "no module of common"),
    ("common/new/new.c", LICENCE + '#include "str/str.h"\n', "module new is not in the table"),
    ("common/http/b.c", LICENCE + "#include <uv.h>\n", "common/http/b.c:2: includes <uv.h>"),
    ("workers/lookup/b.c", LICENCE + "#include <curl/curl.h>\n", "includes <curl/curl.h>"),
    ("common/str/b.cc", LICENCE + "#include <simdjson.h>\n", "includes <simdjson.h>"),
    ("workers/lookup/lookup_rules.c", LICENCE + '#include "loop/loop.h"\n', "a pure part includes loop/loop.h"),
    ("workers/routing/engine/e.c", LICENCE + "#include <time.h>\n", "a pure part includes <time.h>"),
    ("workers/routing/engine/e.c", LICENCE + "long f(void) { return time(0); }\n", "asks the world"),
    ("common/err/err.c", "int x;\n", "common/err/err.c: no licence line"),
    ("common/err/err.c", LICENCE + "\n" * 600, "601 lines"),
])
def test_a_breach_is_named(tree, name, text, says):
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(text)
    done = run(tree)
    assert done.returncode == 1
    assert says in done.stdout
