#!/bin/sh
# Create or update the virtual environment: PYTHON VENV REQUIREMENTS. Everything is pinned by hash; Rokuon itself is linked, not copied.
set -eu
python=$1 venv=$2 requirements=$3

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "Rokuon needs Python 3.11 or newer. Install it, or name it: make PYTHON=python3.12 ..." >&2
  exit 2
fi
if [ ! -x "$venv/bin/python" ]; then
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # On Debian and Ubuntu these are in a separate package.
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt-get update -q && apt-get install -qy --no-install-recommends "$package"
    else
      echo "Python's venv module is missing. Install it first: sudo apt-get install $package" >&2
      exit 2
    fi
  fi
  "$python" -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
# pip leaves data files out of an editable installation; man looks for pages beside the programs on the PATH.
for page in man1/rokuon.1:rokuon.1 ja/man1/rokuon.1:ja/rokuon.1; do
  mkdir -p "$venv/share/man/$(dirname "${page%%:*}")"
  ln -sf "$PWD/docs/reference/man/${page##*:}" "$venv/share/man/${page%%:*}"
done
