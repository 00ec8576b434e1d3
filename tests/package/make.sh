#!/usr/bin/env bash
# Makes the Debian package and what goes into it.
#
#   make.sh sbom       target/package/credwatch.cdx.json: what the program is built from, as CycloneDX
#   make.sh package    all, and target/debian/credwatch_VERSION-1_ARCHITECTURE.deb from it, looked over by lintian
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/target/tools/bin:$PATH"

sbom() {
    mkdir -p target/package
    cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --override-filename credwatch.cdx
    # It is written beside Cargo.toml, and names this folder.
    sed "s|file://$PWD|file:///credwatch|g" credwatch.cdx.json >target/package/credwatch.cdx.json
    rm credwatch.cdx.json
}

package() {
    # What is no longer made must not be packaged.
    rm -rf target/package target/debian
    sbom
    cargo run --quiet --locked --example pages -- target/package
    cargo deb --quiet --locked
    lintian --fail-on error,warning --tag-display-limit 0 --allow-root target/debian/credwatch_*.deb
}

case "${1:-}" in
    sbom) sbom ;;
    package) package ;;
    *)
        echo "usage: make.sh sbom | package" >&2
        exit 2
        ;;
esac
