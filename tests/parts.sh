#!/usr/bin/env bash
# Installs what the tests need beside Rust: a C compiler, Prometheus with promtool, Alertmanager with amtool, the test
# files of Prometheus's toolkit, the authorities that a system trusts, Node.js with npm, Chromium, what tests/issuers starts
# (django-oauth-toolkit, Authlib and Keystone, with the distribution's Python), and what is pinned in
# tests/oidc (OAuth servers), tests/browser (what drives the browser), tests/grafana (types of dashboards) and
# tests/kubernetes (schemas); what makes and looks over the Debian package, a Debian system to boot, and, unpacked below
# target/parts, the current Prometheus 3. What is there already is left alone; what cannot be had is an error.
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
command -v dpkg-shlibdeps >/dev/null || missing+=(dpkg-dev)
command -v lintian >/dev/null || missing+=(lintian)
command -v shellcheck >/dev/null || missing+=(shellcheck)
command -v debootstrap >/dev/null || missing+=(debootstrap)
command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
command -v nsenter >/dev/null || missing+=(util-linux)
[ -x /usr/bin/chromium ] || missing+=(chromium)
# Libraries, of which no service runs: each is looked for where its package puts it.
libraries=/usr/lib/python3/dist-packages
[ -d "$libraries/oauth2_provider" ] || missing+=(python3-django-oauth-toolkit)
[ -d "$libraries/authlib" ] || missing+=(python3-authlib)
[ -d "$libraries/flask" ] || missing+=(python3-flask)
[ -d "$libraries/sqlalchemy" ] || missing+=(python3-sqlalchemy)
[ -d "$libraries/keystone" ] || missing+=(python3-keystone)

if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "error: the tests need ${missing[*]}, and there is no apt-get here to install them" >&2
        exit 1
    fi
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    # The packages of Prometheus would start services of that name; only the programs are wanted.
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

# As the tests import them, which fails here and not in the middle of the tests.
if ! /usr/bin/python3 -c 'import oauth2_provider, authlib, flask, sqlalchemy, keystone' 2>/dev/null; then
    echo "error: the tests need python3-django-oauth-toolkit, python3-authlib, python3-flask, python3-sqlalchemy and python3-keystone for /usr/bin/python3" >&2
    exit 1
fi

# Again only when the pinned versions have changed.
for folder in tests/oidc tests/browser tests/grafana tests/kubernetes; do
    if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed"; then
        (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts </dev/null)
        cp "$folder/package-lock.json" "$folder/node_modules/.installed"
    fi
done

# Tools that run for a second each are not worth the minutes that optimizing them takes.
tool() {
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL="$3" CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install --quiet --locked --root target/tools "$1" --version "$2"
}
tool cargo-cyclonedx 0.5.9 0
tool cargo-deb 3.8.0 1
tool cargo-deny 0.20.2 0

# Distributions stay with a Prometheus for years, users do not. Debian's unstable suite has the current one, which runs on older
# releases as well. It is fetched by the ordinary apt-get, from the mirror that this machine has configured, with a state
# of its own so that nothing of the system changes, and unpacked where only the tests look.
current=target/parts/prometheus-current
if [ ! -x "$current/usr/bin/prometheus" ] || [ ! -x "$current/usr/bin/promtool" ]; then
    # shellcheck disable=SC1091 # a file of the system
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # apt's own variables
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' "Codename: $codename" | head -n 1)
    if [ -z "$mirror" ]; then
        echo "error: the tests need a current Prometheus, and no mirror of Debian is configured here to fetch it from" >&2
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
    (cd "$scratch" && "${apt[@]}" download prometheus promtool </dev/null)
    for package in "$scratch"/*.deb; do
        dpkg-deb -x "$package" "$scratch/unpacked"
    done
    # In its place only when it is whole and starts here.
    "$scratch/unpacked/usr/bin/prometheus" --version >/dev/null
    mv "$scratch/unpacked" "$current"
    rm -rf "$scratch"
fi

tests/systemd/container.sh make
