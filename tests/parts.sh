#!/usr/bin/env bash
# Installs what the tests need beside Rust: a C compiler, Prometheus with promtool, Node.js with npm, the OAuth server
# that is pinned in tests/oidc, and what the dashboards are held against, pinned in tests/grafana. What is there already is
# left alone; what cannot be had is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v prometheus >/dev/null && command -v promtool >/dev/null || missing+=(prometheus)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)

if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "error: the tests need ${missing[*]}, and there is no apt-get here to install them" >&2
        exit 1
    fi
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    # The package of Prometheus would start a service of that name; only the programs are wanted.
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

# Again only when the pinned versions have changed.
for home in tests/oidc tests/grafana; do
    if ! cmp -s "$home/package-lock.json" "$home/node_modules/.installed"; then
        (cd "$home" && npm ci --no-audit --no-fund --ignore-scripts </dev/null)
        cp "$home/package-lock.json" "$home/node_modules/.installed"
    fi
done
