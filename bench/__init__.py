"""Side-by-side benchmarks: the measures of docs/design/benchmarks.md, each beside its peer and its target, in one run."""
