#!/usr/bin/env bash
# Installs the programs that the tests need beside Rust:
# - from Debian: jq, a C compiler, Prometheus with promtool, Alertmanager with amtool, the test files of exporter-toolkit,
#   the root certificates, Node.js with npm, Chromium, the Python libraries of tests/issuers, the tools for the package,
#   jsonnet, which renders the mixin and the manifests, podman, which builds and runs the image
# - from npm, with pinned versions: tests/oidc (OAuth servers), tests/browser (the browser driver), tests/grafana (the types
#   of dashboards), tests/kubernetes (schemas)
# - a Debian system to boot in target/systemd, the current Prometheus 3 and Docker Compose in target/parts
# Installed programs are not changed. The script fails if it cannot install a program.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v prometheus >/dev/null && command -v promtool >/dev/null || missing+=(prometheus)
command -v prometheus-alertmanager >/dev/null && command -v amtool >/dev/null || missing+=(prometheus-alertmanager)
[ -d /usr/share/gocode/src/github.com/prometheus/exporter-toolkit/web/testdata ] || missing+=(golang-github-prometheus-exporter-toolkit-dev)
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
compgen -G "/usr/lib/*/faketime/libfaketimeMT.so.1" >/dev/null || missing+=(libfaketime)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v jq >/dev/null || missing+=(jq)
command -v jsonnet >/dev/null || missing+=(jsonnet)
command -v dpkg-shlibdeps >/dev/null || missing+=(dpkg-dev)
command -v lintian >/dev/null || missing+=(lintian)
command -v shellcheck >/dev/null || missing+=(shellcheck)
command -v debootstrap >/dev/null || missing+=(debootstrap)
command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
command -v nsenter >/dev/null || missing+=(util-linux)
command -v podman >/dev/null || missing+=(podman)
command -v crun >/dev/null || missing+=(crun)
[ -x /usr/bin/chromium ] || missing+=(chromium)
# Libraries without a command: the script looks for the folder of each package.
libraries=/usr/lib/python3/dist-packages
[ -d "$libraries/oauth2_provider" ] || missing+=(python3-django-oauth-toolkit)
[ -d "$libraries/authlib" ] || missing+=(python3-authlib)
[ -d "$libraries/flask" ] || missing+=(python3-flask)
[ -d "$libraries/sqlalchemy" ] || missing+=(python3-sqlalchemy)
[ -d "$libraries/keystone" ] || missing+=(python3-keystone)

if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "error: the tests need ${missing[*]}; apt-get is missing, so install these packages yourself" >&2
        exit 1
    fi
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    # The packages of Prometheus would start services. The tests need only the programs.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        trap '"${as_root[@]}" rm -f "$policy"' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq </dev/null
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
fi

# The tests import these libraries. A missing one fails here and not in the middle of the tests.
if ! /usr/bin/python3 -c 'import oauth2_provider, authlib, flask, sqlalchemy, keystone' 2>/dev/null; then
    echo "error: the tests need python3-django-oauth-toolkit, python3-authlib, python3-flask, python3-sqlalchemy and python3-keystone for /usr/bin/python3" >&2
    exit 1
fi

# Runs again only if the pinned versions have changed.
for folder in tests/oidc tests/browser tests/grafana tests/kubernetes; do
    if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed"; then
        (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts </dev/null)
        cp "$folder/package-lock.json" "$folder/node_modules/.installed"
    fi
done

# These tools run for seconds, so they are built without optimization, which would take minutes.
tool() {
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL="$3" CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install --quiet --locked --root target/tools "$1" --version "$2"
}
tool cargo-cyclonedx 0.5.9 0
tool cargo-deb 3.8.0 1
tool cargo-deny 0.20.2 0

# A distribution keeps the same Prometheus and Docker Compose for years, but users run newer ones. Debian unstable has the current
# versions, and they run on older releases too. apt-get downloads them from the configured mirror with a separate state, so that
# the system does not change. They are unpacked in target/parts.
current=target/parts/prometheus-current
compose=usr/libexec/docker/cli-plugins/docker-compose
if [ ! -x "$current/usr/bin/prometheus" ] || [ ! -x "$current/usr/bin/promtool" ] || [ ! -x "$current/$compose" ]; then
    # shellcheck disable=SC1091 # a file of the system
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # apt's own variables
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' "Codename: $codename" | head -n 1)
    if [ -z "$mirror" ]; then
        echo "error: the tests need the current Prometheus from Debian unstable; configure a Debian mirror for apt" >&2
        exit 1
    fi
    scratch=$PWD/target/parts/apt
    rm -rf "$scratch" "$current"
    mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/unpacked"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$scratch/sources.list"
    apt=(apt-get -qq -o "Dir::Etc::sourcelist=$scratch/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" -o "APT::Sandbox::User=$(id -un)"
        -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
    "${apt[@]}" update </dev/null
    (cd "$scratch" && "${apt[@]}" download prometheus promtool docker-compose </dev/null)
    for package in "$scratch"/*.deb; do
        dpkg-deb -x "$package" "$scratch/unpacked"
    done
    # Moved to its place only if it is complete and starts.
    "$scratch/unpacked/usr/bin/prometheus" --version >/dev/null
    "$scratch/unpacked/$compose" version >/dev/null
    mv "$scratch/unpacked" "$current"
    rm -rf "$scratch"
fi

tests/systemd/container.sh make
