.DEFAULT_GOAL := help
.PHONY: help test check parts bench

help: ## What there is.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

test: parts check ## Install what the tests need, and run all of them.
	cargo test --locked

check: ## Format, lints and documentation.
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items

parts:
	tests/parts.sh

bench: ## Speed, beside a floor and a peer; takes minutes.
	cargo bench --locked
