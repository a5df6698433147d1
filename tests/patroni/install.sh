#!/usr/bin/env bash
# Installs what run.sh needs, from Debian. As root. Exit code 0 if all is there; otherwise the last line says what is missing.
# `install.sh --check` installs nothing.
set -uo pipefail

# Here and not among the system's programs: Debian 12 has a vip-manager of its own.
vip_manager_home=/usr/local/lib/vip-manager2

has_vip_manager() { vip_manager >/dev/null; }

# The path of a vip-manager that speaks etcd's API v3, as Patroni writes by. Debian 12's (1.0) knows only v2: it finds nothing at etcd either.
vip_manager() {
  local program
  for program in /usr/bin/vip-manager "$vip_manager_home/usr/bin/vip-manager"; do
    [[ "$("$program" --version 2>/dev/null)" =~ version:\ +v?[2-9] ]] && echo "$program" && return 0
  done
  return 1
}

missing() {
  command -v patroni >/dev/null || echo patroni
  ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || echo postgresql
  /usr/bin/python3 -c 'import etcd' 2>/dev/null || echo python3-etcd
  /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || echo python3-psycopg2
  command -v ip >/dev/null || echo iproute2
  command -v curl >/dev/null || echo curl
  has_vip_manager || echo vip-manager2
}

# Debian 13's package, unpacked: it needs nothing but libc. The lists of that release are read aside; this machine's stay as they are.
unpack_vip_manager() {
  local scratch options
  scratch="$(mktemp -d)"
  chmod 755 "$scratch"
  mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
  echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' >"$scratch/sources.list"
  options=(-q -o "Dir::Etc::sourcelist=$scratch/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$scratch/lists"
    -o "Dir::Cache=$scratch/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update && (cd "$scratch" && apt-get "${options[@]}" download vip-manager2) \
    && dpkg -x "$scratch"/vip-manager2_*.deb "$vip_manager_home"
  rm -rf "$scratch"
}

install_packages() {
  local package
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  for package in $(missing); do
    if [ "$package" = vip-manager2 ]; then
      apt-get install -y -q --no-install-recommends vip-manager2 || unpack_vip_manager
    else
      apt-get install -y -q --no-install-recommends "$package"
    fi
  done
}

# Sourced by run.sh for the functions; run by .ci/run.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0
if [ "${1:-}" != --check ] && [ -n "$(missing)" ] && [ "$(id -u)" -eq 0 ]; then install_packages >&2; fi
wanted="$(missing | tr '\n' ' ')"
[ -z "$wanted" ] || { echo "not installed: $wanted"; exit 1; }
