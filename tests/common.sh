# Shared by tests/run, tests/bench and tests/crash. Sourced, never run.
#
# After `prepare` these are set:
#   ROOT            the workspace
#   SCRATCH         a temporary folder of this call alone; TMPDIR points into it; gone at the end
#   QUIETUS_PYTHON  a Python 3 that has `cryptography`

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CARGO=${CARGO:-cargo}
CI=${CI:-}

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1; then sudo "$@"
  else return 1; fi
}

# install PACKAGE...: by apt, and only what the caller found to be missing.
install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  say "installing: $*"
  if [ -z "${APT_UPDATED:-}" ]; then
    as_root apt-get -o DPkg::Lock::Timeout=300 -qq update || return 1
    APT_UPDATED=1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq -y \
    --no-install-recommends install "$@" </dev/null >"$SCRATCH/apt.log" 2>&1 \
    || { tail -n 5 "$SCRATCH/apt.log" >&2; return 1; }
}

# need TOOL PACKAGE...: a tool that cannot be had fails the call; it never passes silently.
need() {
  local tool=$1; shift
  have "$tool" && return 0
  install "$@" && have "$tool" && return 0
  die "$tool is missing, and installing $* did not bring it; install it and run this again"
}

# Some tools live where only root's PATH looks.
have() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

python_fits() { "$1" -c 'import sys, cryptography; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; }

need_python() {
  local candidate
  need python3 python3
  for candidate in "${QUIETUS_PYTHON:-}" python3 /usr/bin/python3; do
    if [ -n "$candidate" ] && python_fits "$candidate"; then
      export QUIETUS_PYTHON=$candidate; return 0
    fi
  done
  install python3-cryptography || true
  if python_fits /usr/bin/python3; then export QUIETUS_PYTHON=/usr/bin/python3; return 0; fi
  python3 -m venv "$SCRATCH/venv" >/dev/null 2>&1 \
    || { install python3-venv && python3 -m venv "$SCRATCH/venv"; } \
    || die "no Python with the module cryptography, and no way to make one"
  "$SCRATCH/venv/bin/pip" -q install cryptography || die "pip could not install cryptography"
  export QUIETUS_PYTHON=$SCRATCH/venv/bin/python3
}

need_rust() {
  have cargo || [ ! -r "$HOME/.cargo/env" ] || . "$HOME/.cargo/env"
  have cargo || die "cargo is missing: install Rust from https://rustup.rs"
  need cc gcc libc6-dev
  need strip binutils
}

# Leaves nothing: children are ended by id, mounts below the scratch folder are undone first.
clean_up() {
  local code=$? child mount
  trap - EXIT INT TERM
  for child in $(jobs -p); do kill "$child" 2>/dev/null; done
  wait 2>/dev/null
  if [ -n "${SCRATCH:-}" ] && [ -d "$SCRATCH" ]; then
    while read -r _ mount _; do
      case "$mount" in "$SCRATCH"/*) as_root umount "$mount" 2>/dev/null ;; esac
    done < <(tac /proc/mounts)
    # A test of immutable or unreadable files that was cut short may have left some.
    if ! rm -rf --one-file-system "$SCRATCH" 2>/dev/null; then
      have chattr && as_root chattr -R -f -i "$SCRATCH" 2>/dev/null
      chmod -R u+rwX "$SCRATCH" 2>/dev/null
      rm -rf --one-file-system "$SCRATCH"
    fi
  fi
  exit "$code"
}

prepare() {
  cd "$ROOT" || exit 1
  SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/quietus-tests.XXXXXX") || exit 1
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # Tests that act as an account without rights reach their own folders through it.
  chmod 711 "$SCRATCH"
  mkdir -m 1777 "$SCRATCH/tmp"
  export TMPDIR=$SCRATCH/tmp ROOT SCRATCH
  export PATH="$PATH:/usr/sbin:/sbin"
  [ -z "$CI" ] || export QUIETUS_TOOLS_REQUIRED=1
  need_rust
}

target_folder() { printf '%s' "${CARGO_TARGET_DIR:-$ROOT/target}"; }

# build_harness BIN...: the harnesses, optimised, into $SCRATCH/bin (so that a second call at the
# same time, or a build with other features, cannot swap a binary under a running harness).
build_harness() {
  local bin args=()
  for bin in "$@"; do args+=(--bin "$bin"); done
  "$CARGO" build --locked -q --release -p quietus-tests "${args[@]}" || return 1
  mkdir -p "$SCRATCH/bin"
  for bin in "$@"; do cp "$(target_folder)/release/$bin" "$SCRATCH/bin/" || return 1; done
}

# build_agent NAME [FEATURES]: the agent, optimised, as $SCRATCH/bin/NAME. Without debug information, as it is given
# to people: the agent hashes its own binary in every run.
build_agent() {
  "$CARGO" build --locked -q --release -p quietus --bin quietus ${2:+--features "$2"} || return 1
  mkdir -p "$SCRATCH/bin"
  cp "$(target_folder)/release/quietus" "$SCRATCH/bin/$1" && strip --strip-debug "$SCRATCH/bin/$1"
}

# A scratch folder in memory, where there is room: kills need no disk, and syncs cost nothing there.
in_memory() {
  local free
  [ -w /dev/shm ] || return 0
  free=$(df -Pk /dev/shm | awk 'NR == 2 {print $4}')
  if [ "${free:-0}" -gt 1048576 ]; then export TMPDIR=/dev/shm; fi
}
