# shellcheck shell=bash
# What every script here stands on: Debian's packages and a virtual environment in .venv, made once and reused.
#
#   source scripts/environment.sh
#   speakerd_options "$@"                         # answers --help, refuses options that the script's head does not name
#   speakerd_environment demo|talk|quick|test     # afterwards $SPEAKERD_PYTHON is the interpreter to use
#
# A stamp in .venv records what it was made from (Python's version, pyproject.toml, the pins, the extras), so a
# second run costs a checksum. Works as root, or with sudo.

SPEAKERD_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

say() { printf '\033[2m[%3ds]\033[0m %s\n' "$SECONDS" "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 3; }

# The head of the script that runs: what it is for, and all of its options.
speakerd_help() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; }
speakerd_misused() {
  { printf 'error: %s\n\n' "$1"; speakerd_help; } >&2
  exit 2
}
# Before anything is installed: nobody waits minutes to be told of a slip.
speakerd_options() {
  local word known
  known="$(speakerd_help)"
  for word in "$@"; do
    case "$word" in
      -h | --help) printf '%s\n' "$known"; exit 0 ;;
      --) return ;;
      -?*) grep -qE -- "(^|[^[:alnum:]-])${word%%=*}([^[:alnum:]-]|\$)" <<<"$known" || speakerd_misused "unknown option $word" ;;
    esac
  done
}

# The compiler and the headers serve PyAudio and systemd-python, which PyPI has as source only.
SPEAKERD_APT_RUN=(python3 python3-venv python3-dev gcc pkg-config portaudio19-dev libsystemd-dev libasound2-plugins espeak-ng)
# The software sound card that the suite plays on, and what judges the unit.
SPEAKERD_APT_TEST=(pulseaudio pulseaudio-utils alsa-utils systemd systemd-container procps)

_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "'$1' needs root, and there is no sudo here. Run this once as root: $*"
  fi
}

_missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || printf '%s\n' "$package"
  done
}

_debian_packages() {
  local missing log
  if ! command -v apt-get >/dev/null; then
    say "no apt-get here; taking it that these are there in some form: $*"
    return
  fi
  mapfile -t missing < <(_missing_packages "$@")
  [ "${#missing[@]}" = 0 ] && return
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  log="$(mktemp)"
  if ! { _as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
         _as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
       >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    die "apt-get could not install: ${missing[*]}
       Is the network up, and is another apt running? The whole log: $log"
  fi
  rm -f "$log"
}

# For whoever may not install: what is missing, and the command.
_debian_packages_named() {
  local missing
  command -v dpkg-query >/dev/null || return 0
  mapfile -t missing < <(_missing_packages "$@")
  [ "${#missing[@]}" = 0 ] || die "Debian packages are missing. Run: sudo apt-get install --no-install-recommends ${missing[*]}"
}

_base_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 /usr/bin/python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "Python 3.11 or newer with its venv module is needed (Debian 12, or Raspberry Pi OS bookworm, or later).
       Found: $(python3 --version 2>&1). Set PYTHON=/path/to/python3.11 if you have one elsewhere."
}

_virtual_environment() {
  local extras="$1" python stamp now log
  python="$(_base_python)" || exit 3
  SPEAKERD_PYTHON="$SPEAKERD_ROOT/.venv/bin/python"
  stamp="$SPEAKERD_ROOT/.venv/speakerd-stamp"
  now="$({ "$python" -VV; printf '%s\n%s\n' "$SPEAKERD_ROOT" "$extras"
           cat "$SPEAKERD_ROOT/pyproject.toml" "$SPEAKERD_ROOT/scripts/constraints.txt"; } | sha256sum | cut -c1-40)"
  # A richer environment serves a poorer wish: one line in the stamp for each set of extras it has had.
  if grep -qsx "$now" "$stamp" && "$SPEAKERD_PYTHON" -c '' 2>/dev/null; then return; fi
  [ -x "$SPEAKERD_PYTHON" ] && "$SPEAKERD_PYTHON" -c '' 2>/dev/null || {
    say "making a virtual environment with $("$python" --version)"
    rm -rf "$SPEAKERD_ROOT/.venv"
    "$python" -m venv "$SPEAKERD_ROOT/.venv" || die "python3 -m venv failed; on Debian: apt-get install python3-venv"
  }
  say "installing Python packages: speakerd[$extras] (once; one to five minutes on a Pi)"
  log="$(mktemp)"
  if ! "$SPEAKERD_PYTHON" -m pip install -q --disable-pip-version-check --prefer-binary \
       -c "$SPEAKERD_ROOT/scripts/constraints.txt" -e "$SPEAKERD_ROOT[$extras]" >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log" >&2
    die "pip could not install speakerd[$extras]. The whole log: $log"
  fi
  rm -f "$log"
  printf '%s\n' "$now" >>"$stamp"
}

speakerd_environment() {
  cd "$SPEAKERD_ROOT" || exit 3
  case "$1" in
    demo | talk) _debian_packages "${SPEAKERD_APT_RUN[@]}"; _virtual_environment "aec,offline" ;;
    quick) _debian_packages_named "${SPEAKERD_APT_RUN[@]}"; _virtual_environment "aec,offline,silero,wakeword,test" ;;
    test) _debian_packages "${SPEAKERD_APT_RUN[@]}" "${SPEAKERD_APT_TEST[@]}"
          _virtual_environment "aec,offline,silero,wakeword,test" ;;
    *) die "speakerd_environment demo|talk|quick|test" ;;
  esac
}
