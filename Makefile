.DEFAULT_GOAL := help
.PHONY: help quick test check parts package sbom bench docs

help: ## What there is.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

quick: ## Format, lints and all tests that need nothing but Rust.
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked --lib --test it

test: parts check package ## Install what the tests need, and run all of them.
	cargo test --locked

check: ## Format, lints, licences and documentation.
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck .ci/run tests/*.sh tests/*/*.sh deploy/debian/scripts/*
	target/tools/bin/cargo-deny --locked check licenses bans sources
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

parts:
	tests/parts.sh

package: ## The Debian package, in target/debian.
	tests/package/make.sh package

sbom: ## What the program is built from, as CycloneDX, in target/package.
	tests/package/make.sh sbom

bench: ## Speed, beside a floor and a peer; takes minutes.
	cargo bench --locked

docs: ## The documents as a site with a search box, in target/book; the first run builds mdBook, which takes two minutes.
	cargo test --locked --test it links::
	CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo install \
	    --quiet --locked --root target/tools --no-default-features --features search mdbook --version 0.5.4
	target/tools/bin/mdbook build
