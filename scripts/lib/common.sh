# shellcheck shell=bash
# Shared by the scripts: where things are, progress lines, clear messages, stages with their time.
#
# Rules
# 1. A script sources this file right after `set -euo pipefail`; it then stands in the repository's root, whatever the caller's cwd.
# 2. Progress goes to standard error, results to standard output.
# 3. What is missing is named together with the command that brings it.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$ROOT"
VENV="${XINLIAN_VENV:-$ROOT/.venv}"
export ROOT VENV

say() { printf '%s\n' "· $*" >&2; }

die() {
  printf '%s\n' "✗ $*" >&2
  exit 1
}

# need COMMAND HOW: stops unless COMMAND is on PATH; HOW says where it comes from.
need() {
  command -v "$1" >/dev/null 2>&1 || die "$1 is missing: $2"
}

# find_python: prints the first Python 3.11–3.13 there is (XINLIAN_PYTHON wins).
find_python() {
  local candidate
  for candidate in ${XINLIAN_PYTHON:+"$XINLIAN_PYTHON"} python3.11 python3.12 python3.13 python3 python; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  die "Python 3.11, 3.12 or 3.13 is missing: apt-get install python3 python3-venv (or name one in XINLIAN_PYTHON)"
}

# digest FILE…: one line that changes when a file does.
digest() { cat -- "$@" | sha256sum | cut -d' ' -f1; }

# install_locked PYTHON LOCK [PIP-OPTION…]: installs exactly what a lock holds, hashes checked. --no-deps: the lock is whole
# (scripts/lock proves it), and older pips ask anew for what a package needs with an extra (coverage[toml]) and then refuse a
# version that came out after the lock.
install_locked() {
  local python="$1" lock="$2"
  shift 2
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes "$@" -r "$lock"
}

# locked FILE COMMAND…: runs COMMAND while holding a lock, so that two scripts at once do not install over each other.
locked() {
  local file="$1"
  shift
  mkdir -p "$(dirname "$file")"
  (
    exec 9>"$file"
    flock 9
    "$@"
  )
}

# stage NAME COMMAND…: runs COMMAND, prints its name and time; returns its exit code.
stage() {
  local name="$1" begin=$SECONDS code=0
  shift
  printf '%s\n' "▶ $name" >&2
  "$@" || code=$?
  if [ "$code" -eq 0 ]; then
    printf '%s\n' "✓ $name ($((SECONDS - begin)) s)" >&2
  else
    printf '%s\n' "✗ $name ($((SECONDS - begin)) s, exit $code)" >&2
  fi
  return "$code"
}
