#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# npm-install.sh: installs the packages of package.json into the user's cache, once, and prints the folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/callfleet/npm-schemas
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock -w 300 9
# The marker is a copy of package.json, so another set of versions installs anew.
if ! cmp -s "$here/package.json" "$dir/.installed"; then
    rm -rf "$dir/node_modules" "$dir/package-lock.json"
    cp "$here/package.json" "$dir/package.json"
    (cd "$dir" && npm install --no-audit --no-fund --ignore-scripts --loglevel=error >&2)
    cp "$here/package.json" "$dir/.installed"
fi
echo "$dir"
